"""What helped, taken from what people wrote under earlier firings. No model, no I/O.

Every reply under an earlier firing gets points for what useful replies have in common: a command, a link
to a change, thanks from colleagues, being the last human word before the alert closed. The best reply of
the newest thread that has one is what fixed it last time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ratchet.domain.messages import Message, MessageRef
from ratchet.handlers.signs import ACTED, CALM, CAUSE, COMPLAINT, FAILED, INSTEAD, THANKS, Said

USEFUL: Final = 3.0
# A thread counts for less the further back it lies: fixes go out of date.
AGE_FACTOR: Final = 0.93
# «Last time» is the newest of the useful threads, unless the one before it is clearly better.
NEWEST: Final = 2
NEWEST_FACTOR: Final = 0.9
# A command that people came back to is more likely the fix.
AGAIN: Final = 1.0
MOST_AGAIN: Final = 3
# What a writer gets to see at most.
POOL: Final = 16
POOL_THREADS: Final = 8
POOL_PER_THREAD: Final = 4

# Every pattern is bounded: a person may post 40,000 characters of anything.
MAX_CHARS: Final = 4_000
CODE: Final = re.compile(r"```.{1,3000}?```|`[^`\n]{3,400}`", re.DOTALL)
COMMAND: Final = re.compile(
    r"(?<!`)`{1,3}\s{0,8}(?:[$#]\s{0,8})?[a-z][\w./-]{0,200}\s{1,8}-{0,2}[\w./:='\"{-]", re.DOTALL
)
# Commands that find out and change nothing.
LOOKING: Final = re.compile(
    r"`{1,3}\s{0,8}(?:[$#]\s{0,8})?(?:sudo\s+)?(?:select|explain|show|df|du|top|htop|ps|grep|tail|cat|less|dig|ping|"
    r"iostat|vmstat|netstat|ss|lsof|journalctl|(?:kubectl|oc|docker|helm|systemctl|terraform|git)\s[^`]{0,80}?"
    r"\b(?:get|describe|logs|top|ps|status|list|plan|log|diff|show)\b|redis-cli\s[^`]{0,40}--bigkeys)",
    re.IGNORECASE,
)
CHANGE_LINK: Final = re.compile(
    r"https?://[^\s<>|]{1,300}?/(?:pull|merge_requests|commit|compare|deploy\w{0,40}|releases?|runs)/[^\s<>|]"
)
LINK: Final = re.compile(r"https?://\S")
ACKNOWLEDGED: Final = re.compile(
    r"^\W*(?:looking|on it|ack(?:ed)?|checking|mine|taking a look|here|\+1)\b", re.IGNORECASE
)
PRAISE: Final = frozenset(
    {"white_check_mark", "heavy_check_mark", "ballot_box_with_check", "+1", "thumbsup", "tada",
     "raised_hands", "pray", "100", "heart", "star", "bulb", "trophy"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thread:
    """What people wrote under one earlier firing, oldest first; when the alert closed, if it did."""

    root: MessageRef
    opened_at: datetime
    closed_at: datetime | None
    replies: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Finding:
    """A reply that helped, and how much it looks like that."""

    message: Message
    score: float


@dataclass(frozen=True, slots=True)
class Extract:
    """The best reply of the newest useful thread, the other useful ones beside it, and other fixes before.

    `pool` holds these and what else is useful, newest first: bounded, whatever the history's length.
    """

    last_time: Finding
    steps: Sequence[Finding]
    before: Sequence[Finding]
    pool: Sequence[Finding] = ()


def score(message: Message, close: Close, answer: Message | None) -> float:
    """Points of one reply; `close` is the end of its thread's incident, `answer` the next reply."""
    text = message.text[:MAX_CHARS]
    said = Said.of(text)
    points = _commands(text)
    if "://" in text:
        points += 1.5 if CHANGE_LINK.search(text) else 0.5 if LINK.search(text) else 0.0
    points += 1.5 if said.any(ACTED) else 0.0
    points += 1.0 if said.any(CAUSE) else 0.0
    points += 0.5 if said.any(CALM) else 0.0
    points += 1.5 if said.any(INSTEAD) else 0.0
    points += _praise(message)
    points -= 2.5 if said.any(FAILED) else 0.0
    if answer is not None:
        answered = Said.of(answer.text[:MAX_CHARS])
        points += 1.0 if answered.any(THANKS) else 0.0
        points -= 2.0 if answered.any(FAILED) else 0.0
    points -= 1.5 if text.rstrip().endswith("?") else 0.0
    points -= 1.5 if ACKNOWLEDGED.search(text) else 0.0
    points -= 1.0 if len(text) < 15 else 0.0
    return points + _timing(message, close)


def _commands(text: str) -> float:
    """A command is the best sign of all; code that quotes an error is a symptom."""
    code = CODE.findall(text) if "`" in text else []
    if not code:
        return 0.0
    if all(Said.of(snippet).any(COMPLAINT) for snippet in code):
        return 0.5
    if all(LOOKING.match(snippet) for snippet in code):
        return 2.5
    return 5.0 if COMMAND.search(text) else 3.0


def _praise(message: Message) -> float:
    praise = sum(len(users) for name, users in message.reactions.items() if name.split("::")[0] in PRAISE)
    return min(3.0, 1.5 + 0.5 * praise) if praise else 0.0


@dataclass(frozen=True, slots=True)
class Close:
    """When the incident closed, if it did, and the last thing anybody wrote before."""

    at: datetime | None
    last_word: Message | None

    @classmethod
    def of(cls, thread: Thread) -> Close:
        if thread.closed_at is None:
            return cls(None, None)
        before = [m for m in thread.replies if m.posted_at <= thread.closed_at]
        return cls(thread.closed_at, before[-1] if before else None)


def _timing(message: Message, close: Close) -> float:
    """The last human word before the close is often the fix; what comes after it is tidying up."""
    if close.at is None:
        return 0.0
    if message.posted_at > close.at:
        return -2.0
    return 1.0 if message is close.last_word and len(message.text) > 20 else 0.0


def says_what_to_do(text: str) -> bool:
    """Whether there is anything in it to repeat. That all is well again is no help the next time."""
    said = Said.of(text)
    if not said.any(CALM) or any(said.any(sign) for sign in (ACTED, CAUSE, INSTEAD)):
        return True
    return bool(CODE.search(text) or CHANGE_LINK.search(text))


def rank(thread: Thread, elsewhere: Counter[str] | None = None) -> list[Finding]:
    """The useful replies of a thread, best first. `elsewhere` counts the threads with each command."""
    close = Close.of(thread)
    following = [*thread.replies[1:], None]
    findings = [
        Finding(message, score(message, close, answer) + _again(message, elsewhere))
        for message, answer in zip(thread.replies, following, strict=False)
        if says_what_to_do(message.text[:MAX_CHARS])
    ]
    return sorted(
        (f for f in findings if f.score >= USEFUL), key=lambda f: (f.score, f.message.ts), reverse=True
    )


def _again(message: Message, elsewhere: Counter[str] | None) -> float:
    if elsewhere is None or not CODE.search(message.text[:MAX_CHARS]):
        return 0.0
    return AGAIN * min(elsewhere[fingerprint(message.text)] - 1, MOST_AGAIN)


def _fixes(threads: Sequence[Thread]) -> Counter[str]:
    """In how many of the threads each command was written."""
    return Counter(
        fix
        for thread in threads
        for fix in {fingerprint(m.text) for m in thread.replies if CODE.search(m.text[:MAX_CHARS])}
    )


def best_reply(replies: Sequence[Message]) -> Message | None:
    """The reply that answers most, among what people wrote; None when nobody did."""
    if not replies:
        return None
    following = [*replies[1:], None]
    scored = [
        (score(message, Close(None, None), answer), -position, message)
        for position, (message, answer) in enumerate(zip(replies, following, strict=True))
    ]
    return max(scored, key=lambda item: item[:2])[2]


def fingerprint(text: str) -> str:
    """Equal for two replies that name the same commands, or that say the same without one."""
    text = text[:MAX_CHARS]
    commands = CODE.findall(text)
    words = " ".join(commands) if commands else text
    return re.sub(r"[0-9a-f]{6,}|\d+|\W+", " ", words.lower()).strip()


def extract(threads: Sequence[Thread], beside: int = 1, before: int = 2) -> Extract | None:
    """What helped, from threads newest first; None when nothing useful was written.

    `beside` and `before` bound what is shown next to the one thing: somebody reads it at night.
    """
    fixes = _fixes(threads)
    ranked = [found for thread in threads if (found := rank(thread, fixes))]
    if not ranked:
        return None
    chosen = max(range(min(NEWEST, len(ranked))), key=lambda n: ranked[n][0].score * NEWEST_FACTOR**n)
    newest = ranked[chosen]
    older = [found for n, found in enumerate(ranked) if n != chosen]
    last_time = newest[0]
    seen = {fingerprint(last_time.message.text)}
    steps = _distinct(newest[1:], seen, beside)
    aged = [
        Finding(f.message, f.score * AGE_FACTOR**age)
        for age, found in enumerate(older, start=1)
        for f in found[:2]
    ]
    earlier = _distinct(sorted(aged, key=lambda f: f.score, reverse=True), seen, before)
    return Extract(last_time, steps, earlier, _pool([last_time, *steps, *earlier], ranked))


def _pool(shown: Sequence[Finding], ranked: Sequence[Sequence[Finding]]) -> list[Finding]:
    """What is shown, filled up with the best of the newest threads that says something else."""
    newest = [finding for thread in ranked[:POOL_THREADS] for finding in thread[:POOL_PER_THREAD]]
    seen = {fingerprint(finding.message.text) for finding in shown}
    more = _distinct(newest, seen, POOL - len(shown))
    return sorted([*shown, *more], key=lambda f: f.message.ts, reverse=True)


def _distinct(findings: Sequence[Finding], seen: set[str], limit: int) -> list[Finding]:
    kept: list[Finding] = []
    for finding in findings:
        print_ = fingerprint(finding.message.text)
        if print_ not in seen and len(kept) < limit:
            seen.add(print_)
            kept.append(finding)
    return kept


def threads_of(
    roots: Mapping[MessageRef, datetime],
    ends: Mapping[MessageRef, datetime | None],
    replies: Sequence[Message],
) -> list[Thread]:
    """Group replies under their roots, newest thread first; roots without replies are left out."""
    grouped: dict[MessageRef, list[Message]] = {}
    for reply in replies:
        grouped.setdefault(MessageRef(reply.channel_id, reply.thread_ts), []).append(reply)
    found = [
        Thread(root, opened_at, ends.get(root), grouped[root])
        for root, opened_at in roots.items()
        if root in grouped
    ]
    return sorted(found, key=lambda thread: thread.opened_at, reverse=True)
