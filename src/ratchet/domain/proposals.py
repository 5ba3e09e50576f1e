"""A change to documents that somebody proposes: values, and to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Edit:
    """`find` stands once in the text, and `replace` comes in its place."""

    find: str
    replace: str


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What becomes of one file. `path` is relative to its source.

    `edits` are made to the version `blob`; of a new file `blob` is None and `content` its text. `shown`: the
    lines that the diff took away and added when it was agreed to.
    """

    path: str
    blob: str | None
    edits: tuple[Edit, ...] = ()
    content: str | None = None
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Files of one source that change together. `title` and `why` are one line and a few sentences."""

    source: str
    title: str
    why: str
    files: tuple[FileEdit, ...]


@dataclass(frozen=True, slots=True)
class CurrentFile:
    """A file as it stands where a change of it would be made. `blob` names this version."""

    text: str
    blob: str


def to_json(change: Change) -> dict[str, Any]:
    return asdict(change)


def from_json(data: Mapping[str, Any]) -> Change:
    files = tuple(
        FileEdit(
            one["path"],
            one["blob"],
            tuple(Edit(**edit) for edit in one["edits"]),
            one["content"],
            tuple(one["shown"]),
        )
        for one in data["files"]
    )
    return Change(data["source"], data["title"], data["why"], files)
