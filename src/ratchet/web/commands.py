"""What Ratchet would say to a message, and having it said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from fastapi import APIRouter, HTTPException

from ratchet.domain.errors import Transient
from ratchet.domain.messages import MessageRef
from ratchet.web.models import EffectList
from ratchet.web.parameters import ChannelIdQuery, TsQuery
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Effects, Services

# A turn with a model has its own budget; this only bounds what the caller waits for.
COMMAND_TIMEOUT_S: Final = 240.0


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api/commands", tags=["commands"], responses=RESPONSES)

    @routes.get("/generate")
    async def generate(channel_id: ChannelIdQuery, ts: TsQuery) -> EffectList:
        """What the handlers would do about a recorded message. Nothing is stored or delivered."""
        await _recorded(services, channel_id, ts)
        return await _bounded(services.generate(channel_id, ts))

    @routes.post("/respond", status_code=202)
    async def respond(channel_id: ChannelIdQuery, ts: TsQuery) -> EffectList:
        """Answer a recorded message in Slack. The effects are stored and on their way when this returns."""
        await _recorded(services, channel_id, ts)
        return await _bounded(services.respond(channel_id, ts))

    return routes


async def _recorded(services: Services, channel_id: str, ts: str) -> None:
    if await services.messages.get(MessageRef(channel_id, ts)) is None:
        raise HTTPException(404, f"No message {ts} is recorded in channel {channel_id}.")


async def _bounded(work: Awaitable[Effects]) -> EffectList:
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            return EffectList(effects=[dict(effect) for effect in await work])
    except TimeoutError:
        raise Transient(f"The handlers did not end within {COMMAND_TIMEOUT_S:g} s") from None
