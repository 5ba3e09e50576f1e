"""How often a page would be quoted unasked without a model, and how often rightly, on a labelled set."""

from __future__ import annotations

import csv
import gzip
import json
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ratchet.documents.base import File
from ratchet.documents.parse import document
from ratchet.handlers.unasked import SURE
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.store.chunk_vectors import embedded_text

SETS = Path(__file__).parents[3] / "shared" / "data" / "retrieval"
FAQ = SETS / "datatalks_faq"
QUESTIONS = 100


def lines(path: Path) -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.decode("utf-8").splitlines()]


async def test_a_page_is_quoted_rightly_and_not_under_questions_about_something_else() -> None:
    if not FAQ.is_dir():
        pytest.skip("needs ../shared/data/retrieval/datatalks_faq")
    import numpy as np  # noqa: PLC0415  # heavy

    rows = list(csv.reader((FAQ / "qrels.dev.tsv").read_text("utf-8").splitlines(), delimiter="\t"))[1:]
    right = {(query, entry) for query, entry, _ in rows}
    known = {query for query, _ in right}
    asked = [one for one in lines(FAQ / "queries.dev.jsonl") if one["id"] in known]
    asked = random.Random(7).sample(asked, QUESTIONS)
    others = [one["text"] for one in lines(SETS / "aws_docs_small" / "queries.jsonl")[:QUESTIONS]]
    texts, entries = [], []
    for entry in lines(FAQ / "corpus.jsonl.gz"):
        found = document(File("x.md", "x", f"# {entry['title']}\n\n{entry['text']}"), "")
        texts += [embedded_text(found.title, chunk.heading, chunk.text) for chunk in found.chunks]
        entries += [entry["id"]] * len(found.chunks)
    with closing(LocalEmbedder()) as embedder:
        pages = np.array(await embedder.embed(texts))
        near = np.array(await embedder.embed([one["text"] for one in asked])) @ pages.T
        far = np.array(await embedder.embed(others)) @ pages.T
    spoken = [n for n in range(len(asked)) if near[n].max() >= SURE]
    good = [n for n in spoken if (asked[n]["id"], entries[int(near[n].argmax())]) in right]
    assert len(spoken) >= 0.5 * QUESTIONS
    assert len(good) >= 0.8 * len(spoken)
    assert (far.max(axis=1) >= SURE).mean() <= 0.03
