"""`GET /api/search`: kinds, filters, and questions of any kind."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.documents.base import File
from ratchet.documents.parse import document
from ratchet.store.documents import Documents
from ratchet.store.pool import Database
from tests.integration.web.support import OPS, client, fill, stamp

PAGE = "# Cold caches\n\nWarm the cache with `cache warm`."
ODD = [
    "x" * 10_000,
    "word " * 2_000,
    "!?;:() -- /* */",
    "'; drop table messages; --",
    "a & b | !c <-> d :* 'x",
    "(((",
    "\\",
    "😀" * 2_000,
    "%s %(q)s {} $1",
    "再起動" * 1_500,
]


async def found(api: httpx.AsyncClient, **parameters: str) -> tuple[list[str], list[str]]:
    answer = await api.get("/api/search", params=parameters)
    assert answer.status_code == 200, answer.text
    values = answer.json()
    return [hit["ts"] for hit in values["hits"]], [hit["title"] for hit in values["documents"]]


async def test_messages_documents_or_both(database: Database) -> None:
    await fill(database)
    documents = Documents(database)
    await documents.begin("wiki", "directory")
    await documents.put("wiki", document(File("cold.md", "1", PAGE)))
    async with client(database) as api:
        assert await found(api, q="cold cache") == ([stamp(10)], [])
        assert await found(api, q="cold cache", kind="docs") == ([], ["Cold caches"])
        assert await found(api, q="cold cache", kind="all") == ([stamp(10)], ["Cold caches"])
        assert (await api.get("/api/search", params={"q": "x", "kind": "other"})).status_code == 422


async def test_filters_narrow_the_messages(database: Database) -> None:
    await fill(database)
    async with client(database) as api:
        assert (await found(api, q="cache intruder"))[0] != []
        assert (await found(api, q="cache intruder", channels="ops"))[0] == [stamp(10)]
        assert (await found(api, q="cache", since="2024-01-01"))[0] == []
        assert (await found(api, q="cache", until="2023-11-01"))[0] == []
        assert (await api.get("/api/search", params={"q": "x", "from": "nobody"})).status_code == 404


@pytest.mark.parametrize("number", range(len(ODD)))
async def test_any_text_is_a_question(database: Database, number: int) -> None:
    await fill(database)
    async with client(database) as api:
        answer = await api.get("/api/search", params={"q": ODD[number], "kind": "all", "channels": OPS})
    assert answer.status_code == 200


async def test_a_nul_is_refused(database: Database) -> None:
    async with client(database) as api:
        answer = await api.get("/api/search", params={"q": "a\0b"})
    assert answer.status_code == 400


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_text_makes_it_fail(database: Database, text: str) -> None:
    async with client(database) as api:
        answer = await api.get("/api/search", params={"q": text, "kind": "all"})
    assert answer.status_code == 200
