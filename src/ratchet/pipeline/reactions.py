"""The reactions that a message object carries, as events. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ratchet.domain.events import MessagePosted, ReactionChanged

# Keys of an index, so of bounded length; Slack's own are far shorter.
MAX_NAME: Final = 256


def reactions_on(event: MessagePosted) -> Iterator[ReactionChanged]:
    """Whatever is not a reaction is passed over: an export may hold anything."""
    reactions = event.payload.get("reactions")
    for reaction in reactions if isinstance(reactions, list) else ():
        if not isinstance(reaction, dict):
            continue
        name, users = reaction.get("name"), reaction.get("users")
        if not _is_name(name) or not isinstance(users, list):
            continue
        for user in filter(_is_name, users):
            yield ReactionChanged(event.channel_id, event.ts, user, str(name), True, event.version)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME
