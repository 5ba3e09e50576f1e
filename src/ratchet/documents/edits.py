"""Search-and-replace blocks applied to a text: exactly, else by whole lines whatever their spaces. Pure.

A block that fits nowhere, or in several places, changes nothing: whoever wrote it is told what is near.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from ratchet.domain.errors import Refused
from ratchet.domain.proposals import Edit

MAX_EDITS: Final = 30
MAX_BLOCK_CHARS: Final = 20_000
# What is near is looked for in so many lines, by so much of each.
NEAR_LINES: Final = 5_000
NEAR_CHARS: Final = 200
AROUND: Final = 2
PLACES: Final = 5


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits, one after the other. Raises Refused, in words for whoever wrote them."""
    if not edits:
        raise Refused("There are no edits.")
    if len(edits) > MAX_EDITS:
        raise Refused(f"At most {MAX_EDITS} edits of one file at a time.")
    changed = text
    for number, edit in enumerate(edits, 1):
        changed = _applied(changed, edit, f"Edit {number}")
    if changed == text:
        raise Refused("The edits change nothing.")
    return changed


def _applied(text: str, edit: Edit, name: str) -> str:
    if max(len(edit.find), len(edit.replace)) > MAX_BLOCK_CHARS:
        raise Refused(f"{name} is longer than {MAX_BLOCK_CHARS} characters; make it smaller.")
    if not edit.find.strip():
        raise Refused(f"{name} searches for nothing. Search for the line beside which the text should stand.")
    end = "\r\n" if "\r\n" in text else "\n"
    find, replace = (_with_ends(block, end) for block in (edit.find, edit.replace))
    places = list(_places(text, find))
    if len(places) == 1:
        return text[: places[0]] + replace + text[places[0] + len(find) :]
    if places:
        raise Refused(_ambiguous(name, [text.count("\n", 0, place) + 1 for place in places]))
    return _tolerant(text, find, replace, name)


def _with_ends(block: str, end: str) -> str:
    return block.replace("\r\n", "\n").replace("\n", end)


def _places(text: str, find: str) -> Iterator[int]:
    """Where it stands, overlapping ones too; at most one more than are named."""
    at = text.find(find)
    for _ in range(PLACES + 1):
        if at < 0:
            return
        yield at
        at = text.find(find, at + 1)


def _tolerant(text: str, find: str, replace: str, name: str) -> str:
    """Whole lines that are the same but for spaces, if they stand in one place."""
    lines = text.splitlines(keepends=True)
    wanted = find.strip("\r\n").splitlines()
    while wanted and not wanted[-1].strip():
        wanted.pop()
    while wanted and not wanted[0].strip():
        wanted.pop(0)
    bare, sought = [_bare(line) for line in lines], [_bare(line) for line in wanted]
    starts = [at for at in range(len(bare) - len(sought) + 1) if bare[at : at + len(sought)] == sought]
    if len(starts) > 1:
        raise Refused(_ambiguous(name, [at + 1 for at in starts]))
    if not starts:
        raise Refused(f"{name} fits nowhere: its text does not stand in the document. {_near(lines, sought)}")
    start = starts[0]
    old = lines[start : start + len(sought)]
    new = _indented(replace.strip("\r\n"), _indent(wanted[0]), _indent(old[0]))
    last = old[-1][len(old[-1].rstrip("\r\n")) :]
    before, after = "".join(lines[:start]), "".join(lines[start + len(sought) :])
    return before + (new + last if new else "") + after


def _bare(line: str) -> str:
    return " ".join(line.split())


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _indented(block: str, written: str, there: str) -> str:
    """The block with the indentation of the place instead of the one it was written with."""
    if written == there:
        return block
    lines = block.splitlines(keepends=True)
    return "".join(
        there + line[len(written) :] if line.strip() and line.startswith(written) else line for line in lines
    )


def _ambiguous(name: str, lines: Sequence[int]) -> str:
    more = " and more" if len(lines) > PLACES else ""
    named = ", ".join(map(str, lines[:PLACES]))
    return f"{name} fits in several places, at lines {named}{more}. Search for more of the lines around it."


def _near(lines: Sequence[str], sought: Sequence[str]) -> str:
    """The lines around the one most like what was searched for."""
    known = [_bare(line)[:NEAR_CHARS] for line in lines[:NEAR_LINES]]
    first = max(sought, key=len, default="")[:NEAR_CHARS]
    close = get_close_matches(first, list(dict.fromkeys(known)), 1, 0.5) if first else []
    if not close:
        return "Nothing in it is like it; read the document again."
    at = known.index(close[0])
    around = "".join(lines[max(0, at - AROUND) : at + AROUND + 1]).strip("\n")
    return f"Closest to it, at line {at + 1}:\n{around}"
