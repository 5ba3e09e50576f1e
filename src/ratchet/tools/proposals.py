"""What a turn proposes to change in the documents, and where that is looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ratchet.domain.proposals import Change, CurrentFile


class DocumentDesk(Protocol):
    """Where proposals go: the sources of documents, as they stand right now."""

    def refusal(self, source: str) -> str | None:
        """Why no pull request can be opened in that source, None when one can."""
        ...

    def sources(self) -> Sequence[str]:
        """The names of the sources in which one can."""
        ...

    async def current(self, source: str, path: str, thread: tuple[str, str]) -> CurrentFile | None:
        """The file where a change for this thread (channel id, ts) would be made; None when it is not there.

        Raises Refused, Transient or Misconfigured when the source does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change, its diff, and what was taken out of it. `refusal`: why it can only be shown."""

    change: Change
    diff: str
    taken: tuple[str, ...]
    refusal: str | None = None


@dataclass(slots=True)
class Proposals:
    """What one turn proposed: of one source the last word counts. `names`: of the people in the thread."""

    desk: DocumentDesk
    thread: tuple[str, str]
    names: tuple[str, ...] = ()
    made: dict[str, Proposal] = field(default_factory=dict)


def names_in(people: Mapping[str, str]) -> tuple[str, ...]:
    """The names to take out, longest first, so that a whole name goes before its parts."""
    return tuple(sorted({name for name in people.values() if name.strip()}, key=len, reverse=True))
