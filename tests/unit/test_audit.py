"""`make audit` tells nothing known, something known and not asked apart."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parents[2] / "requirements/audit.py"


def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLEAN = {"name": "yarl", "version": "1.25.1", "vulns": []}
BAD = {"name": "httpx", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.2"]}]}
SKIPPED = {"name": "typer", "skip_reason": "Dependency not found on PyPI"}


def test_nothing_known_is_well() -> None:
    assert audit().verdict([CLEAN]) == (0, ["Nothing is known against the 1 packages that were asked about."])


def test_something_known_is_named_with_its_fix() -> None:
    status, lines = audit().verdict([CLEAN, BAD])
    assert (status, lines) == (1, ["httpx 0.1: PYSEC-1; fixed in 0.2"])


def test_what_was_not_asked_about_is_not_called_safe() -> None:
    for dependencies in ([SKIPPED], [], [CLEAN, SKIPPED]):
        status, lines = audit().verdict(dependencies)
        assert status == 2
        assert any("NOT AUDITED" in line for line in lines)
    assert audit().verdict([BAD, SKIPPED])[0] == 1
