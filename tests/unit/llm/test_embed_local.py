"""The bundled embedding model."""

from __future__ import annotations

import asyncio
import importlib.util
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.llm.embed_local import DIMENSION, GROUP_TOKENS, WEIGHTS, LocalEmbedder, grouped, mostly_latin
from ratchet.llm.onnx_graph import fields, in_int8, varint


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_texts_of_one_meaning_are_near_each_other() -> None:
    embedder = LocalEmbedder()
    try:
        texts = [
            "How do I roll back a release?",
            "undo the deployment",
            "The cat sat on the mat.",
            "",
            "word " * 3_000,
        ]
        vectors = await embedder.embed(texts)
        assert [len(vector) for vector in vectors] == [DIMENSION] * len(texts)
        assert all(math.isclose(dot(vector, vector), 1, abs_tol=1e-3) for vector in vectors)
        assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2]) + 0.2
        # Alone or in company, now or later: the same.
        again, other = await asyncio.gather(embedder.embed(texts[:1]), embedder.embed(texts[1:2]))
        assert dot(again[0], vectors[0]) > 0.99
        assert dot(other[0], vectors[1]) > 0.99
        assert await embedder.embed([]) == []
    finally:
        embedder.close()


@given(st.lists(st.integers(1, 300), max_size=60))
def test_groups_hold_every_text_once_and_stay_small(lengths: list[int]) -> None:
    groups = list(grouped(lengths))
    assert sorted(n for group in groups for n in group) == list(range(len(lengths)))
    assert all(len(g) == 1 or len(g) * max(lengths[n] for n in g) <= GROUP_TOKENS for g in groups)


def test_the_model_is_rewritten_and_stays_small() -> None:
    spec = importlib.util.find_spec(WEIGHTS[0])
    assert spec is not None
    assert spec.submodule_search_locations
    model = (Path(next(iter(spec.submodule_search_locations))) / WEIGHTS[1]).read_bytes()
    rewritten = in_int8(model)
    assert rewritten is not None
    assert len(rewritten) < len(model) + 100_000
    assert rewritten.count(b"DynamicQuantizeMatMul") == 36


@pytest.mark.parametrize("model", [b"", varint(8) + varint(9), b"\x3a\x00"])
def test_a_model_of_another_form_is_left_alone(model: bytes) -> None:
    assert in_int8(model) is None


@given(st.integers(0, 2**40))
def test_numbers_are_written_as_they_are_read(number: int) -> None:
    assert [value for _, _, value in fields(memoryview(varint(8) + varint(number)))] == [number]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("why does it time out", True),
        ("再起動したノード", False),
        ("pod を再起動した後のノード", False),
        ("42 !?", True),
        ("", True),
    ],
    ids=["english", "japanese", "mixed", "no-letters", "empty"],
)
def test_the_bundled_model_knows_what_it_can_read(text: str, known: bool) -> None:
    assert mostly_latin(text) is known
