"""An owner without the kernel's protection of its key files is told so, and is not called ready."""

from __future__ import annotations

import pytest

from hexchange.cli.doctor import Role, _sandbox
from hexchange.he import sandbox


def test_an_owner_without_landlock_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    here = sandbox.protections()
    monkeypatch.setattr(sandbox, "protections", lambda: {**here, "landlock": False})
    assert not _sandbox(Role.OWNER).ok
    assert "keys included" in _sandbox(Role.OWNER).detail
    assert _sandbox(Role.PROVIDER).ok
    monkeypatch.setattr(sandbox, "protections", lambda: {**here, "landlock": True})
    assert _sandbox(Role.OWNER).ok
    assert sandbox.exposed() == ""
