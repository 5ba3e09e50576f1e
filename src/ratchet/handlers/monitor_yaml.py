"""YAML as JSON values, for files that hold schemas: typed, with aliases, no larger than it looks. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

MAX_TEXT: Final = 500_000  # characters
MAX_DEPTH: Final = 40
MAX_NODES: Final = 20_000  # each alias counted as what it stands for


class Unreadable(ValueError):
    """Text that is no YAML of the kind we read; the text says why, with its line where one is known."""


def read_values(text: str) -> Any:
    """The document's one value; {} for an empty text. Raises Unreadable."""
    if len(text) > MAX_TEXT:
        raise Unreadable(f"{len(text)} characters; at most {MAX_TEXT} are read")
    try:
        _refuse_deep(text)
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            return {}
        _measure(node, set(), 0)
        value = yaml.SafeLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"line {mark.line + 1 if mark else 1}: {error.problem or 'no YAML'}") from None
    except yaml.YAMLError as error:
        raise Unreadable(f"no YAML: {str(error).splitlines()[0]}") from None
    except (ValueError, OverflowError, TypeError) as error:
        raise error if isinstance(error, Unreadable) else Unreadable(f"a value is none: {error}") from None
    return _plain(value)


def _refuse_deep(text: str) -> None:
    """Before anything recurses: deep nesting costs the square of its depth."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise Unreadable(f"line {_line(event)}: nested too deeply")


def _measure(node: yaml.Node, above: set[int], count: int) -> int:
    """How many values the node stands for. Raises Unreadable for too many, or for one that holds itself."""
    count += 1
    if count > MAX_NODES:
        raise Unreadable(f"line {_line(node)}: its aliases stand for more than {MAX_NODES} values")
    if id(node) in above:
        raise Unreadable(f"line {_line(node)}: it holds itself")
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise Unreadable(f"line {_line(key)}: {key.value} is there twice")
            seen.add(str(key.value))
            count = _measure(value, inside, _measure(key, inside, count))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            count = _measure(value, inside, count)
    return count


def _line(at: Any) -> int:
    return int(at.start_mark.line) + 1 if at.start_mark else 1


def _plain(value: Any) -> Any:
    """JSON values; a date stays as it reads."""
    if isinstance(value, dict):
        return {_key(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, set | bytes):
        raise Unreadable(f"{type(value).__name__}s are not read")
    return str(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key, default=str)
