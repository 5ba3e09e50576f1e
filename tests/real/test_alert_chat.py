"""Real chat, of people and of bots that are no alerting tools: nothing of it is an incident."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.alerts import classify, flatten
from ratchet.domain.incidents import Action

CHAT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "chat"

pytestmark = pytest.mark.skipif(not CHAT.is_dir(), reason=f"the chat archives are not at {CHAT}")


def lines(name: str) -> Iterator[dict[str, Any]]:
    for line in (CHAT / name).read_text().splitlines():
        yield json.loads(line)


def exported(name: str) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(CHAT / name) as archive:
        for member in archive.namelist():
            if member.endswith(".json") and "/" in member:
                found = json.loads(archive.read(member))
                yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def everything() -> list[dict[str, Any]]:
    return [
        *lines("clojurians-events/events.jsonl"),
        *lines("clojurians-events/messages_final.jsonl"),
        *lines("haskell-jp-5000.jsonl"),
        *exported("olake-export.zip"),
        *exported("houston-export.zip"),
    ]


def test_no_message_of_25000_opens_or_closes_anything() -> None:
    messages = everything()
    assert len(messages) > 25_000
    assert [one for one in messages if classify(one).action is not Action.NONE] == []


def test_the_same_words_from_a_bot_hardly_ever_do() -> None:
    spoken = [one["text"] for one in everything() if isinstance(one.get("text"), str)]
    taken = {text for text in spoken if classify({"bot_id": "B1", "text": text}).action is not Action.NONE}
    assert len(taken) <= 5, taken


def test_flattening_keeps_the_words_and_adds_nothing_that_postgresql_refuses() -> None:
    for message in everything():
        text = flatten(message)
        assert "\x00" not in text
        text.encode()
        if str(message.get("text") or "").strip():
            assert text
