"""YAML as values that know their line, so that an error can name it. Text in, values out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

MAX_TEXT: Final = 1_000_000  # characters
MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line; lines count from 1."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class Unreadable(ValueError):
    """Text that is no YAML of the kind we read."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: a text (numbers and words such as `no` stay as written), a list, or a mapping."""

    line: int
    text: str | None = None
    items: tuple[Entry, ...] | None = None
    pairs: dict[str, Entry] | None = field(default=None)

    @property
    def kind(self) -> str:
        if self.text is not None:
            return "a text" if self.text else "nothing"
        return "a list" if self.items is not None else "a mapping"


def read_yaml(text: str) -> Entry:
    """The document's one value; an empty text is an empty mapping. Raises Unreadable."""
    if len(text) > MAX_TEXT:
        raise Unreadable(Problem(1, f"{len(text)} characters; at most {MAX_TEXT} are read"))
    try:
        _refuse_hostile(text)
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(Problem(mark.line + 1 if mark else 1, error.problem or "no YAML")) from None
    except yaml.YAMLError as error:
        raise Unreadable(Problem(1, f"no YAML: {str(error).splitlines()[0]}")) from None
    except RecursionError:
        raise Unreadable(Problem(1, "nested too deeply")) from None
    if node is None:
        return Entry(1, pairs={})
    problems: list[Problem] = []
    entry = _entry(node, problems)
    if problems:
        raise Unreadable(*problems)
    return entry


def _refuse_hostile(text: str) -> None:
    """An alias could stand for itself or a million copies; deep nesting costs the square of its depth."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        mark = event.start_mark
        line = mark.line + 1 if mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable(Problem(line, f"*{event.anchor}: aliases are not read"))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise Unreadable(Problem(line, "nested too deeply"))


def _entry(node: yaml.Node, problems: list[Problem]) -> Entry:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return Entry(line, items=tuple(_entry(one, problems) for one in node.value))
    if isinstance(node, yaml.MappingNode):
        return Entry(line, pairs=dict(_pairs(node, problems)))
    text = str(node.value)
    return Entry(line, "" if node.tag.endswith(":null") and text in ("~", "null", "Null", "NULL") else text)


def _pairs(node: yaml.MappingNode, problems: list[Problem]) -> Iterator[tuple[str, Entry]]:
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problems.append(Problem(line, "a key must be a word"))
            continue
        name = str(key.value)
        if name in seen:
            problems.append(Problem(line, f"{name} is there twice"))
        seen.add(name)
        yield name, _entry(value, problems)
