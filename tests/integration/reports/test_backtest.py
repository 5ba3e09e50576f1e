"""A backtest of what is recorded in a real database."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.cli.backtest import KnownNames, replay
from ratchet.domain.messages import MessageRef, posted_at
from ratchet.pipeline.dispatch import Dispatch
from ratchet.reports.as_of import AsOf, recorded_history
from ratchet.reports.backtest_figures import Report
from ratchet.store.backtest import load
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from tests.integration.pipeline.house import ME, House, Raw, alert_said, at, edited, reacted, said

DAY = 86_400
FIX = "fixed by `kubectl -n shop rollout restart deploy/checkout`"
NAMES = KnownNames({})
CHANNEL = "update channels set kind = %s, name = %s where id = %s"


async def recorded(house: House, *raws: Raw, kind: str = "public") -> None:
    for raw in raws:
        await house.hear(raw)
        dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
        await house.work_off(dispatch.run_message, "message")
    for channel in {raw["channel"] for raw in raws if "channel" in raw}:
        await house.rows(CHANNEL, kind, f"ops-{channel}".lower(), channel)


def fired(start: float, *, channel: str = "C1") -> list[Raw]:
    """An alert and its resolve after ten minutes."""
    raws = [alert_said(at(start)), alert_said(at(start + 600), firing=False)]
    return [raw | {"channel": channel} for raw in raws]


async def backtest(house: House, *channels: str, since: datetime | None = None) -> Report:
    return await replay(await load(house.db, channels or None, since), NAMES, set())


async def test_a_fix_that_is_written_later_does_not_cover_the_incident_before_it(house: House) -> None:
    await recorded(house, *fired(0), *fired(DAY), *fired(2 * DAY))
    # Under the first firing, but only after the second.
    await recorded(house, said(at(DAY + 3600), FIX, thread_ts=at(0)))
    total = (await backtest(house)).total
    assert (total.incidents, total.repeats, total.covered) == (3, 2, 1)


async def test_a_fix_written_in_time_is_a_hit_when_people_do_it_again(house: House) -> None:
    again = "again `kubectl -n shop rollout restart deploy/checkout`"
    await recorded(house, *fired(0), said(at(60), FIX, thread_ts=at(0)))
    await recorded(house, *fired(DAY), said(at(DAY + 60), again, thread_ts=at(DAY)))
    total = (await backtest(house)).total
    assert (total.covered, total.judged, total.hits, total.first) == (1, 1, 1, 1)


async def test_an_edit_after_the_incident_is_not_known_in_it(house: House) -> None:
    reply = said(at(60), "looking into it", thread_ts=at(0))
    await recorded(house, *fired(0), reply, *fired(DAY), *fired(3 * DAY))
    await recorded(house, edited(reply, at(2 * DAY), text=FIX))
    total = (await backtest(house)).total
    assert (total.incidents, total.covered) == (3, 1)


async def test_only_the_asked_channel_and_time_are_judged_and_all_public_history_is_used(
    house: House,
) -> None:
    await recorded(house, *fired(0, channel="C2"), said(at(60), FIX, thread_ts=at(0), channel="C2"))
    await recorded(house, *fired(DAY), *fired(2 * DAY))
    assert (await backtest(house)).total.incidents == 3
    total = (await backtest(house, "C1")).total
    assert (total.incidents, total.covered) == (2, 2)
    total = (await backtest(house, "C1", since=posted_at(at(2 * DAY)))).total
    assert (total.incidents, total.covered) == (1, 1)


async def test_what_is_private_is_used_in_its_own_channel_only(house: House) -> None:
    private = [*fired(0, channel="C2"), said(at(60), FIX, thread_ts=at(0), channel="C2")]
    await recorded(house, *private, *fired(2 * DAY, channel="C2"), kind="private")
    await recorded(house, *fired(DAY))
    assert (await backtest(house, "C1")).total.covered == 0
    assert (await backtest(house, "C2")).total.covered == 1


def busy(dice: random.Random) -> list[Raw]:
    """Firings, resolves by message, reply and edit, and talk with reactions under them, in two channels."""
    raws: list[Raw] = []
    for n in range(40):
        start, channel = n * 1000.0, dice.choice(["C1", "C2"])
        name = dice.choice(["HighErrorRate", "DiskFull"])
        opening = alert_said(at(start), name) | {"channel": channel}
        raws.append(opening)
        for k in range(dice.randint(0, 3)):
            ts = at(start + 10 + k + 2000 * (k == 2))
            raws.append(said(ts, FIX, thread_ts=at(start), channel=channel))
            if dice.random() < 0.5:
                raws.append(reacted(ts, "tada", at(start + 5000 * dice.random() + 20), channel=channel))
        resolved = alert_said(at(start + 500), name, firing=False) | {"channel": channel}
        match dice.randint(0, 3):
            case 0:
                raws.append(resolved)
            case 1:
                raws.append(resolved | {"thread_ts": at(start)})
            case 2:
                raws.append(edited(opening, at(start + 400), attachments=resolved["attachments"]))
    return raws


async def test_the_record_as_of_now_answers_as_the_store_does(house: House) -> None:
    await recorded(house, *busy(random.Random(1)))
    await house.rows("update channels set kind = 'private' where id = 'C2'")
    recording = await load(house.db)
    history = recorded_history(recording.events, recording.replies, recording.public)
    incidents, messages = Incidents(house.db), Messages(house.db)
    for moment in (datetime(2100, 1, 1, tzinfo=UTC), posted_at(at(20_500))):
        record = AsOf(history, datetime(2100, 1, 1, tzinfo=UTC))
        for alert, channel, others in (
            ("HighErrorRate", "C1", False),
            ("DiskFull", "C2", False),
            ("DiskFull", "C1", True),
        ):
            service = "nobody" if others else "checkout"
            expected = await incidents.firings(service, alert, moment, channel, other_services=others)
            found = await record.firings(service, alert, moment, channel, other_services=others)
            assert [e.ref for e in found] == [e.ref for e in expected]
            refs = [e.ref for e in found]
            assert await record.ends(refs) == await incidents.ends(refs)
            key = recording.incidents[0].pair_key
            assert as_pairs(await record.previous(channel, key, moment)) == as_pairs(
                await incidents.previous(channel, key, moment)
            )
            assert by_ref(await record.triage(refs)) == by_ref(await messages.triage(refs))


def as_pairs(events: Any) -> list[tuple[str, str]]:
    return [(event.ts, event.action) for event in events]


def by_ref(messages: Any) -> dict[MessageRef, Any]:
    return {message.ref: message for message in messages}


async def ratchet(conninfo: str, home: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", *arguments,
        env={"PATH": os.defpath, "HOME": str(home), "RATCHET_DATABASE_URL": conninfo, "COLUMNS": "160"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=home,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_prints_figures_json_and_markdown(
    house: House, conninfo: str, tmp_path: Path
) -> None:
    await recorded(house, *fired(0), said(at(60), FIX, thread_ts=at(0)))
    await recorded(house, *fired(DAY), said(at(DAY + 60), FIX, thread_ts=at(DAY)))
    status, out, _ = await ratchet(conninfo, tmp_path, "backtest", "--channel", "ops-c1")
    assert status == 0
    assert "Hit rate" in out
    assert "HighErrorRate" in out
    _, out, _ = await ratchet(conninfo, tmp_path, "backtest", "--json", "--since", "2020-01-01")
    assert json.loads(out)["total"]["hits"] == 1
    _, out, _ = await ratchet(conninfo, tmp_path, "backtest", "--markdown")
    assert "| HighErrorRate | checkout | 2 | 1 |" in out


async def test_the_command_says_plainly_what_is_missing(conninfo: str, tmp_path: Path) -> None:
    status, out, _ = await ratchet(conninfo, tmp_path, "backtest")
    assert status == 0
    assert "nothing to replay" in out
    status, _, err = await ratchet(conninfo, tmp_path, "backtest", "--channel", "nowhere")
    assert status == 1
    assert "no channel 'nowhere'" in err
    status, _, err = await ratchet(conninfo, tmp_path, "backtest", "--since", "yesterday")
    assert status == 2
    assert "--since" in err
