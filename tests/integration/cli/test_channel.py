"""`ratchet channel`."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ratchet.cli.channel import Options, changes, reschedule, shown_or_set, when
from ratchet.domain.channels import Manners
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.domain.messages import Channel
from ratchet.domain.schedules import GAP_LIST
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from ratchet.store.schedules import Schedules

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


async def filled(database: Database) -> Channels:
    channels = Channels(database)
    for channel in (Channel("C1", "ops"), Channel("C2", "ops-eu", external=True), Channel("C3", "help")):
        await channels.upsert(channel)
    return channels


async def said(database: Database, name: str, options: Options) -> list[str]:
    channels = await filled(database)
    return await shown_or_set(channels, name, (options.mode, changes(options, NOW)), NOW)


@pytest.mark.parametrize("name", ["ops-eu", "#ops-eu", "C2"])
async def test_without_options_the_settings_are_shown(database: Database, name: str) -> None:
    assert await said(database, name, Options()) == [
        "#ops-eu (C2)",
        "  mode              mention",
        "  runbooks          on",
        "  repeats           on",
        "  storms            on",
        "  external-allowed  off (it is shared with another organisation)",
        "  quiet             off",
        "  follow-ups        off",
        "  review-channel    off",
        "  owner-group       off",
        "  suggest-docs      off",
        "  suggest-after     240 min",
        "  suggest-in        thread",
    ]


async def test_what_changes_is_shown_before_and_after(database: Database) -> None:
    wanted = Options(mode="off", repeats=False, storms=True, quiet="2h")
    assert await said(database, "ops", wanted) == [
        "#ops (C1)",
        "  mode: mention -> off",
        "  repeats: on -> off",
        "  quiet: off -> until 2026-11-23 05:00 UTC",
    ]
    found = await Channels(database).get("C1")
    manners = Manners(repeats=False, quiet_until=NOW + timedelta(hours=2))
    assert found == Channel("C1", "ops", mode="off", manners=manners)
    assert await said(database, "ops", Options(mode="off")) == [
        "#ops (C1)",
        "  nothing changed: it was so already",
    ]
    assert await said(database, "ops", Options(quiet="off", mode="mention")) == [
        "#ops (C1)",
        "  mode: off -> mention",
        "  quiet: until 2026-11-23 05:00 UTC -> off",
    ]


async def test_quiet_that_is_over_is_shown_as_off(database: Database) -> None:
    channels = await filled(database)
    await channels.configure("C1", None, {"quiet_until": NOW - timedelta(seconds=1)})
    assert "  quiet             off" in await shown_or_set(channels, "ops", (None, {}), NOW)


async def test_drafts_need_a_review_channel_that_is_known_by_name_or_id(database: Database) -> None:
    with pytest.raises(Refused, match="mode draft needs a review channel"):
        await said(database, "ops", Options(mode="draft"))
    assert await said(database, "ops", Options(mode="draft", review_channel="#help", follow_ups=True)) == [
        "#ops (C1)",
        "  mode: mention -> draft",
        "  follow-ups: off -> on",
        "  review-channel: off -> C3",
    ]
    with pytest.raises(Refused, match="mode draft needs a review channel"):
        await said(database, "ops", Options(review_channel="off"))
    with pytest.raises(Refused, match="shared with another organisation"):
        await said(database, "ops", Options(review_channel="C2"))
    with pytest.raises(Refused, match="another channel"):
        await said(database, "ops", Options(review_channel="C1"))
    with pytest.raises(Refused, match=r"No channel helpp is recorded\. Near it: #help"):
        await said(database, "ops", Options(review_channel="helpp"))
    found = await Channels(database).get("C1")
    assert found is not None
    assert (found.mode, found.manners) == ("draft", Manners(follow_ups=True, review_channel="C3"))
    assert await said(database, "ops", Options(mode="mention", review_channel="off")) == [
        "#ops (C1)",
        "  mode: draft -> mention",
        "  review-channel: C3 -> off",
    ]


async def test_an_unknown_channel_is_refused_with_what_is_near(database: Database) -> None:
    with pytest.raises(Refused, match=r"No channel opps is recorded\. Near it: #ops"):
        await said(database, "opps", Options(mode="off"))
    with pytest.raises(Refused, match=r"No channel #zebra is recorded\. Ratchet records"):
        await said(database, "#zebra", Options())


@pytest.mark.parametrize("quiet", ["", "2", "0h", "forever", "OFF!", "2h30m"])
def test_a_time_that_cannot_be_read_is_refused(quiet: str) -> None:
    with pytest.raises(Misconfigured, match="30m, 2h, 3d"):
        changes(Options(quiet=quiet), NOW)


async def test_the_command_says_what_it_did_and_fails_in_a_sentence(
    database: Database, conninfo: str, tmp_path: Path
) -> None:
    await filled(database)

    async def ratchet(*arguments: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ratchet", "channel", *arguments),
            env={"PATH": os.defpath, "HOME": str(tmp_path), "RATCHET_DATABASE_URL": conninfo},
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()

    set_ = await ratchet("ops-eu", "--mode", "auto", "--no-runbooks", "--external-allowed", "--quiet", "3d")
    assert set_[0] == 0, set_
    assert "  mode: mention -> auto\n  runbooks: on -> off\n  external-allowed: off" in set_[1]
    assert "  quiet: off -> until 20" in set_[1]
    assert await ratchet("opps") == (
        1,
        "",
        "ratchet: No channel opps is recorded. Near it: #ops, #ops-eu. Ratchet records the channels it is invited to.\n",
    )
    code, _, errors = await ratchet("ops", "--quiet", "ever")
    assert (code, errors.count("\n")) == (2, 1)
    assert (await ratchet("ops", "--mode", "loud"))[0] == 2


async def test_a_help_channel_is_set_and_its_list_of_gaps_scheduled(database: Database) -> None:
    wanted = Options(owner_group="@platform", suggest_docs="on", suggest_after="30m", suggest_in="review")
    assert await said(database, "help", wanted) == [
        "#help (C3)",
        "  owner-group: off -> @platform",
        "  suggest-docs: off -> on",
        "  suggest-after: 240 min -> 30 min",
        "  suggest-in: thread -> review",
    ]
    channels, schedules = Channels(database), Schedules(database)
    await reschedule(channels, schedules, "help", (GAP_LIST, "on", "Europe/Berlin"), NOW)
    assert when(await schedules.of("C3"), GAP_LIST) == "0 9 * * 1 (Europe/Berlin), next 2026-11-23 08:00 UTC"
    await reschedule(channels, schedules, "help", (GAP_LIST, "off", "UTC"), NOW)
    assert when(await schedules.of("C3"), GAP_LIST) == "off"
    with pytest.raises(Refused, match="no schedule"):
        await reschedule(channels, schedules, "help", (GAP_LIST, "often", "UTC"), NOW)


@pytest.mark.parametrize(
    "wrong",
    [Options(owner_group="platform"), Options(suggest_after="soon"), Options(suggest_after="2w")],
    ids=["group", "no-time", "too-long"],
)
def test_what_cannot_be_read_is_said(wrong: Options) -> None:
    with pytest.raises(Misconfigured):
        changes(wrong, NOW)
