"""What people think of an answer: clicks on its buttons, and reactions under it, which say the same."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from ratchet.domain.events import Interaction, ReactionChanged
from ratchet.domain.messages import MessageRef
from ratchet.pipeline import work
from ratchet.slack.messages import ts_or_none
from ratchet.store import answers, messages
from ratchet.store.pool import Database


def is_vote(reaction: str) -> bool:
    """Whether a reaction says what a feedback button says."""
    return reaction.split("::", 1)[0] in (*answers.UP, *answers.DOWN)


async def reacted(conn: AsyncConnection[Any], changes: Sequence[ReactionChanged]) -> None:
    """Count reactions that were stored just now, as far as they are votes and stand under answers."""
    posts = {MessageRef(change.channel_id, change.ts) for change in changes if is_vote(change.reaction)}
    if posts:
        await answers.recount(conn, await answers.keys_of(conn, sorted(posts)))


async def clicked(db: Database, job: work.InteractionJob, key: str, value: int) -> None:
    """Count a click; `value` is 1 or -1. The latest word of a person counts, whichever way it was said."""
    async with db.transaction() as conn:
        if job.channel_id is not None:
            # A reaction that is being recorded meanwhile would not see the click, nor the click it.
            await messages.lock_channels(conn, [job.channel_id])
        await answers.click(conn, key, job.user_id, value, job.at or f"{time.time():.6f}")
        await answers.recount(conn, [key])


def click_ts(event: Interaction) -> str | None:
    """When the button was clicked or the shortcut used, by Slack's clock; None when it does not say."""
    actions = event.payload.get("actions", [event.payload])
    action = actions[0] if isinstance(actions, list) and actions else None
    return ts_or_none(action, "action_ts") if isinstance(action, dict) else None
