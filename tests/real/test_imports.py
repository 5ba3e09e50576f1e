"""Real exports of two workspaces, by the real command."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.harness import eventually, rows
from tests.acceptance.importing import contents, importing, run_import
from tests.fixtures.database import temporary_database

CHAT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "chat"
pytestmark = pytest.mark.skipif(not CHAT.is_dir(), reason="../shared/data/chat is not there")

EXPORTS = ["olake-export.zip", "houston-export.zip"]
HOUSEKEEPING = {
    "bot_add", "bot_remove", "channel_archive", "channel_join", "channel_leave", "channel_name",
    "channel_purpose", "channel_topic", "pinned_item",
}  # fmt: skip
# Moments to be killed at: small exports are but one or two transactions.
BEGUN = ("select count(*) from channels", "select count(*) from people", "select count(*) from messages")


def in_archive(name: str) -> tuple[Counter[str], set[tuple[str, str]], int]:
    """What one finds by hand: messages by subtype, `(channel, ts)` of those worth keeping, reactions."""
    subtypes: Counter[str] = Counter()
    keys: set[tuple[str, str]] = set()
    reactions = 0
    with zipfile.ZipFile(CHAT / name) as archive:
        ids = {channel["name"]: channel["id"] for channel in json.loads(archive.read("channels.json"))}
        for day in archive.namelist():
            folder, slash, file = day.partition("/")
            if not slash or not file.endswith(".json"):
                continue
            for message in json.loads(archive.read(day)):
                subtypes[message.get("subtype", "")] += 1
                if message.get("subtype") not in HOUSEKEEPING:
                    keys.add((ids[folder], message["ts"]))
                    reactions += sum(len(r["users"]) for r in message.get("reactions", ()))
    return subtypes, keys, reactions


@pytest.mark.parametrize("name", EXPORTS)
async def test_an_export_is_imported_whole_and_a_second_import_changes_nothing(
    name: str, conninfo: str, tmp_path: Path
) -> None:
    first = await run_import(CHAT / name, conninfo, tmp_path)
    assert first.status == 0, first.err
    after_first = await contents(conninfo)
    subtypes, keys, reactions = in_archive(name)
    assert {(row["channel_id"], row["ts"]) for row in after_first["messages"]} == keys
    assert len(after_first["reactions"]) == reactions
    assert first.report["read"] == subtypes.total()
    assert first.report["stored"] == len(keys)
    assert first.report["skipped"].get("housekeeping", 0) == sum(subtypes[s] for s in HOUSEKEEPING)
    assert first.report["problems"] == []
    assert after_first["jobs"] == []

    second = await run_import(CHAT / name, conninfo, tmp_path)
    assert second.status == 0, second.err
    assert second.report["resumed"] == first.report["files"]
    assert second.report["files"] == second.report["stored"] == second.report["read"] == 0
    assert await contents(conninfo) == after_first

    await rows(conninfo, "delete from import_progress returning 1")  # as if it had another archive's name
    third = await run_import(CHAT / name, conninfo, tmp_path)
    assert third.report["resumed"] == third.report["stored"] == 0
    assert third.report["read"] == first.report["read"]
    after_third = await contents(conninfo)
    del after_third["import_progress"], after_first["import_progress"]  # it counts what that run stored
    assert after_third == after_first


@asynccontextmanager
async def other_database(server: str, template: str) -> AsyncIterator[str]:
    with temporary_database(server, template) as conninfo:
        yield conninfo


@pytest.mark.parametrize("name", EXPORTS)
async def test_an_import_killed_midway_and_started_again_ends_in_the_same_state(
    name: str, conninfo: str, database_server: str, database_template: str, tmp_path: Path
) -> None:
    for begun in BEGUN:
        async with importing(CHAT / name, conninfo, tmp_path) as process:

            async def under_way(begun: str = begun) -> bool:
                return process.returncode is not None or bool((await rows(conninfo, begun))[0][0])

            await eventually(under_way, what=begun)
            if process.returncode is None:
                process.kill()
    last = await run_import(CHAT / name, conninfo, tmp_path)
    assert last.status == 0, last.err
    async with other_database(database_server, database_template) as fresh:
        await run_import(CHAT / name, fresh, tmp_path)
        whole, pieces = await contents(fresh), await contents(conninfo)
    del whole["import_progress"], pieces["import_progress"]
    assert pieces == whole
