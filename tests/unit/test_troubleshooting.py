"""What docs/troubleshooting.md says the program prints, it prints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
TEXT: Final = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
SAID: Final = [
    line.strip() for block in re.findall(r"(?ms)^ *```text\n(.*?)^ *```", TEXT) for line in block.splitlines()
]


def literals(node: ast.AST) -> Iterator[str]:
    """Every text of a module, what is put in marked by `…`."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "…"
            for part in node.values
        )
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def everything() -> str:
    sources = sorted((ROOT / "src/ratchet").rglob("*.py"))
    return "\n".join(text for path in sources for text in literals(ast.parse(path.read_text("utf-8"))))


PROGRAM: Final = everything()


def missing(line: str) -> list[str]:
    """Pieces of a line, between what varies, that no text of the program has."""
    pieces = (piece.strip(" .:;,()") for piece in re.split(r"…|RATCHET_[A-Z_]+|(?<=[.:;,]) ", line))
    return [piece for piece in pieces if len(piece) > 5 and not any(map(PROGRAM.__contains__, shown(piece)))]


def shown(piece: str) -> Iterator[str]:
    yield piece
    yield re.sub(r"\bxoxb-|\bxapp-|\d+", "…", piece)


@pytest.mark.parametrize("line", SAID)
def test_a_message_is_as_the_program_says_it(line: str) -> None:
    assert missing(line) == []


def test_a_message_that_the_program_does_not_say_is_noticed() -> None:
    assert missing("The database is on holiday: …. Come back later.") == [
        "The database is on holiday", "Come back later",
    ]  # fmt: skip


def test_there_are_twenty_symptoms_and_more_each_with_what_to_do() -> None:
    symptoms = re.split(r"(?m)^### ", TEXT)[1:]
    assert len(symptoms) >= 25
    for symptom in symptoms:
        assert re.search(r"\*\*Remedy:\*\*|^\d\. |ratchet jobs", symptom, re.MULTILINE), symptom[:60]
