"""What Ratchet does about a message. `default_handlers` is the one ordered list."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.handlers.answers import Answers
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Handler, Handlers
from ratchet.handlers.channel_monitor import ChannelMonitors
from ratchet.handlers.configure import Configure
from ratchet.handlers.drafts import Review
from ratchet.handlers.follow_up import FollowUp
from ratchet.handlers.hand_over import HandOverEnds
from ratchet.handlers.help import Help
from ratchet.handlers.quiet import Quiet
from ratchet.handlers.runbook import LearnRunbook, RunbookHandler, RunbookRequest
from ratchet.handlers.runbook_change import ChangeRunbook
from ratchet.handlers.stop import Stop
from ratchet.handlers.suggest_docs import WatchThreads
from ratchet.handlers.talk import Talk
from ratchet.handlers.unasked import Unasked


def default_handlers(
    runbook: RunbookHandler,
    learn: LearnRunbook,
    request: RunbookRequest,
    change: ChangeRunbook,
    monitors: ChannelMonitors,
    assistant: Assistant,
    talk: Talk,
) -> Sequence[Handler | Handlers]:
    """To add a handler: one file, one line here, one test."""
    review = Review(talk.directory, talk.links)
    answers = Answers(assistant, review, talk.progress)
    return (
        runbook,
        learn,
        review.drafted(request),
        change,
        Quiet(),
        Stop(),
        Help(),
        Configure(talk.directory, talk.links, talk.time_zone),
        answers,
        FollowUp(answers, talk.conversations),
        Unasked(assistant, review, talk.conversations, evidence=talk.evidence),
        *([HandOverEnds(talk.offers)] if talk.offers else []),
        WatchThreads(),
        monitors,
    )
