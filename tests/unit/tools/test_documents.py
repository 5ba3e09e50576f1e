"""`docsearch` and `docread` on documents in memory."""

from __future__ import annotations

import pytest

from ratchet.domain.documents import StoredDocument
from ratchet.domain.errors import Refused
from ratchet.tools import builtin
from ratchet.tools.base import PUBLIC, ToolDeps, WorkspaceLinks
from ratchet.tools.docread import TEXT_CHARS, DocReadTool
from ratchet.tools.docsearch import PASSAGE_CHARS, DocSearchTool
from ratchet.tools.testing import MemoryDocuments, MemoryRecord
from tests.unit.tools.test_tools import NOW

TEXT = """---
title: Staging database
---
# Staging database

Ask for a ticket.

## Connect

Use port 6432.

### From DataGrip

The same port.

Reset
-----

`harborctl staging reset`
"""
ID = "https://git.example/acme/docs/blob/abc123/staging.md"
URL = "https://git.example/acme/docs/blob/main/staging.md"
PAGE = StoredDocument(ID, "handbook", "staging.md", "Staging database", URL, TEXT)
LONG = StoredDocument("handbook/long.md", "handbook", "long.md", "Long", "", "word\n" * 2000 + "x" * 50_000)
DOCUMENTS = MemoryDocuments([PAGE, LONG])
READ = DocReadTool(DOCUMENTS).docread


def test_with_documents_both_tools_are_in_the_list() -> None:
    deps = ToolDeps(MemoryRecord(), WorkspaceLinks("https://t.slack.com"), lambda: NOW, documents=DOCUMENTS)
    names = [tool.name for tool in builtin(deps, PUBLIC)]
    assert names[:2] == ["docsearch", "docread"]


async def test_a_search_gives_whole_documents_with_address_and_passages() -> None:
    found = await DocSearchTool(DOCUMENTS).docsearch("staging database port")
    [page] = [one for one in found.documents if one.id == ID]
    assert (page.title, page.permalink) == ("Staging database", URL)
    assert "port 6432" in page.passages[0].text
    assert not found.note


async def test_a_long_passage_is_cut_and_no_result_says_what_to_do() -> None:
    found = await DocSearchTool(DOCUMENTS).docsearch("word")
    assert len(found.documents[0].passages[0].text) < PASSAGE_CHARS + 100
    assert "Try other" in (await DocSearchTool(DOCUMENTS).docsearch("trombone")).note


@pytest.mark.parametrize("name", [ID, URL], ids=["identifier", "address"])
async def test_a_document_is_read_whole_with_its_headings(name: str) -> None:
    found = await READ(name)
    assert found.text == TEXT.rstrip("\n")
    assert (found.first_line, found.last_line, found.lines) == (1, 19, 19)
    assert found.headings == ("# Staging database", "## Connect", "### From DataGrip", "## Reset")


async def test_a_heading_gives_its_section_with_those_below_it() -> None:
    found = await READ(ID, heading="Staging database › connect")
    assert found.text.splitlines()[0] == "## Connect"
    assert "From DataGrip" in found.text
    assert "Reset" not in found.text


async def test_the_last_section_goes_to_the_end() -> None:
    assert (await READ(ID, heading="Reset")).text.endswith("`harborctl staging reset`")


async def test_a_range_of_lines_says_where_it_goes_on() -> None:
    found = await READ(ID, first_line=8, lines=3)
    assert found.text == "## Connect\n\nUse port 6432."
    assert found.note == "It goes on: read on with first_line=11."


async def test_a_large_document_is_bounded_and_can_be_read_to_its_end() -> None:
    seen, line = 0, 1
    while True:
        part = await READ(LONG.id, first_line=line, lines=400)
        assert len(part.text) <= TEXT_CHARS
        seen += part.last_line - part.first_line + 1
        line = part.last_line + 1
        if line > part.lines:
            break
    assert seen == 2001


@pytest.mark.parametrize(
    ("name", "heading", "line", "words"),
    [
        ("nope.md", None, 1, "no document 'nope.md'"),
        (ID, "Trombone", 1, "There are: Staging database; Connect"),
        (ID, None, 99, "ends with line 19"),
    ],
    ids=["document", "heading", "line"],
)
async def test_what_is_not_there_is_refused_with_what_is(
    name: str, heading: str | None, line: int, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await READ(name, heading, line)
