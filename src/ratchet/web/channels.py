"""Channels, their messages and threads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query

from ratchet.domain.messages import Channel, MessageRef
from ratchet.web.models import (
    ChannelChanges,
    ChannelList,
    ChannelOut,
    MessageOut,
    MessagePage,
    OnboardAccepted,
    ScheduleIn,
    ScheduleList,
    ScheduleOut,
    Thread,
)
from ratchet.web.parameters import TS, ChannelId, Name, PageSize, Ts
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Services

MAX_ONBOARD = 100_000
ScheduleKind = Literal["gap_list", "channel_report", "usage_report"]
NOT_PEOPLE = frozenset({"bot", "self"})


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api/channels", tags=["channels"], responses=RESPONSES)

    @routes.get("")
    async def list_channels() -> ChannelList:
        """Every recorded channel, by name."""
        return ChannelList(channels=[ChannelOut.of(channel) for channel in await services.channels.all()])

    @routes.get("/{name}")
    async def get_channel(name: Name) -> ChannelOut:
        """One channel, by name or id."""
        return ChannelOut.of(await the_channel(services, name))

    @routes.patch("/{name}")
    async def set_channel(name: Name, changes: ChannelChanges) -> ChannelOut:
        """Set how Ratchet behaves in one channel; answers how it now does."""
        wanted: dict[str, Any] = changes.model_dump(exclude_unset=True)
        mode = wanted.pop("mode", None)
        channel = await the_channel(services, name)
        return ChannelOut.of(await services.channels.configure(channel.id, mode, wanted) or channel)

    @routes.get("/{name}/schedules")
    async def list_schedules(name: Name) -> ScheduleList:
        """What happens in the channel by the clock."""
        channel = await the_channel(services, name)
        return ScheduleList(schedules=list(map(ScheduleOut.of, await services.schedules.of(channel.id))))

    @routes.put("/{name}/schedules/{kind}")
    async def set_schedule(name: Name, kind: ScheduleKind, schedule: ScheduleIn) -> ScheduleList:
        """Post by the clock: a report on the channel, on Ratchet itself, or what the documents lack."""
        channel, when = await the_channel(services, name), (schedule.cron, schedule.time_zone)
        await services.schedules.set(channel.id, kind, when, services.now())
        return ScheduleList(schedules=list(map(ScheduleOut.of, await services.schedules.of(channel.id))))

    @routes.delete("/{name}/schedules/{kind}")
    async def remove_schedule(name: Name, kind: ScheduleKind) -> ScheduleList:
        """Do it no more."""
        channel = await the_channel(services, name)
        await services.schedules.remove(channel.id, kind)
        return ScheduleList(schedules=list(map(ScheduleOut.of, await services.schedules.of(channel.id))))

    @routes.get("/{name}/messages")
    async def list_messages(
        name: Name, n: PageSize = 100, before: Annotated[str | None, Query(pattern=TS)] = None
    ) -> MessagePage:
        """The newest n messages, replies included, posted before the ts `before` if it is given."""
        channel = await the_channel(services, name)
        found = await services.messages.recent(channel.id, n, before)
        return MessagePage(
            messages=[MessageOut.of(message) for message in found],
            next_before=found[-1].ts if len(found) == n else None,
        )

    @routes.post("/{name}/onboard", status_code=202)
    async def onboard(
        name: Name, n: Annotated[int | None, Query(ge=1, le=MAX_ONBOARD)] = None
    ) -> OnboardAccepted:
        """Fetch the newest n messages of the channel from Slack, in the background."""
        channel = await the_channel(services, name)
        await services.onboard(channel.id, n)
        return OnboardAccepted(channel_id=channel.id, n=n)

    @routes.get("/{id}/messages/{ts}/thread")
    async def get_thread(id: ChannelId, ts: Ts, exclude_bot: bool = False) -> Thread:  # noqa: A002  as in the path
        """The whole thread around a message. `exclude_bot` leaves out what bots, Ratchet too, wrote."""
        message = await services.messages.get(MessageRef(id, ts))
        found = await services.messages.thread(MessageRef(id, message.thread_ts if message else ts))
        if not found:
            raise HTTPException(404, f"No message {ts} is recorded in channel {id}.")
        return Thread(
            messages=[MessageOut.of(m) for m in found if not (exclude_bot and m.sender.kind in NOT_PEOPLE)]
        )

    return routes


async def the_channel(services: Services, name_or_id: str) -> Channel:
    """Raises HTTPException 404."""
    channel = await services.channels.find(name_or_id)
    if channel is None:
        raise HTTPException(404, f"No channel is recorded as {name_or_id!r}.")
    return channel


async def channel_ids(services: Services, names: list[str]) -> list[str] | None:
    """None for no restriction. Raises HTTPException 404, 422."""
    wanted = [name.strip() for given in names for name in given.split(",") if name.strip()]
    if names and not wanted:
        raise HTTPException(422, "No channel is named. Leave the parameter out to search all.")
    return [(await the_channel(services, name)).id for name in wanted] or None
