"""`ratchet channel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

import typer

from ratchet.app import open_store
from ratchet.domain.channels import Changes, span
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.domain.messages import Channel, ChannelMode
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.tools.base import minute


@dataclass(frozen=True, slots=True)
class Options:
    """What to set; None stays. `quiet`: for how long (`30m`, `2h`, `3d`), or `off`.

    `review_channel`: name or id, or `off`.
    """

    mode: ChannelMode | None = None
    runbooks: bool | None = None
    repeats: bool | None = None
    storms: bool | None = None
    external_allowed: bool | None = None
    quiet: str | None = None
    follow_ups: bool | None = None
    review_channel: str | None = None


async def run(settings: Settings, name: str, options: Options) -> None:
    """Print the settings, or what became of them. Raises Refused, Misconfigured."""
    now = datetime.now(UTC)
    wanted = changes(options, now)
    async with open_store(settings) as store:
        lines = await shown_or_set(Channels(store.db), name, (options.mode, wanted), now)
    typer.echo("\n".join(lines))


async def shown_or_set(
    channels: Channels, name: str, wanted: tuple[ChannelMode | None, Changes], now: datetime
) -> list[str]:
    """The lines to print. `wanted`: mode and manners. Raises Refused for a channel that is not recorded."""
    channel = await known(channels, name)
    title = f"#{channel.name} ({channel.id})" if channel.name else channel.id
    before = values(channel, now)
    if wanted == (None, {}):
        return [title, *(f"  {setting:<16}  {value}" for setting, value in before.items())]
    mode, fields = wanted
    if review := fields.get("review_channel"):
        fields = {**fields, "review_channel": (await known(channels, str(review))).id}
    after = values(await channels.configure(channel.id, mode, fields) or channel, now)
    return [title, *(f"  {line}" for line in differences(before, after))]


async def known(channels: Channels, name: str) -> Channel:
    """The channel of that name or id. Raises Refused."""
    channel = await channels.find(name)
    if channel is None:
        raise Refused(unknown(name, await channels.all()))
    return channel


def changes(options: Options, now: datetime) -> Changes:
    """Raises Misconfigured for a time that cannot be read."""
    given = {
        "runbooks": options.runbooks,
        "repeats": options.repeats,
        "storms": options.storms,
        "external_allowed": options.external_allowed,
        "follow_ups": options.follow_ups,
    }
    found: dict[str, bool | str | datetime | None] = {k: v for k, v in given.items() if v is not None}
    if options.quiet is not None:
        length = span(options.quiet)
        if length is None and options.quiet != "off":
            raise Misconfigured(f"--quiet: {options.quiet!r} is neither a time (30m, 2h, 3d) nor off")
        found["quiet_until"] = now + length if length else None
    if options.review_channel is not None:
        found["review_channel"] = None if options.review_channel == "off" else options.review_channel
    return found


def values(channel: Channel, now: datetime) -> dict[str, str]:
    """As people read them, by the name of the option."""
    manners = channel.manners
    quiet = minute(manners.quiet_until) if manners.quiet_until and manners.quiet_at(now) else ""
    shared = " (it is shared with another organisation)" if channel.external else ""
    return {
        "mode": channel.mode,
        "runbooks": _on(manners.runbooks),
        "repeats": _on(manners.repeats),
        "storms": _on(manners.storms),
        "external-allowed": _on(manners.external_allowed) + shared,
        "quiet": f"until {quiet}" if quiet else "off",
        "follow-ups": _on(manners.follow_ups),
        "review-channel": manners.review_channel or "off",
    }


def _on(value: bool) -> str:
    return "on" if value else "off"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    found = [f"{name}: {before[name]} -> {after[name]}" for name in before if before[name] != after[name]]
    return found or ["nothing changed: it was so already"]


def unknown(name: str, channels: list[Channel]) -> str:
    names = sorted({channel.name for channel in channels if channel.name})
    near = get_close_matches(name.removeprefix("#"), names, n=3, cutoff=0.5)
    hint = f" Near it: {', '.join(f'#{one}' for one in near)}." if near else ""
    return f"No channel {name} is recorded.{hint} Ratchet records the channels it is invited to."
