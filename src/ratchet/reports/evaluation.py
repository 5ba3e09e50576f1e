"""Questions and answers to judge a model or a prompt by: what a case holds, how an answer is measured. Pure.

A file of cases is a dataset of pydantic-evals: `inputs` is `Asked`, `expected_output` an `Answer` that people
found good, `metadata` is `Origin`. https://pydantic.dev/docs/ai/evals/evals/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ratchet.domain.messages import ChannelKind, MessageRef, SenderKind
from ratchet.reports.actions import PERMALINK, Action, actions_in, same

DATASET: Final = "ratchet-feedback"
COMMANDS: Final = frozenset({"command", "look"})
_ADDRESS: Final = re.compile(r"https?://[^\s<>|)\]\"'`]{3,500}")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_WORD: Final = re.compile(r"\w+")
# Where an answer that knows nothing says so. English, as are the sentences of our own.
OPENING_CHARS: Final = 400
_ABSTAINS: Final = re.compile(
    r"\bI (?:really )?(?:do|did|ca|can|could) ?n[o'’]t (?:know|find|tell|answer|say|have)\b"
    r"|\bI (?:have )?found (?:nothing|no)\b"
    r"|\b(?:records?|history|channels?|messages) (?:do|does|did) ?n[o'’]t (?:say|tell|mention|contain)\b"
    r"|\bnothing (?:about|(?:is |was )?(?:found|recorded)|in the record)\b"
    r"|\bno (?:record|mention|evidence|information) (?:of|about|for|on|that)\b"
    r"|\b(?:is|was) not (?:recorded|in the record)\b",
    re.IGNORECASE,
)
# So much of the words of a bad answer again is the bad answer again.
REPEATED: Final = 0.9


@dataclass(frozen=True, slots=True)
class Line:
    """A message before the question, as it is recorded now. `ts` tells when it was posted."""

    ts: str
    kind: SenderKind
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, where it was asked, and what stood in its thread before, oldest first."""

    text: str
    asker: str
    channel_id: str
    channel_name: str
    channel_kind: ChannelKind
    thread_ts: str
    ts: str
    thread: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spent:
    """What an answer cost. `cost_usd` is None when the price is not known; `seconds` of wall-clock time."""

    requests: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Markdown, and the permalinks it rests on. `model` is None when no model wrote it."""

    text: str
    citations: list[str] = field(default_factory=list)
    model: str | None = None
    spent: Spent | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a case comes from. `up` and `down` count people; `bad` is an answer that more of them found bad.

    `edited`: the question was edited after it had been answered. Times are ISO 8601 in UTC.
    """

    key: str
    asked_at: str
    answered_at: str
    up: int
    down: int
    model: str | None = None
    prompt_hash: str | None = None
    edited: bool = False
    bad: Answer | None = None


@dataclass(frozen=True, slots=True)
class Case:
    asked: Asked
    expected: Answer | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Measures:
    """One answer against what people said of the recorded one. None: there is nothing to compare with.

    citations, commands  share of those in the good answer that stand in this one too
    speaks               it says that it does not know where the good answer does, and nowhere else
    repeats              it says again what people found bad
    cites                it links any message
    abstains             it says that it does not know
    length               in characters
    """

    citations: float | None
    commands: float | None
    speaks: bool | None
    repeats: bool | None
    cites: bool
    abstains: bool
    length: int


def answer_of(text: str, asked: MessageRef | None = None) -> Answer:
    """The answer with its citations; that of the question itself is none."""
    found = permalinks(text)
    return Answer(text, [link for ref, link in found.items() if ref != str(asked)])


def as_dataset(cases: Sequence[Case]) -> dict[str, Any]:
    """The cases as pydantic-evals reads them, from YAML or JSON; what is None is left out."""
    rows = [
        {
            "name": case.origin.key,
            "inputs": asdict(case.asked),
            "metadata": _without_none(asdict(case.origin)),
            "expected_output": None if case.expected is None else _without_none(asdict(case.expected)),
        }
        for case in cases
    ]
    return {"name": DATASET, "cases": [_without_none(row) for row in rows]}


def _without_none(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _without_none(value) for key, value in values.items() if value is not None}
    return values


def measure(answer: Answer, expected: Answer | None, bad: Answer | None = None) -> Measures:
    said = abstains(answer.text)
    return Measures(
        citations=_cited_too(answer, expected) if expected else None,
        commands=_commanded_too(answer, expected) if expected else None,
        speaks=(said == abstains(expected.text)) if expected else None,
        repeats=_repeats(answer.text, bad.text) if bad else None,
        cites=bool(permalinks(answer.text)),
        abstains=said,
        length=len(answer.text),
    )


def permalinks(text: str) -> dict[str, str]:
    """Addresses of messages in the text, by `channel:ts`, in order."""
    return dict(_permalinks(text))


def _permalinks(text: str) -> Iterator[tuple[str, str]]:
    for address in _ADDRESS.findall(text):
        if found := PERMALINK.search(address):
            yield f"{found[1]}:{found[2]}.{found[3]}", address


def abstains(text: str) -> bool:
    """Whether an answer begins by saying that it does not know."""
    return _ABSTAINS.search(_CODE.sub(" ", text[:OPENING_CHARS])) is not None


def _cited_too(answer: Answer, expected: Answer) -> float | None:
    wanted = permalinks("\n".join(expected.citations)).keys()
    return len(wanted & permalinks(answer.text).keys()) / len(wanted) if wanted else None


def _commanded_too(answer: Answer, expected: Answer) -> float | None:
    wanted, given = _commands(expected.text), _commands(answer.text)
    if not wanted:
        return None
    return sum(any(same(command, other) for other in given) for command in wanted) / len(wanted)


def _commands(text: str) -> list[Action]:
    return [action for action in actions_in(text) if action.kind in COMMANDS]


def _repeats(text: str, bad: str) -> bool:
    words, again = set(_WORD.findall(bad.lower())), set(_WORD.findall(text.lower()))
    return len(words & again) >= REPEATED * len(words | again) if words | again else True
