"""Text that is not English: a part of a real message finds it, in a workspace that writes Japanese."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from ratchet.domain.messages import Channel, Message, Sender
from ratchet.jobs.base import Done
from ratchet.llm.embed_local import LocalEmbedder, LocalQuestions
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.work import EmbedJob
from ratchet.store import messages
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from ratchet.store.search import Search
from tests.integration.documents.support import CONTEXT

CHAT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "chat" / "haskell-jp-5000.jsonl"
CHANNEL: Final = "C0REAL"
ROWS: Final = 400
ASKED: Final = 40
RUN: Final = re.compile(r"[぀-ヿ一-鿿]{10,}")

pytestmark = pytest.mark.skipif(not CHAT.is_file(), reason=f"needs the chat in {CHAT}")


async def test_a_part_of_a_japanese_message_finds_it(database: Database) -> None:
    lines = CHAT.read_text("utf-8").splitlines()
    texts = [text for line in lines if (text := json.loads(line).get("text"))][:ROWS]
    stored = [
        Message(CHANNEL, ts := f"{1_500_000_000 + 60 * at}.000000", Sender("person", "U0"), text, ts)
        for at, text in enumerate(texts)
    ]
    await Channels(database).upsert(Channel(CHANNEL, "real"))
    async with database.transaction() as conn:
        await messages.upsert(conn, [(message, b"") for message in stored])
    parts = {m.ts: run[0][2:10] for m in stored if (run := RUN.search(m.text))}
    asked = dict(list(parts.items())[:ASKED])
    with closing(LocalEmbedder()) as embedder:
        assert await Embed(database, embedder).run(EmbedJob(), CONTEXT) == Done()
        by_words = await found(Search(database), asked)
        by_both = await found(Search(database, LocalQuestions(embedder)), asked)
    print(f"\n{len(asked)} parts: first by words {by_words:.2f}, by both {by_both:.2f}")  # noqa: T201  the figure
    assert by_words >= 0.9
    assert by_both >= 0.9


async def found(search: Search, asked: dict[str, str]) -> float:
    """The share of messages that stand first for a part of them."""
    first = [[hit.ref.ts for hit in await search.messages(part, None, limit=1)] for part in asked.values()]
    return sum(hits == [ts] for hits, ts in zip(first, asked, strict=True)) / len(asked)
