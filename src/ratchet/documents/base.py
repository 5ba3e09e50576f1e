"""What a source of documents is. A new kind of source is one file with this interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one file is left out.

    `lasting`: what was stored of it goes too; else it is kept until the file can be read again.
    """

    path: str
    reason: str
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds now. `files`: path to blob, a hash of the content. `revision` names this state."""

    revision: str
    files: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """One file as it was read, which may be newer than the listing."""

    path: str
    blob: str
    text: str


class Source(Protocol):
    """`kind` is the `type` in the sources file."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    async def list(self) -> Listing:
        """Raises Refused or Transient when the source as a whole cannot be read; what is stored stays."""
        ...

    async def read(self, path: str) -> File | Problem:
        """A file of the listing. Raises Transient when the source went away meanwhile."""
        ...

    def url(self, path: str) -> str:
        """Where a person can open the file; "" for nowhere."""
        ...
