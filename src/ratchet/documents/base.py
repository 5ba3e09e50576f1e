"""What a source of documents is. A new kind of source is one file with this interface."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one file is left out.

    `lasting`: what was stored of it goes too; else it is kept until the file can be read again.
    """

    path: str
    reason: str
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a source when a session begins.

    `revision` names the last state that was read whole, with the same settings; "" for none: then everything
    is listed. `files`: path to blob, of the documents that need not be read again. `problems` and `memory`
    are what that session left. `asked`: by a person, so that what was looked at lately is looked at too.
    """

    revision: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    memory: Mapping[str, Any] = field(default_factory=dict)
    asked: bool = False


NOTHING: Final = Known()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds now.

    `files`: path to blob, a hash of the content; "" where only reading tells. `revision` names this state.
    `note`: what the operator should know and nothing stops on, such as a repository that moved.
    """

    revision: str
    files: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it was read, which may be newer than the listing.

    `markdown`: the text is Markdown whatever the path looks like.
    """

    path: str
    blob: str
    text: str
    markdown: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A file without a blob in the listing, which turned out to be as it is stored."""

    path: str


Read = File | Problem | Unchanged


class Session(Protocol):
    """A source at work: one connection, one listing, then its files."""

    @property
    def parallel(self) -> int:
        """How many files may be read at a time."""
        ...

    @property
    def memory(self) -> Mapping[str, Any]:
        """JSON for the next session; asked for after the last file."""
        ...

    async def list(self) -> Listing:
        """Raises Refused or Transient when the source as a whole cannot be read; what is stored stays."""
        ...

    async def read(self, path: str) -> Read:
        """A file of the listing. Raises Transient when the source went away meanwhile."""
        ...

    def url(self, path: str) -> str:
        """Where a person can open the file; "" for nowhere, or for `BASE/blob/REVISION/PATH`."""
        ...


class Source(Protocol):
    """`kind` is the `type` in the sources file."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def base(self) -> str:
        """The address before `/blob/REVISION/PATH`; "" where there is none."""
        ...

    @property
    def fingerprint(self) -> str:
        """The settings that decide which files there are; with another one everything is listed anew."""
        ...

    def session(self, known: Known) -> AbstractAsyncContextManager[Session]: ...
