"""`ratchet import` as a person runs it, and the whole of what it leaves in a database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.acceptance.harness import rows

# Everything but the moments at which rows were written.
TABLES: Final = {
    "messages": "select to_jsonb(m) from messages m order by channel_id, ts",
    "reactions": "select to_jsonb(r) from reactions r order by channel_id, ts, reaction, user_id",
    "incident_events": "select to_jsonb(e) from incident_events e order by channel_id, ts, version",
    "incidents": "select to_jsonb(i) from incidents i order by channel_id, open_ts, pair_key",
    "channels": "select to_jsonb(c) from channels c order by id",
    "people": "select to_jsonb(p) - 'updated_at' from people p order by id",
    "import_progress": "select to_jsonb(i) - 'imported_at' from import_progress i order by archive, path",
    "tombstones": "select to_jsonb(t) from tombstones t order by channel_id, ts",
    "parked_edits": "select to_jsonb(p) - 'parked_at' from parked_edits p order by channel_id, ts, version",
    "jobs": "select to_jsonb(j) -> 'entrypoint' from jobs j",
}


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


async def start_import(archive: Path, conninfo: str, home: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ratchet",
        "import",
        str(archive),
        *options,
        env={"PATH": os.defpath, "HOME": str(home), "RATCHET_DATABASE_URL": conninfo, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
    )


@asynccontextmanager
async def importing(archive: Path, conninfo: str, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """An import under way; killed when the block ends before it does."""
    process = await start_import(archive, conninfo, home, "--json")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        async with asyncio.timeout(20):
            await process.communicate()


async def run_import(archive: Path, conninfo: str, home: Path, *options: str) -> Ended:
    process = await start_import(archive, conninfo, home, *(options or ("--json",)))
    async with asyncio.timeout(300):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def contents(conninfo: str) -> dict[str, list[Any]]:
    """Every table an import can touch, row by row."""
    return {name: [row[0] for row in await rows(conninfo, query)] for name, query in TABLES.items()}
