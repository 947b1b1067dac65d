"""The API's description: OpenAPI with an example of every answer, from which the page /docs is made."""

from __future__ import annotations

from typing import Any


def complete(description: dict[str, Any]) -> dict[str, Any]:
    """Add an example to each answer, and give problems their media type."""
    schemas = description["components"]["schemas"]
    for operations in description["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                content = answer["content"].pop("application/json")
                kind = "problem+json" if content["schema"].get("$ref", "").endswith("/Problem") else "json"
                answer["content"][f"application/{kind}"] = content
                content["example"] = example(content["schema"], schemas)
    return description


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of the schema, put together from the examples of its fields."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if schema["type"] == "array":
        return [example(schema["items"], schemas)]
    return {name: example(each, schemas) for name, each in schema["properties"].items()}


def routes(description: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page shows of each route: path, words, parameters and an example of its answer."""
    return [
        {
            "path": path,
            "words": operation["description"],
            "parameters": [_parameter(each) for each in operation.get("parameters", ())],
            "example": operation["responses"]["200"]["content"]["application/json"]["example"],
        }
        for path, operations in description["paths"].items()
        for operation in operations.values()
    ]


def _parameter(each: dict[str, Any]) -> dict[str, Any]:
    schema = next(iter(each["schema"].get("anyOf", [])), each["schema"])
    words = {"minimum": "at least {}", "maximum": "at most {}", "maxLength": "at most {} characters"}
    limits = [text.format(schema[name]) for name, text in words.items() if name in schema]
    return {"name": each["name"], "description": each.get("description", ""), "limits": ", ".join(limits)}
