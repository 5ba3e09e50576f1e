"""A channel's settings in the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ratchet.domain.channels import Manners
from ratchet.domain.messages import Channel
from ratchet.store.channels import CONFIGURE, Channels
from ratchet.store.pool import Database

UNTIL = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


async def ops(database: Database, attrs: object = None) -> Channels:
    channels = Channels(database)
    await channels.upsert(Channel("C1", "ops"))
    if attrs is not None:
        async with database.connection() as conn:
            await conn.execute("update channels set attrs = %s::jsonb", [json.dumps(attrs)])
    return channels


async def stored(database: Database) -> Any:
    async with database.connection() as conn:
        row = await (await conn.execute("select attrs from channels")).fetchone()
    assert row is not None
    return row[0]


async def test_a_channel_nobody_set_has_the_defaults(database: Database) -> None:
    channels = await ops(database)
    found = await channels.get("C1")
    assert found == await channels.find("ops") == (await channels.all())[0] == Channel("C1", "ops")
    assert found.manners == Manners()


async def test_what_is_set_is_read_everywhere_and_the_rest_stays(database: Database) -> None:
    channels = await ops(database, {"other": 1, "manners": {"storms": False, "from_a_later_version": 2}})
    there = UNTIL.astimezone(timezone(timedelta(hours=2)))
    changed = await channels.configure("C1", None, {"runbooks": False, "quiet_until": there})
    wanted = Channel("C1", "ops", manners=Manners(runbooks=False, storms=False, quiet_until=UNTIL))
    assert changed == await channels.get("C1") == await channels.find("#ops") == wanted
    assert await channels.all() == [wanted]
    kept = {"storms": False, "from_a_later_version": 2, "runbooks": False, "quiet_until": UNTIL.isoformat()}
    assert await stored(database) == {"other": 1, "manners": kept}


async def test_the_mode_is_set_with_them_or_alone(database: Database) -> None:
    channels = await ops(database)
    off = await channels.configure("C1", "off", {})
    assert off == Channel("C1", "ops", mode="off")
    again = await channels.configure("C1", "mention", {"quiet_until": None})
    assert again == Channel("C1", "ops")


async def test_what_slack_says_about_a_channel_leaves_its_settings(database: Database) -> None:
    channels = await ops(database)
    await channels.configure("C1", "off", {"repeats": False})
    await channels.upsert(Channel("C1", "operations", external=True))
    found = await channels.get("C1")
    assert found == Channel("C1", "operations", mode="off", external=True, manners=Manners(repeats=False))


async def test_settings_that_were_spoilt_can_be_set_again(database: Database) -> None:
    channels = await ops(database, {"manners": ["what is this"]})
    assert await channels.get("C1") == Channel("C1", "ops")
    await channels.configure("C1", None, {"storms": False})
    assert await stored(database) == {"manners": {"storms": False}}


async def test_a_channel_that_is_not_recorded_cannot_be_set(database: Database) -> None:
    assert await Channels(database).configure("C9", "off", {}) is None


async def test_setting_a_channel_reads_only_that_channel(database: Database) -> None:
    await ops(database)
    async with database.connection() as conn:
        await conn.execute("set enable_seqscan = off")
        plan = await (
            await conn.execute(b"explain " + CONFIGURE.encode(), {"mode": None, "changes": "{}", "id": "C1"})
        ).fetchall()
    assert any("channels_pkey" in line for (line,) in plan), plan
