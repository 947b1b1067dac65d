"""The circuits that people need, each with its twin in the clear.

A file here is found by being here: it declares a `CIRCUIT`, `KINDS` of results, or both.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from hexchange.circuit.kinds import Kind, Recipe

_FILES = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]

#: Circuits by the name that people ask for.
CIRCUITS: Mapping[str, Recipe] = MappingProxyType(
    {file.CIRCUIT.name: file.CIRCUIT for file in _FILES if hasattr(file, "CIRCUIT")}
)
#: Kinds of results by the name that stands in a circuit.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for file in _FILES for kind in getattr(file, "KINDS", ())}
)
