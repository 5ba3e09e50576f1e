"""Where the drafts of a channel's answers may be shown to a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ratchet.domain.channels import Changes
from ratchet.domain.messages import Channel, ChannelMode


def changed(channel: Channel, mode: ChannelMode | None, changes: Changes) -> Channel:
    """The channel as it would be. None for `mode`: it stays."""
    fields: dict[str, Any] = dict(changes)
    return replace(channel, mode=mode or channel.mode, manners=replace(channel.manners, **fields))


def review_problem(channel: Channel, review: Channel | None) -> str | None:
    """Why the drafts of a channel, as it is or would be, cannot be reviewed; None when they can, or need not.

    `review` is the channel that its `review_channel` names, None when that is not recorded.
    """
    if channel.manners.review_channel is None:
        return "mode draft needs a review channel" if channel.mode == "draft" else None
    if channel.kind != "public":
        # Whoever reads the review channel may not be in this one.
        return "only what is said in public channels may be reviewed elsewhere, and this one is not public"
    if channel.manners.review_channel == channel.id:
        return "the review channel must be another channel"
    return _closed(review)


def _closed(review: Channel | None) -> str | None:
    """Why nothing can be shown to people in a channel."""
    if review is None or review.kind not in ("public", "private"):
        return "the review channel is none that Ratchet records; invite it there first"
    if review.archived or not review.member:
        return "Ratchet is not in the review channel"
    if not review.speaks:
        return "Ratchet may say nothing in the review channel (mode off, or shared with another organisation)"
    return None
