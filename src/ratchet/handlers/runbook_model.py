"""A runbook written by a model from the evidence; nothing is believed that the evidence does not say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

import structlog

from ratchet.domain.errors import RatchetError
from ratchet.domain.messages import Message, MessageRef
from ratchet.domain.runbooks import Content, Item
from ratchet.handlers.citations import Known, clean, urls
from ratchet.handlers.evidence import Evidence
from ratchet.llm.budget import Budget, Usage
from ratchet.llm.data import cut, wrap
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import JsonRunner, JsonTurn

log = structlog.get_logger(__name__)

# Bytes, because a token is seldom less than one and a half of them, whatever the language.
EVIDENCE_BYTES: Final = 7_000
MESSAGE_CHARS: Final = 700
DOCUMENT_CHARS: Final = 1_800
STATEMENT_CHARS: Final = 600
# Somebody waits under a firing alert: a slower model is not waited for; it writes when the incident is over.
AT_NIGHT_S: Final = 8.0
AFTERWARDS_S: Final = 50.0
MAX_STEPS: Final = 6
MAX_CAUSES: Final = 3
MAX_LINKS: Final = 5

_CODE: Final = re.compile(r"```(?:[a-z]{1,12}\n)?(.{1,3000}?)```|`([^`\n]{1,400})`", re.DOTALL)
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Statement:
    """One thing that the evidence says."""

    text: str
    cites: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunbookAnswer:
    """The runbook."""

    overview: Statement | None = None
    last_fix: Statement | None = None
    causes: list[Statement] = field(default_factory=list)
    steps: list[Statement] = field(default_factory=list)
    links: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence as the model sees it: under `id`, either a message or a document."""

    id: str
    text: str
    message: Message | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model wrote, checked. `sources`: every message that it was shown."""

    content: Content
    model: str
    usage: Usage
    sources: tuple[MessageRef, ...]


@dataclass(frozen=True, slots=True)
class ModelWriter:
    """Writes from the evidence, in one request."""

    runner: JsonRunner
    redactor: Redactor = redact

    async def write(
        self, evidence: Evidence, seconds: float = AT_NIGHT_S, channel_id: str | None = None
    ) -> Draft | None:
        """None when the model is away, is not done within `seconds`, or wrote what nobody said."""
        given = pieces(evidence)
        turn = JsonTurn(
            instructions(),
            prompt(evidence, given),
            RunbookAnswer,
            Budget(requests=1, seconds=seconds, answer_tokens=1_500),
            purpose="runbook",
            channel_id=channel_id,
        )
        try:
            result = await self.runner.run_json(turn)
        except RatchetError as error:
            log.warning("runbook_without_model", alert=evidence.alert, reason=str(error))
            return None
        content = checked(result.value, given, self.redactor)
        usage = result.usage
        log.info(
            "runbook_written",
            model=result.model,
            prompt_hash=hashlib.sha256(turn.instructions.encode()).hexdigest()[:12],
            tokens=usage.tokens,
            seconds=usage.seconds,
            statements=sum(1 for _ in content.items()),
        )
        if content.last_fix is None and not content.steps:
            return None
        shown = tuple(piece.message.ref for piece in given if piece.message is not None)
        return Draft(content, result.model, usage, shown)


@cache
def instructions() -> str:
    return (resources.files("ratchet.handlers") / "prompts" / "runbook.md").read_text("utf-8").strip()


def pieces(evidence: Evidence) -> list[Piece]:
    """What the model is shown, most useful first, and of bounded size whatever the history's length."""
    found: list[Piece] = []
    left = EVIDENCE_BYTES
    document = evidence.document
    if document is not None:
        text = cut("\n\n".join(passage.text for passage in document.passages), DOCUMENT_CHARS)
        found.append(Piece("d1", _within(text, left // 2), document=document.id))
        left -= len(found[0].text.encode("utf-8", "replace"))
    for number, finding in enumerate(_by_use(evidence), start=1):
        text = _within(cut(finding.text, MESSAGE_CHARS), left)
        if not text:
            break
        found.append(Piece(f"m{number}", text, message=finding))
        left -= len(text.encode("utf-8", "replace"))
    return found


def _by_use(evidence: Evidence) -> Sequence[Message]:
    """The messages of the evidence: those shown without a model first, then the newest."""
    if evidence.extract is None:
        return []
    extract = evidence.extract
    shown = [extract.last_time, *extract.steps, *extract.before]
    first = {finding.message.ref for finding in shown}
    rest = [finding for finding in evidence.pool if finding.message.ref not in first]
    return [finding.message for finding in (*shown, *rest)]


def _within(text: str, limit: int) -> str:
    return text.encode("utf-8", "replace")[: max(0, limit)].decode("utf-8", "ignore")


def prompt(evidence: Evidence, given: Sequence[Piece]) -> str:
    """The alert and its evidence, marked as data; each piece with its id and its date."""
    parts = [wrap("alert", f"{evidence.alert} on {evidence.service or 'no service named'}")]
    for piece in given:
        if piece.message is not None:
            when = f"written {piece.message.posted_at:%Y-%m-%d %H:%M} UTC"
            parts.append(f"{piece.id}, {when}:\n{wrap('message', piece.text)}")
        else:
            parts.append(f"{piece.id}, from the team's documentation:\n{wrap('document', piece.text)}")
    return "\n\n".join(parts)


def checked(answer: RunbookAnswer, given: Sequence[Piece], redactor: Redactor) -> Content:
    """What of the answer the evidence bears out."""
    known = {piece.id: piece for piece in given}
    addresses = Known(urls=frozenset(urls([piece.text for piece in given])))

    def item(statement: Statement | None) -> Item | None:
        if statement is None:
            return None
        cited = [known[id_] for id_ in dict.fromkeys(statement.cites) if id_ in known]
        text = clean(redactor(statement.text[: 4 * STATEMENT_CHARS]), addresses)
        if not cited or not text or not _borne_out(text, cited):
            return None
        return Item(
            cut(text, STATEMENT_CHARS),
            messages=tuple(piece.message.ref for piece in cited if piece.message is not None),
            documents=tuple(piece.document for piece in cited if piece.document is not None),
        )

    def items(statements: Sequence[Statement], limit: int) -> tuple[Item, ...]:
        return tuple(found for found in map(item, statements) if found is not None)[:limit]

    return Content(
        overview=item(answer.overview),
        last_fix=item(answer.last_fix),
        causes=items(answer.causes, MAX_CAUSES),
        steps=items(answer.steps, MAX_STEPS),
        links=items([link for link in answer.links if "://" in link.text], MAX_LINKS),
    )


def _borne_out(text: str, cited: Sequence[Piece]) -> bool:
    """Whether every command in it stands word for word in a cited piece: a wrong one is worse than none."""
    sources = [_SPACE.sub(" ", piece.text) for piece in cited]
    snippets = [_SPACE.sub(" ", block or inline).strip() for block, inline in _CODE.findall(text)]
    return all(any(snippet in source for source in sources) for snippet in snippets)
