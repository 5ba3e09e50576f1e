"""The bars of our style, measured from the source tree. CONTRIBUTING.md lists them."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = sorted((ROOT / "src").rglob("*.py"))
EVERYTHING: Final = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)

# One or several, one after the other.
OVERLOOKED: Final = re.compile(r"(?:# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])\s*)+")

# The named edges where everything may be caught, each logged or answered there.
CATCH_ALL: Final = {"jobs", "slack/socket.py", "llm", "tools", "web"}


def parsed(paths: list[Path]) -> Iterator[tuple[Path, ast.Module]]:
    for path in paths:
        yield path, ast.parse(path.read_text("utf-8"))


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, tree in parsed(SOURCES):
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def test_functions_are_short() -> None:
    lengths = [length(node) for _, node in functions()]
    long = [name for name, node in functions() if length(node) > 80]
    assert long == []
    assert statistics.median(lengths) <= 10
    assert percentile(lengths, 0.95) <= 40


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert [name for name, lines in lengths.items() if lines > 600] == []
    assert percentile(list(lengths.values()), 0.95) <= 400


def test_functions_take_few_arguments() -> None:
    def count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        return len([name for name in names if name not in ("self", "cls")])

    assert percentile([count(node) for _, node in functions()], 0.95) <= 5


def test_everything_is_caught_only_at_the_named_edges() -> None:
    def catches_all(node: ast.ExceptHandler) -> bool:
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(
            kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
            for kind in kinds
        )

    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in parsed(SOURCES)
        if path.is_relative_to(ROOT / "src/ratchet")
        and not any(str(path.relative_to(ROOT / "src/ratchet")).startswith(edge) for edge in CATCH_ALL)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    ]
    assert found == []


def test_nothing_is_global_and_only_the_settings_read_the_environment() -> None:
    found = []
    for path, tree in parsed(SOURCES):
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} global")
            if not isinstance(node, ast.Attribute) or path == ROOT / "src/ratchet/settings.py":
                continue
            if node.attr in ("environ", "getenv"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} environment")
    assert found == []


MOCKS: Final = re.compile(r"\bMock\(|\bmock\.patch\b|@patch\(|monkeypatch\.setattr|unittest\.mock")


def test_what_a_check_is_told_to_overlook_has_its_reason_beside_it() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*EVERYTHING, *sorted((ROOT / "bench").rglob("*.py"))]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (told := OVERLOOKED.search(line)) and not re.search(r"[a-z]", line[told.end() :])
    ] == []


def test_nothing_is_mocked() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in EVERYTHING
        if path != Path(__file__) and MOCKS.search(path.read_text("utf-8"))
    ]
    assert found == []
