"""`ratchet channel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final, Literal

import typer

from ratchet.app import open_store
from ratchet.domain.channels import GROUP, MAX_QUIET_MINUTES, Changes, span
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.domain.messages import Channel, ChannelMode
from ratchet.domain.schedules import CHANNEL_REPORT, DEFAULTS, GAP_LIST, USAGE_REPORT, Schedule
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.store.schedules import Schedules
from ratchet.tools.base import minute

Switch = Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class Options:
    """What to set; None stays. `quiet`: for how long (`30m`, `2h`, `3d`), or `off`.

    `review_channel`: name or id, or `off`. `owner_group`: id or @handle, or `off`. `suggest_docs`,
    `suggest_in`: see `Manners`. `gap_list`: `on`, `off` or a cron, in `time_zone`.
    """

    mode: ChannelMode | None = None
    runbooks: bool | None = None
    repeats: bool | None = None
    storms: bool | None = None
    external_allowed: bool | None = None
    quiet: str | None = None
    follow_ups: bool | None = None
    review_channel: str | None = None
    owner_group: str | None = None
    suggest_docs: Switch | None = None
    suggest_after: str | None = None
    suggest_in: Literal["thread", "review"] | None = None
    gap_list: str | None = None
    report: str | None = None
    usage_report: str | None = None
    time_zone: str | None = None

    def schedules(self) -> dict[str, str]:
        """What is said of each kind of schedule."""
        given = {GAP_LIST: self.gap_list, CHANNEL_REPORT: self.report, USAGE_REPORT: self.usage_report}
        return {kind: said for kind, said in given.items() if said is not None}


SCHEDULED: Final = {"gap-list": GAP_LIST, "report": CHANNEL_REPORT, "usage-report": USAGE_REPORT}


async def run(settings: Settings, name: str, options: Options) -> None:
    """Print the settings, or what became of them. Raises Refused, Misconfigured."""
    now = datetime.now(UTC)
    wanted = changes(options, now)
    async with open_store(settings) as store:
        channels, schedules = Channels(store.db), Schedules(store.db)
        zone = options.time_zone or settings.time_zone
        for kind, said in options.schedules().items():
            await reschedule(channels, schedules, name, (kind, said, zone), now)
        lines = await shown_or_set(channels, name, (options.mode, wanted), now)
        channel = await known(channels, name)
        set_up = await schedules.of(channel.id)
        lines += [f"  {option:<16}  {when(set_up, kind)}" for option, kind in SCHEDULED.items()]
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


async def reschedule(
    channels: Channels, schedules: Schedules, name: str, wanted: tuple[str, str, str], now: datetime
) -> None:
    """`wanted`: what; on, off or a cron; and the time zone. Raises Refused."""
    channel, (kind, said, zone) = await known(channels, name), wanted
    if said == "off":
        await schedules.remove(channel.id, kind)
    else:
        cron = DEFAULTS[kind] if said == "on" else said
        await schedules.set(channel.id, kind, (cron, zone), now)


def when(schedules: Sequence[Schedule], kind: str) -> str:
    """When something is posted, as people read it."""
    found = next((one for one in schedules if one.kind == kind), None)
    return f"{found.cron} ({found.time_zone}), next {minute(found.due_at)}" if found else "off"


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
    found: dict[str, bool | int | str | datetime | None] = {k: v for k, v in given.items() if v is not None}
    if options.quiet is not None:
        length = span(options.quiet)
        if length is None and options.quiet != "off":
            raise Misconfigured(f"--quiet: {options.quiet!r} is neither a time (30m, 2h, 3d) nor off")
        found["quiet_until"] = now + length if length else None
    if options.review_channel is not None:
        found["review_channel"] = None if options.review_channel == "off" else options.review_channel
    return found | _help_changes(options)


def _help_changes(options: Options) -> dict[str, bool | int | str | datetime | None]:
    """Those of help channels. Raises Misconfigured."""
    found: dict[str, bool | int | str | datetime | None] = {}
    if options.owner_group is not None:
        group = None if options.owner_group == "off" else options.owner_group
        if group is not None and GROUP.fullmatch(group) is None:
            raise Misconfigured(
                f"--owner-group: {group!r} is neither the id of a user group (S…) nor @handle"
            )
        found["owner_group"] = group
    if options.suggest_docs is not None:
        found["suggest_docs"] = options.suggest_docs == "on"
    if options.suggest_after is not None:
        length = span(options.suggest_after)
        minutes = round(length.total_seconds() / 60) if length else 0
        if not 1 <= minutes <= MAX_QUIET_MINUTES:
            raise Misconfigured(
                f"--suggest-after: {options.suggest_after!r} is no time up to a week (30m, 4h)"
            )
        found["quiet_minutes"] = minutes
    if options.suggest_in is not None:
        found["suggest_in_review"] = options.suggest_in == "review"
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
        "owner-group": manners.owner_group or "off",
        "suggest-docs": _on(manners.suggest_docs),
        "suggest-after": f"{manners.quiet_minutes} min",
        "suggest-in": "review" if manners.suggest_in_review else "thread",
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
