"""What should be said -> the messages that say it, within Slack's limits. Pure.

Obeys https://docs.slack.dev/reference/block-kit/blocks. Each message has two forms of equal content: the
Markdown block, and mrkdwn sections for a workspace that answers `invalid_blocks` to the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ratchet.domain.effects import AskApproval, DirectMessage, Footer, Form, Post, Reply
from ratchet.slack.clean import clean_text
from ratchet.slack.mrkdwn import defuse, escape, to_mrkdwn, to_plain
from ratchet.slack.split import fit, size

MESSAGE_LIMIT: Final = 12_000  # characters in all; Slack fails near 13,200 with msg_blocks_too_long
SECTION_LIMIT: Final = 3_000
MAX_SECTIONS: Final = 46  # of 50 blocks, beside footer and feedback
MAX_KEY: Final = 1_900
TEXT_LIMIT: Final = 300
_BODY_LIMIT: Final = 11_400  # leaves room for footer and feedback
_SECTION_SOURCE: Final = 2_900

_GROUP_ID: Final = re.compile(r"S[A-Z0-9]{1,40}")
FEEDBACK_ACTIONS: Final = frozenset({"feedback", "feedback_up", "feedback_down"})
Vote = Literal["up", "down"]
Block = dict[str, Any]
Buttons = tuple[tuple[Block, ...], tuple[Block, ...]]
LABELS: Final[Mapping[Form, tuple[str, ...]]] = {
    "approval": ("Approve", "Reject"),
    "hand_over": ("Ask the owners",),
    "suggest_docs": ("Yes", "No"),
}
NO_BUTTONS: Final[Buttons] = ((), ())
Speech = Reply | Post | DirectMessage | AskApproval
Answer = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message: `text` is the notification, `blocks` the content, `fallback_blocks` the same in mrkdwn."""

    text: str
    blocks: tuple[Block, ...]
    fallback_blocks: tuple[Block, ...]


def render(effect: Speech, key: str) -> list[OutgoingMessage]:
    """The messages for an effect, in order; none when there is nothing to say.

    Feedback buttons carry `key`, the effect's own, of at most 1,900 characters.
    """
    markdown = _speakable(effect.markdown)
    if not isinstance(effect, AskApproval) and effect.mrkdwn:
        return [_in_dialect(part) for part in fit(markdown, _SECTION_SOURCE, _short) if part.strip()]
    parts = [part for part in fit(markdown, _BODY_LIMIT, _fits) if part.strip()]
    footer = None if isinstance(effect, DirectMessage) else effect.footer
    messages = [
        _message(part, footer if last else None, _buttons(effect, key) if last else NO_BUTTONS)
        for part, last in ((part, number == len(parts)) for number, part in enumerate(parts, 1))
    ]
    if isinstance(effect, Reply) and effect.ping and messages:
        messages[0] = _pinging(messages[0], effect.ping)
    return messages


def _pinging(message: OutgoingMessage, group: str) -> OutgoingMessage:
    """The message, with a user group notified in front of it. One without an id is only named."""
    ping = f"<!subteam^{group}>" if _GROUP_ID.fullmatch(group) else escape(group)
    block = _section(ping)
    return OutgoingMessage(
        f"{ping} {message.text}", (block, *message.blocks), (block, *message.fallback_blocks)
    )


def _buttons(effect: Speech, key: str) -> Buttons:
    """Under the last part: as the Markdown form has them, and as the other has."""
    match effect:
        case Reply(feedback=True):
            return (_feedback(key),), (_feedback_buttons(key),)
        case AskApproval():
            block = _decision(key, ("Post", "Discard") if effect.draft else LABELS[effect.form])
            return (block,), (block,)
        case _:
            return NO_BUTTONS


def parse_feedback(value: str) -> tuple[Vote, str] | None:
    """`(vote, key)` from a feedback button's value; None when it is not one."""
    vote, _, key = value.partition(":")
    if not key:
        return None
    return ("up", key) if vote == "up" else ("down", key) if vote == "down" else None


def parse_decision(value: str) -> tuple[Answer, str] | None:
    """`(answer, key)` from an approval button's value; None when it is not one."""
    answer, _, key = value.partition(":")
    if not key:
        return None
    return ("approve", key) if answer == "approve" else ("reject", key) if answer == "reject" else None


def _speakable(markdown: str) -> str:
    """Lines end with \\n, nothing is invisible control, nobody's group is pinged."""
    text = clean_text(markdown).replace("\r\n", "\n").replace("\r", "\n")
    return defuse(re.sub("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)).strip("\n")


def _fits(part: str) -> bool:
    sections = _sections(part)
    return len(sections) <= MAX_SECTIONS and sum(map(size, sections)) <= _BODY_LIMIT


def _sections(part: str) -> list[str]:
    converted = (to_mrkdwn(piece) for piece in fit(part, _SECTION_SOURCE, _fits_section))
    return [section for section in converted if section.strip()]


def _fits_section(piece: str) -> bool:
    return size(to_mrkdwn(piece)) <= SECTION_LIMIT


def _message(part: str, footer: Footer | None, buttons: Buttons) -> OutgoingMessage:
    muted = [_context(footer)] if footer else []
    sections = [_section(text) for text in _sections(part)]
    return OutgoingMessage(
        text=to_plain(part, TEXT_LIMIT) or "…",
        blocks=({"type": "markdown", "text": part}, *muted, *buttons[0]),
        fallback_blocks=(*sections, *muted, *buttons[1]),
    )


def _short(part: str) -> bool:
    return size(part) <= SECTION_LIMIT


def _in_dialect(part: str) -> OutgoingMessage:
    """What a program wrote in mrkdwn, as it wrote it; bare links are made links."""
    block = {"type": "section", "text": {"type": "mrkdwn", "text": part}}
    return OutgoingMessage(to_plain(part, TEXT_LIMIT) or "…", (block,), (block,))


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(footer: Footer) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": footer_text(footer)}]}


def footer_text(footer: Footer) -> str:
    """`[module:runbook] · model · 3 calls · 1,234 tokens · $0.0012 · 2.1 s`, of what is known."""
    known = [
        f"[module:{footer.module[:60]}]",
        (footer.model or "")[:80],
        _count(footer.model_calls, "call"),
        _count(footer.tokens, "token"),
        "" if footer.cost_usd is None else f"${footer.cost_usd:.{2 if footer.cost_usd >= 1 else 4}f}",
        "" if footer.seconds is None else f"{footer.seconds:.1f} s",
    ]
    return defuse(escape(clean_text(" · ".join(part for part in known if part))))


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}" if number else ""


def _feedback(key: str) -> Block:
    element = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": _button_of("Good answer", "up", key),
        "negative_button": _button_of("Bad answer", "down", key),
    }
    return {"type": "context_actions", "elements": [element]}


def _feedback_buttons(key: str) -> Block:
    elements = [
        {"type": "button", "action_id": "feedback_up", **_button_of("Good answer", "up", key)},
        {"type": "button", "action_id": "feedback_down", **_button_of("Bad answer", "down", key)},
    ]
    return {"type": "actions", "elements": elements}


def _button_of(label: str, vote: Vote, key: str) -> Block:
    return {"text": {"type": "plain_text", "text": label}, "value": f"{vote}:{key[:MAX_KEY]}"}


def _decision(key: str, labels: Sequence[str]) -> Block:
    """`labels`: what says yes, and what says no if there is such a button."""
    answers = (("approve", "primary"), ("reject", "danger"))
    elements = [
        {
            "type": "button",
            "action_id": f"approval_{answer}",
            "style": style,
            "text": {"type": "plain_text", "text": label},
            "value": f"{answer}:{key[:MAX_KEY]}",
        }
        for (answer, style), label in zip(answers, labels, strict=False)
    ]
    return {"type": "actions", "elements": elements}
