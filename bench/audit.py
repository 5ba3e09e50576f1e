"""What must have become of a storm, against what did: exactly, message by message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.processes import rows
from bench.storm import Key, Storm

STORED: Final = """
select channel_id, ts, attrs->'payload'->>'text', attrs#>>'{payload,attachments,0,title}'
from messages where attrs->'sender'->>'kind' <> 'self'
"""
INCIDENTS: Final = "select channel_id, open_ts, close_ts from incidents"
JOBS: Final = "select entrypoint, status::text, headers#>>'{error,message}' from jobs"
OUTBOX: Final = "select key, state, error from outbox where state <> 'sent'"
RUNS: Final = "select key, effects from handler_runs where key like %s"
EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of event. Of effects, those that are expected, those found, said twice, and missing."""

    kind: str
    sent: int
    stored: int
    expected: int = 0
    found: int = 0
    doubled: int = 0
    lost: int = 0


@dataclass(slots=True)
class Audit:
    """`wrong` says in words what is not as it must be; empty is what everybody hopes for."""

    lines: list[Line] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def blame(self, what: str, found: Iterable[Any]) -> None:
        if cases := list(found):
            self.wrong.append(f"{len(cases)} {what}, such as {cases[:EXAMPLES]}")


async def audited(storm: Storm, conninfo: str) -> Audit:
    """Events against effects, when everything has settled."""
    audit = Audit()
    stored = {(row[0], row[1]): row[2:] for row in await rows(conninfo, STORED)}
    replies = await storm.replies()
    right = {key for key, text in storm.texts.items() if text in stored.get(key, ())}
    audit.blame("messages lost or out of date", storm.texts.keys() - right)
    still = storm.gone & stored.keys()
    audit.blame("deleted messages still stored", still)
    audit.blame("messages stored that nobody wrote", stored.keys() - storm.texts.keys() - storm.gone)
    _silent(audit, storm, right, still)
    _spoken(audit, storm, right, replies)
    closed = {(row[0], row[1]): row[2] for row in await rows(conninfo, INCIDENTS)}
    _incidents(audit, storm, right, closed)
    silent = [key for key in (*storm.asked, *storm.fired) if key not in replies]
    audit.blame("of these the runs", [await _runs(conninfo, key) for key in silent])
    audit.blame("jobs left", await rows(conninfo, JOBS))
    audit.blame("effects not posted", await rows(conninfo, OUTBOX))
    return audit


async def _runs(conninfo: str, key: Key) -> tuple[Key, list[tuple[str, int]]]:
    """Which handlers ran for a message, and how many effects each had."""
    return key, await rows(conninfo, RUNS, f"%:{key[0]}:{key[1]}")


def _silent(audit: Audit, storm: Storm, right: set[Key], still: set[Key]) -> None:
    """What gets no reply. A message edited counts with its last text, one deleted by its end."""
    for kind in ("message", "reply"):
        missing = [key for key in storm.texts.keys() - right if storm.kinds[key] == kind]
        audit.lines.append(Line(kind, storm.sent[kind], storm.sent[kind] - len(missing), lost=len(missing)))
    stale, edits = len(storm.edited - right), storm.sent["edit"]
    audit.lines.append(Line("edit", edits, edits - stale, lost=stale))
    audit.lines.append(Line("deletion", len(storm.gone), len(storm.gone) - len(still), lost=len(still)))


def _spoken(audit: Audit, storm: Storm, right: set[Key], replies: Mapping[Key, Sequence[Any]]) -> None:
    """What must have exactly one reply."""
    for kind, wanted in (("mention", storm.asked), ("alert", storm.fired)):
        found = {key: len(replies.get(key, ())) for key in wanted}
        doubled = [key for key, count in found.items() if count > 1]
        lost = [key for key, count in found.items() if not count]
        audit.blame(f"replies to a {kind} missing", lost)
        audit.blame(f"replies to a {kind} doubled", doubled)
        there = sum(found.values())
        stored = len(right.intersection(wanted))
        audit.lines.append(
            Line(
                kind, storm.sent[kind], stored, len(wanted), there, there - len(wanted) + len(lost), len(lost)
            )
        )
    keys = Counter(
        (said["metadata"]["event_payload"]["key"], said["metadata"]["event_payload"].get("part"))
        for found_there in replies.values()
        for said in found_there
    )
    audit.blame("effects said twice", (key for key, count in keys.items() if count > 1))
    # What fired before anybody listened may still be told to us as news, and be answered.
    before = {key for key, kind in storm.kinds.items() if kind == "before"}
    audit.blame("replies nobody waits for", replies.keys() - {*storm.asked, *storm.fired} - before)


def _incidents(audit: Audit, storm: Storm, right: set[Key], closed: Mapping[Key, str | None]) -> None:
    """Each alert one incident, with the message that closed it, or open still."""
    wanted: dict[Key, str | None] = dict.fromkeys(storm.opened)
    wanted |= {key: by[1] for key, by in storm.closed.items()}
    wrong = [
        (key, by, closed.get(key, "no incident")) for key, by in wanted.items() if closed.get(key, "") != by
    ]
    audit.blame("incidents not opened or closed as they were", wrong)
    audit.blame("incidents nobody opened", closed.keys() - wanted.keys())
    ended = {key for key, kind in storm.kinds.items() if kind == "resolve"}
    audit.lines.append(Line("resolve", len(ended), len(right & ended), lost=len(ended - right)))
    known = len(wanted) - len(wrong)
    audit.lines.append(Line("incident", len(wanted), known, len(wanted), known, 0, len(wrong)))
