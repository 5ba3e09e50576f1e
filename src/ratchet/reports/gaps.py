"""The list of documentation gaps: what people asked again and again, and no document answers. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ratchet.domain.gaps import Compared, HelpRows, HelpThread, Near, ThreadMessage
from ratchet.reports.gap_clusters import Item, clusters
from ratchet.reports.help import (
    ADDRESS,
    Answered,
    Documented,
    about,
    addresses,
    answered,
    asks,
    commands,
    documented,
    spoken,
    title,
)
from ratchet.reports.stale import StaleHint, stale_hints

# Asked in so many threads counts as asked again.
AGAIN: Final = 2
MAX_POINTS: Final = 6
_WORD: Final = re.compile(r"[^\W_]{3,}")
_WAY: Final = re.compile(r"(?:how|where|what|which|why|who|when)\b", re.IGNORECASE)
_SLUG: Final = re.compile(r"[^a-z0-9]+")
_SMALL: Final = frozenset(
    re.findall(
        r"\w+",
        """
        the and for are how can does what where when who why with get use you your there any anybody know have
        has this that from not our out per all into which way
        """,
    )
)
# Of a question as a file name, these words say nothing.
_ASKING: Final = frozenset(re.findall(r"\w+", "how do does i we is there a an the can to where what my"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its best answer, and the page that says so, if there is one."""

    thread: HelpThread
    answer: Answered | None
    documented: Documented | None
    near: Near | None

    @property
    def root(self) -> ThreadMessage:
        return self.thread.root


@dataclass(frozen=True, slots=True)
class Point:
    """A line of a proposed page, and the message that it rests on."""

    text: str
    message: ThreadMessage
    thread_ts: str


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A page that would answer. `add_to`: the page that is about it already; else `path` of a new one.

    `by_model`: a model wrote title and outline; each of its points rests on a message of the questions.
    """

    title: str
    outline: tuple[Section, ...]
    path: str
    add_to: Near | None = None
    by_model: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that ask the same, newest first. `answered_by`: user ids, most answers first."""

    questions: tuple[Asked, ...]
    answered_by: tuple[tuple[str, int], ...]
    proposal: Proposal

    @property
    def askers(self) -> int:
        return len({one.root.author for one in self.questions})

    @property
    def last_at(self) -> datetime:
        return self.questions[0].root.posted_at


@dataclass(frozen=True, slots=True)
class GapReport:
    """Of `questions` in the window, `documented` are answered by a page.

    again        asked in several threads, no document answers: most asked first
    once         asked and answered once, written nowhere: what helped most people first
    unanswered   nobody answered; newest first
    stale        pages that people contradict
    beside       answers beside which stands a page about the same that nobody linked, newest first
    """

    since: datetime
    until: datetime
    questions: int
    documented: int
    again: tuple[Gap, ...]
    once: tuple[Gap, ...]
    unanswered: tuple[Asked, ...]
    stale: tuple[StaleHint, ...] = ()
    cut: bool = False
    beside: tuple[Asked, ...] = ()

    @property
    def days(self) -> int:
        return max(1, round((self.until - self.since).total_seconds() / 86_400))


def wanted(rows: HelpRows) -> tuple[list[ThreadMessage], list[str]]:
    """What must be compared with the documents for a report: messages, and addresses that people named."""
    asked = [thread for thread in rows.threads if asks(thread)]
    messages = [thread.root for thread in asked]
    messages += [found.reply for thread in asked if (found := answered(thread)) is not None]
    texts = (one.text for thread in rows.threads for one in (thread.root, *thread.replies))
    named = {address for text in texts if ADDRESS.search(text) for address in addresses(text)}
    return messages, sorted(named)


def gap_report(rows: HelpRows, compared: Compared) -> GapReport:
    """The report on these threads."""
    asked = [judged(thread, compared) for thread in rows.threads if asks(thread)]
    open_ = [one for one in asked if one.documented is None]
    groups = [[open_[n] for n in group] for group in clusters([_item(one, compared) for one in open_])]
    # Of a question that somebody asked again, the one that nobody answered is no news.
    gaps = [_gap(group) for group in groups if len(group) >= AGAIN or group[0].answer is not None]
    again = [gap for gap in gaps if len(gap.questions) >= AGAIN]
    once = [gap for gap in gaps if len(gap.questions) < AGAIN]
    alone = [group[0] for group in groups if len(group) < AGAIN and group[0].answer is None]
    return GapReport(
        rows.since,
        rows.until,
        len(asked),
        len(asked) - len(open_),
        tuple(sorted(again, key=_weight, reverse=True)),
        tuple(sorted(once, key=_help, reverse=True)),
        tuple(one for one in alone if one.root.channel_id in _helping(asked)),
        tuple(stale_hints(rows.threads, compared)),
        rows.cut,
        tuple(one for one in asked if one.documented is not None and one.documented.by != "link"),
    )


def judged(thread: HelpThread, compared: Compared) -> Asked:
    """A thread with its answer and what is written about it."""
    answer = answered(thread)
    found = documented(thread, answer.reply, compared) if answer else None
    return Asked(thread, answer, found, about(thread.root, answer.reply if answer else None, compared))


def _helping(asked: Sequence[Asked]) -> frozenset[str]:
    """The channels where most questions are answered in their threads: elsewhere nobody expects that."""
    balance: Counter[str] = Counter()
    for one in asked:
        balance[one.root.channel_id] += 1 if one.answer else -1
    return frozenset(channel for channel, answers in balance.items() if answers > 0)


def _item(asked: Asked, compared: Compared) -> Item:
    reply = asked.answer.reply if asked.answer else None
    said = f"{spoken(asked.root.text)} {spoken(reply.text) if reply else ''}".lower()
    return Item(
        compared.vectors.get(asked.root.ref),
        compared.vectors.get(reply.ref) if reply else None,
        frozenset(_WORD.findall(said)) - _SMALL,
        commands(reply.text) if reply else frozenset(),
    )


def _gap(group: Sequence[Asked]) -> Gap:
    ordered = tuple(sorted(group, key=lambda one: one.root.ts, reverse=True))
    by = Counter(one.answer.reply.author for one in ordered if one.answer)
    return Gap(ordered, tuple(sorted(by.items(), key=lambda pair: (-pair[1], pair[0]))), proposal(ordered))


def proposal(questions: Sequence[Asked]) -> Proposal:
    """The page by rules: named by the plainest question, with what was answered as its points."""
    named = min(questions, key=_plainness)
    heading = title(named.root.text)
    answers = [one for one in questions if one.answer is not None]
    points = [Point(one.answer.reply.text, one.answer.reply, one.root.ts) for one in answers if one.answer]
    asked = [Point(title(one.root.text), one.root, one.root.ts) for one in questions]
    outline = [Section("What people ask", tuple(asked[:MAX_POINTS]))]
    if points:
        outline.append(Section("What to do", tuple(_distinct(points)[:MAX_POINTS])))
    near = max(
        (one.near for one in questions if one.near),
        key=lambda near: (near.similarity, near.page.id),
        default=None,
    )
    return Proposal(heading, tuple(outline), f"how-to/{slug(heading)}.md", near)


def _plainness(asked: Asked) -> tuple[bool, int, str]:
    """The shortest of those that ask for a way, a place or a reason."""
    heading = title(asked.root.text)
    return _WAY.match(heading) is None, len(heading), asked.root.ts


def _distinct(points: Sequence[Point]) -> list[Point]:
    """What says the same by the same command stands there once, as said last."""
    kept: list[Point] = []
    for point in points:
        did = commands(point.text)
        if not did or did not in [commands(other.text) for other in kept]:
            kept.append(point)
    return kept


def slug(heading: str) -> str:
    """A file name, such as `run-kafka-locally`, without the words of asking."""
    words = _SLUG.sub(" ", heading.lower()).split()
    kept = [word for word in words if word not in _ASKING] or words or ["page"]
    return "-".join(kept[:7])


def _weight(gap: Gap) -> tuple[int, int, str]:
    return len(gap.questions), gap.askers, gap.questions[0].root.ts


def _help(gap: Gap) -> tuple[int, bool, str]:
    answer = gap.questions[0].answer
    return (answer.praise, answer.confirmed, gap.questions[0].root.ts) if answer else (0, False, "")


Links = Callable[[str, str, str], str]
