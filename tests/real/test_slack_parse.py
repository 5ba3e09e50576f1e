"""Nine days of a real workspace's events, through the parser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.domain.events import Ignored, MessageDeleted, MessagePosted
from ratchet.slack.parse import Identity, parse_envelope

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "chat" / "clojurians-events"
ME = Identity("U0RATCHET", "B0RATCHET", "A0RATCHET", "T1")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the recorded events in {DATA}")


def rows(name: str) -> Iterator[dict[str, Any]]:
    with (DATA / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def state() -> tuple[dict[tuple[str, str], MessagePosted], set[str]]:
    """What is left after edits and deletes; and why events were ignored. An edit alone creates nothing."""
    kept: dict[tuple[str, str], MessagePosted] = {}
    reasons = set()
    for number, event in enumerate(rows("events.jsonl")):
        raw = {"type": "events_api", "envelope_id": str(number), "payload": {"event": event}}
        match parse_envelope(raw, ME).event:
            case MessagePosted() as message:
                key = message.channel_id, message.ts
                if not message.change or key in kept:
                    kept[key] = message
            case MessageDeleted(channel_id, ts):
                kept.pop((channel_id, ts), None)
            case Ignored(reason):
                reasons.add(reason)
    return kept, reasons


def test_the_messages_kept_are_those_of_the_final_state_with_their_texts_and_threads() -> None:
    kept, reasons = state()
    final = {
        (row["channel"], row["ts"]): (row["text"], row["thread_ts"]) for row in rows("messages_final.jsonl")
    }
    assert {
        key: (message.payload.get("text") or "", message.parent_ts) for key, message in kept.items()
    } == final
    assert reasons == {"housekeeping", "thread bookkeeping"}


def test_people_and_bots_are_told_apart_as_in_the_final_state() -> None:
    kept, _ = state()
    bots = {(row["channel"], row["ts"]): row["is_bot"] for row in rows("messages_final.jsonl")}
    assert {key: message.sender.kind == "bot" for key, message in kept.items()} == bots
