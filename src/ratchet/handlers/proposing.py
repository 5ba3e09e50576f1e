"""Proposed changes of documents as people see them: the diff with buttons, or the diff alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ratchet.documents.diffs import fenced
from ratchet.domain.effects import AskApproval, Effect, Footer, OpenPull, Reply
from ratchet.domain.messages import Channel, Message
from ratchet.domain.proposals import to_json
from ratchet.handlers.citations import unpinged
from ratchet.tools.base import Permalinks, author
from ratchet.tools.proposals import DocumentDesk, Proposal, Proposals, names_in

MODULE: Final = "docupdate"
EXPIRES_S: Final = 7 * 86_400.0
PRIVATE: Final = "⚠️ This thread is not public. Whoever can read the repository will read these words."


def proposals_of(desk: DocumentDesk | None, message: Message, thread: Sequence[Message]) -> Proposals | None:
    """Where a turn about this thread puts what it proposes; None where there are no documents."""
    if desk is None:
        return None
    # The thread's messages have names, which a message by itself may lack.
    people = {m.sender.id: author(m) for m in [message, *thread] if m.sender.kind == "person"}
    return Proposals(desk, (message.channel_id, message.thread_ts), names_in(people))


def asked(
    proposals: Proposals | None, message: Message, channel: Channel, links: Permalinks, by: str
) -> list[Effect]:
    """What is shown of every proposal. `by`: the user id of who asked for it."""
    made = proposals.made.values() if proposals else ()
    return [_asked(proposal, message, channel, links, by) for proposal in made]


def _asked(proposal: Proposal, message: Message, channel: Channel, links: Permalinks, by: str) -> Effect:
    text = _shown(proposal, channel)
    if proposal.refusal is not None:
        return Reply(message.channel_id, message.thread_ts, text, Footer(MODULE))
    link = links(message.channel_id, message.thread_ts)
    return AskApproval(
        message.channel_id,
        message.thread_ts,
        text,
        (OpenPull(message.channel_id, message.thread_ts, link, to_json(proposal.change)),),
        by,
        (message.channel_id, message.ts),
        Footer(MODULE),
        expires_s=EXPIRES_S,
    )


def _shown(proposal: Proposal, channel: Channel) -> str:
    """All of it: what is not shown cannot be agreed to."""
    change = proposal.change
    head = (
        f"{proposal.refusal} This is what I would change"
        if proposal.refusal
        else "Shall I open a draft pull request"
    )
    lines = [f"{head}: **{unpinged(change.title, {})}**", "", unpinged(change.why, {})]
    if proposal.taken:
        lines += ["", f"_Taken out, since it does not belong into documents: {', '.join(proposal.taken)}._"]
    if channel.kind != "public" and proposal.refusal is None:
        lines += ["", PRIVATE]
    return "\n".join([*lines, "", fenced(proposal.diff)])
