"""Answers that rest on documents: quoted without a model, counted as sources with one."""

from __future__ import annotations

from dataclasses import replace

from ratchet.domain.documents import StoredDocument
from ratchet.domain.effects import Reply
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.grounding import SOURCES, Grounding, Grounds
from ratchet.handlers.pages import quoted_page, worth_citing
from ratchet.llm.turn import ToolResult
from ratchet.tools.testing import MemoryDocuments
from tests.unit.handlers.talking import FIX_LINK, HELP, LINKS, QUESTION, heard, record

URL = "https://git.example/acme/docs/blob/main/upload.md"
PAGE = StoredDocument(
    "https://git.example/acme/docs/blob/abc/upload.md",
    "handbook",
    "upload.md",
    "Nightly upload",
    URL,
    "The upload fails every night when the bucket is full.\n\nSee [the other page](../other.md) and run"
    " `bucketctl prune`.",
)
OTHER = replace(PAGE, id="handbook/lunch.md", url="", title="Lunch", text="Lunch is at noon every day.")
ASK = "why does the upload fail every night?"
OWN = frozenset({"docsearch"})


async def test_without_a_model_pages_are_quoted_with_their_links_beside_messages() -> None:
    assistant = Assistant(record(QUESTION), LINKS, documents=MemoryDocuments([PAGE, OTHER]))
    [reply] = await assistant.handle(heard())
    assert isinstance(reply, Reply)
    assert "> The upload fails every night when the bucket is full.\n" in reply.markdown
    assert f"— [Nightly upload]({URL})" in reply.markdown
    assert FIX_LINK in reply.markdown
    assert "Lunch" not in reply.markdown


async def test_a_page_that_shares_one_common_word_is_not_quoted() -> None:
    hits = await MemoryDocuments([OTHER]).find(ASK)
    assert hits
    assert worth_citing(hits, ASK) == []


async def test_a_quote_brings_no_link_of_the_page_along() -> None:
    [hit] = await MemoryDocuments([PAGE]).find(ASK)
    assert "](../other.md)" not in quoted_page(hit, "other page prune")


async def test_a_page_that_nobody_can_open_is_named() -> None:
    [hit] = await MemoryDocuments([OTHER]).find("lunch at noon")
    assert quoted_page(hit, "lunch").endswith("— Lunch (handbook/lunch.md)")


async def grounded(answer: str, *results: ToolResult) -> str:
    reader = record(QUESTION)
    grounding = Grounding(reader, LINKS, documents=MemoryDocuments([PAGE, OTHER]))
    reply = Reply(HELP.id, QUESTION.ts, answer)
    return (await grounding.grounded(reply, Grounds(QUESTION, ASK, [QUESTION], results, OWN))).markdown


def found(page: StoredDocument) -> ToolResult:
    passages = [{"heading": "", "text": page.text}]
    document = {"id": page.id, "title": page.title, "permalink": page.url, "passages": passages}
    return ToolResult("docsearch", {}, {"documents": [document]})


async def test_an_answer_that_links_a_page_stands() -> None:
    answer = f"Run `bucketctl prune` ([Nightly upload]({URL}))."
    assert await grounded(answer, found(PAGE)) == answer


async def test_an_answer_from_a_page_without_its_link_gets_it() -> None:
    text = await grounded("Run `bucketctl prune`: the bucket is full.", found(PAGE))
    assert SOURCES in text
    assert f"— [Nightly upload]({URL})" in text


async def test_a_page_without_an_address_is_named_as_the_source() -> None:
    text = await grounded("Lunch is at noon every day.", found(OTHER))
    assert SOURCES in text
    assert "— Lunch" in text
