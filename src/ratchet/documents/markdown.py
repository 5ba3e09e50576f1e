"""The structure of Markdown: front matter, title, sections by heading. Pure, and linear in the length.

Hand-written, since only headings and fences matter here and documents are whatever people commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_FRONT_MATTER_CHARS: Final = 20_000
MAX_HEADING_CHARS: Final = 300
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
# What may stand above an underline without being a heading: a list item, a quote, a table, a tag.
_NO_TITLE: Final = re.compile(r"\s*(?:[-*+>|<]|\d+[.)]\s|$)")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_ANCHOR: Final = re.compile(r"\s*(?:\{#[^{}]*\}|<[^<>]*>)\s*")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one heading and above the next. `headings` are the path to it, outermost first.

    `body` is the text without its heading; empty headings are kept, for their words.
    """

    headings: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """`title` is "" when the document names none. `front` is the front matter; {} for none."""

    title: str
    sections: tuple[Section, ...]
    front: Mapping[str, Any] = field(default_factory=dict)


def parse(text: str) -> Parsed:
    """Any text has a structure; nothing is refused."""
    front, body = split_front_matter(text)
    sections = tuple(_sections(body))
    named = front.get("title")
    title = str(named).strip() if isinstance(named, str | int | float) else ""
    first = next((section.headings[0] for section in sections if section.headings), "")
    return Parsed((title or first)[:MAX_HEADING_CHARS], sections, front)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML between `---` lines at the very start, and the rest."""
    text = text.removeprefix("\ufeff")
    if not text.startswith(("---\n", "---\r\n")):
        return {}, text
    end = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE).search(text, 4, 4 + MAX_FRONT_MATTER_CHARS)
    if end is None:
        return {}, text
    try:
        values = yaml.safe_load(text[4 : end.start()])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text[end.end() :].lstrip("\r\n")
    return values if isinstance(values, dict) else {}, text[end.end() :].lstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Heading:
    """`line` counts from 1 in the whole text; `level` from 1 too."""

    line: int
    level: int
    name: str


def outline(text: str) -> list[Heading]:
    """The headings in order, with where they stand."""
    _, body = split_front_matter(text)
    line_number = len(text[: len(text) - len(body)].splitlines())
    found: list[Heading] = []
    before: list[str] = []
    fence = ""
    for line in body.splitlines():
        line_number += 1
        fence, fenced = _fenced(line, fence)
        length = len(before)
        heading = None if fenced else _heading(line, before)
        if heading is None:
            before.append(line)
            continue
        # An underlined heading took its line back from what came before.
        found.append(Heading(line_number - (length - len(before)), *heading))
        before = []
    return found


def _sections(text: str) -> Iterator[Section]:
    path: list[tuple[int, str]] = []
    body: list[str] = []
    fence = ""
    for line in text.splitlines():
        fence, fenced = _fenced(line, fence)
        heading = None if fenced else _heading(line, body)
        if heading is None:
            body.append(line)
            continue
        if "".join(body).strip() or path:
            yield Section(tuple(name for _, name in path), "\n".join(body).strip("\n"))
        level, name = heading
        path = [(outer, title) for outer, title in path if outer < level] + [(level, name)]
        body = []
    if "".join(body).strip() or path:
        yield Section(tuple(name for _, name in path), "\n".join(body).strip("\n"))


def _fenced(line: str, fence: str) -> tuple[str, bool]:
    """The fence that is open after the line ("" for none), and whether the line is code."""
    found = _FENCE.match(line)
    if not fence:
        return (found.group(1), True) if found else ("", False)
    closes = found and found.group(1).startswith(fence) and not line.strip(" \t`~")
    return ("" if closes else fence), True


def _heading(line: str, body: list[str]) -> tuple[int, str] | None:
    """Level and words. An underlined heading takes its line back from the body."""
    if found := _HEADING.match(line):
        return len(found.group(1)), plain(found.group(2).rstrip(" \t#"))
    if not body or not (found := _UNDERLINE.fullmatch(line)):
        return None
    above, before = body[-1], body[-2] if len(body) > 1 else ""
    if before.strip() or _NO_TITLE.match(above) or above.startswith(("    ", "\t")):
        return None
    body.pop()
    return (1 if found.group(1)[0] == "=" else 2), plain(above)


def plain(heading: str) -> str:
    """The words of a heading without marks, links and anchors."""
    clipped = heading[:MAX_HEADING_CHARS]
    words = _ANCHOR.sub(" ", _LINK.sub(r"\1", clipped)).replace("`", "").replace("**", "").replace("__", "")
    return " ".join(words.split())
