"""Nine days of a real workspace's events, through the real Socket Mode path into the real process."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from localslack import LocalSlack, injection, stamps
from tests.acceptance.harness import RatchetProcess, environment, rows
from tests.acceptance.starting import at_work, idle

RECORDING = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "chat" / "clojurians-events"
WINDOW = 100

pytestmark = pytest.mark.skipif(
    not RECORDING.is_dir(), reason="../shared/data/chat/clojurians-events is not there"
)

Json = dict[str, Any]
Key = tuple[str, str]

STORED = """
select channel_id, ts, attrs->'payload'->>'text', parent_ts, attrs->'sender'->>'id'
from messages
"""
OPENED_BY_PEOPLE = """
select count(*) from incident_events e join messages m using (channel_id, ts)
where m.attrs->'sender'->>'kind' <> 'bot'
"""
DEAD = "select entrypoint from jobs where status = 'failed'"
LEFT_WAITING = "select count(*) from parked_edits p join messages m using (channel_id, ts)"


def recorded(name: str) -> list[Json]:
    return [json.loads(line) for line in (RECORDING / name).read_text("utf-8").splitlines()]


def in_part(channel: object, *, part: bool) -> bool:
    """Every fifth channel, when only a part is replayed."""
    return not part or zlib.crc32(str(channel).encode()) % 5 == 0


def expected(*, part: bool) -> dict[Key, tuple[str, str | None, str | None]]:
    """Text, parent and, where a person is named, the author.

    The recording hashes the ids of bots in another way, and names as the author of a comment somebody else.
    """
    return {
        (m["channel"], m["ts"]): (
            m["text"] or "",
            None if m["thread_ts"] == m["ts"] else m["thread_ts"],
            None if m["is_bot"] or m["subtype"] == "file_comment" else m["user"],
        )
        for m in recorded("messages_final.jsonl")
        if in_part(m["channel"], part=part)
    }


def windows(events: list[Json], *, shuffled: bool) -> Iterator[tuple[list[Json], list[Json]]]:
    """Each window as it happened, and as it arrives."""
    dice = random.Random(3)
    for start in range(0, len(events), WINDOW):
        happened = events[start : start + WINDOW]
        yield happened, dice.sample(happened, len(happened)) if shuffled else happened


def known_to(slack: LocalSlack, event: Json) -> bool:
    """Edits of what was written before the recording began are of messages that nobody shows us."""
    if event.get("subtype") != "message_changed":
        return True
    channel = slack.workspace.channels.get(event["channel"])
    return channel is not None and stamps.micros(event["message"]["ts"]) in channel.messages


async def replay(slack: LocalSlack, *, shuffled: bool, part: bool) -> None:
    """Slack's own history knows what happened when its events arrive. A part loses connections."""
    events = [event for event in recorded("events.jsonl") if in_part(event.get("channel"), part=part)]
    for number, (happened, arriving) in enumerate(windows(events, shuffled=shuffled)):
        for event in filter(partial(known_to, slack), happened):
            injection.apply(slack.workspace, injection.as_envelope(slack.workspace, event))
        if part and number % 5 == 3:
            await slack.control.disconnect(abrupt=True)
        await slack.control.inject(arriving)
    assert await slack.control.wait_for("acked", timeout=100)
    assert (await slack.control.counters()).dropped == 0


async def stored(
    conninfo: str, want: dict[Key, tuple[str, str | None, str | None]]
) -> dict[Key, tuple[str, str | None, str | None]]:
    """As `want`, the author only where that names one."""
    return {
        (channel, ts): (text or "", parent, author if want.get((channel, ts), ("", None, None))[2] else None)
        for channel, ts, text, parent, author in await rows(conninfo, STORED)
    }


@pytest.mark.parametrize(
    ("duplicate", "shuffled", "part"),
    [
        pytest.param(0.0, False, False, id="as-recorded"),
        pytest.param(1.0, False, False, id="every-event-twice"),
        pytest.param(0.0, True, False, id="shuffled-within-100"),
        # With the jobs of each message, history and recovery: a fifth of the channels, to be done in seconds.
        pytest.param(0.2, True, True, id="shuffled-some-twice-connections-lost"),
    ],
)
async def test_what_is_stored_after_a_replay_is_what_the_workspace_ended_with(
    duplicate: float, shuffled: bool, part: bool, conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack:
        for channel in recorded("channels.jsonl"):
            bot = slack.workspace.bot.id
            slack.workspace.add_channel(channel["name"], members=(bot,), channel_id=channel["id"])
        await slack.control.socket_faults(duplicate=duplicate, seed=5)
        roles = "slack,worker" if part else "slack"
        process = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log", roles=roles)
        async with at_work(process):
            await replay(slack, shuffled=shuffled, part=part)
            if part:
                await idle(conninfo, within=120)
            assert "event_not_stored" not in process.text()
    want = expected(part=part)
    have = await stored(conninfo, want)
    assert have.keys() - want.keys() == set()
    assert want.keys() - have.keys() == set()
    assert {key: (have[key], want[key]) for key in want if have[key] != want[key]} == {}
    assert (await rows(conninfo, OPENED_BY_PEOPLE))[0][0] == 0
    assert await rows(conninfo, DEAD) == []
    assert (await rows(conninfo, LEFT_WAITING))[0][0] == 0
