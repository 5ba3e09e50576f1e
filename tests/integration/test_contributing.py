"""The examples of CONTRIBUTING.md, run as they stand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg.rows import class_row

from ratchet.alerts.keys import make_key
from ratchet.alerts.view import View
from ratchet.documents.base import File, Known, Listing, Read, Session
from ratchet.domain.effects import Effect, React
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Channel, Message, Sender
from ratchet.handlers.base import Trigger
from ratchet.llm.turn import Tool
from ratchet.store import messages
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from ratchet.tools.base import ToolDeps, WorkspaceLinks
from ratchet.tools.testing import MemoryRecord

PAGE: Final = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
# What an example's file would import.
IMPORTS: Final = {
    one.__name__: one
    for one in (
        AsyncIterator, Mapping, Sequence, asynccontextmanager, dataclass, field, datetime, sha1, class_row,
        make_key, View, File, Known, Listing, Session, Effect, React, Action, IncidentAction, Trigger, Database,
        ToolDeps,
    )
    if hasattr(one, "__name__")
} | {"Any": Any, "Final": Final, "Effect": Effect, "Read": Read, "re": re, "sha1": sha1}  # fmt: skip
OPS: Final = Channel("C0OPS", "ops")
LONGEST: Final = 30


def example(title: str) -> dict[str, Any]:
    """The names that an example defines."""
    section = PAGE.read_text("utf-8").partition(f"### {title}\n")[2]
    code = re.findall(r"(?ms)^```python\n(.*?)^```", section)[0]
    assert len(code.splitlines()) <= LONGEST
    names: dict[str, Any] = {**IMPORTS, "__name__": __name__}
    exec(compile(code, f"CONTRIBUTING.md, {title}", "exec"), names)
    return names


def said(ts: str, text: str, parent: str | None = None, who: str = "Bo") -> Message:
    return Message("C0OPS", ts, Sender("person", f"U0{who.upper()}", who), text, version=ts, parent_ts=parent)


ROOT: Final = said("1700000000.000100", "is the disk full?")
REPLY: Final = said("1700000001.000100", "not any more", ROOT.ts, "Ana")


async def test_a_tool() -> None:
    deps = ToolDeps(
        MemoryRecord([OPS], [ROOT, REPLY], []), WorkspaceLinks(""), lambda: datetime(2023, 11, 15, tzinfo=UTC)
    )
    tool = example("A tool of the assistant")["WhoWroteTool"](deps, "C0OPS")
    assert await tool.who_wrote("C0OPS", ROOT.ts) == ["Ana", "Bo"]
    assert Tool(tool.who_wrote).name == "who_wrote"


async def test_a_handler() -> None:
    handler = example("A handler")["Thanked"]()
    thanks = Trigger(said("1700000002.000100", "that was it, thanks <@U0ME>"), OPS, "U0ME")
    assert handler.wants(thanks)
    assert not handler.wants(Trigger(ROOT, OPS, "U0ME"))
    assert await handler.handle(thanks) == [React("C0OPS", "1700000002.000100", "heart")]


def test_an_alert_parser() -> None:
    parse = example("An alert parser")["parse"]
    down, up = (parse(View({"text": f"ACME {state}: checkout"})) for state in ("DOWN", "UP"))
    assert (down.action, up.action) == (Action.OPEN, Action.CLOSE)
    assert down.pair_key == up.pair_key
    assert parse(View({"text": "lunch?"})) is None


async def test_a_source() -> None:
    source = example("A source of documents")["Pasted"]("notes", {"a.md": "# A"})
    async with source.session(Known()) as session:
        listing = await session.list()
        read = await session.read("a.md")
    assert read == File("a.md", listing.files["a.md"], "# A")


async def test_a_query(database: Database) -> None:
    newest = example("A query")["newest"]
    await Channels(database).upsert(OPS)
    async with database.transaction() as conn:
        await messages.upsert(conn, [(ROOT, b""), (REPLY, b"")])
    assert [stamp.ts for stamp in await newest(database, "C0OPS", 1)] == [REPLY.ts]


def test_an_example_that_is_not_there_is_noticed() -> None:
    with pytest.raises(IndexError):
        example("A poem")
