"""The shortcut "Update docs", and proposals under an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ratchet.domain.effects import AskApproval, DirectMessage, Effect, OpenPull, Reply
from ratchet.domain.errors import Refused, Transient
from ratchet.domain.messages import Channel
from ratchet.domain.proposals import from_json
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.update_docs import NO_ANSWER, NO_MODEL, NO_PAGE, UpdateDocs, Wanted
from ratchet.llm.budget import Usage
from ratchet.llm.turn import ToolResult, Turn, TurnResult
from ratchet.tools.docupdate import FileChange, SearchReplace
from ratchet.tools.testing import MemoryDocuments
from tests.unit.handlers.talking import HELP, LINKS, QUESTION, at, heard, person, record
from tests.unit.tools.test_docupdate import PAGE, WIKI, MemoryDesk

ROOT = person(at(-300), "How do I reach the staging database? Port 5432 is refused", "Ana")
ANSWER = person(at(-200), "The staging port is 6432 since May", "Bo", parent=ROOT.ts)
DOCUMENTS = MemoryDocuments([PAGE, WIKI])
PORT = FileChange(PAGE.id, (SearchReplace("5432", "6432"),))


@dataclass
class ProposingRunner:
    """Calls `docupdate` with these files, if any, and says its text."""

    text: str
    files: Sequence[FileChange] = ()
    error: Exception | None = None
    model: str = "scripted"
    turn: Turn | None = None

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.turn = turn
        if self.error is not None:
            raise self.error
        results = [ToolResult("docsearch", {}, {"documents": [{"permalink": PAGE.url, "title": PAGE.title}]})]
        for tool in turn.tools:
            if tool.name == "docupdate" and self.files:
                await tool.run("The port is 6432", "Ana says so.", list(self.files))
        return TurnResult(self.text, self.model, Usage(2, 1, 9, 9), tuple(results))


async def used(runner: ProposingRunner | None, channel: Channel = HELP, **changes: Any) -> list[Effect]:
    handler = UpdateDocs(record(ROOT, ANSWER), LINKS, DOCUMENTS, MemoryDesk(), runner)
    # Events bring no names; the record does.
    message = replace(ROOT, sender=replace(ROOT.sender, name=""))
    return list(await replace(handler, **changes).propose(Wanted(message, channel, "U0CY")))


async def test_a_thread_becomes_a_diff_with_buttons_for_whoever_asked() -> None:
    runner = ProposingRunner(f"I propose the new port for [Staging]({PAGE.url}).", [PORT])
    said, question = await used(runner)
    assert isinstance(said, Reply)
    assert PAGE.url in said.markdown
    assert isinstance(question, AskApproval)
    assert question.thread_ts == ROOT.ts
    assert question.asked_by == "U0CY"
    assert question.source == (HELP.id, ROOT.ts)
    assert "```diff\n--- a/staging.md\n+++ b/staging.md" in question.markdown
    assert "⚠️" not in question.markdown
    [effect] = question.effects
    assert isinstance(effect, OpenPull)
    assert effect.link == LINKS(HELP.id, ROOT.ts)
    assert from_json(effect.change).why == "someone says so."


async def test_the_thread_is_data_and_the_task_is_fixed() -> None:
    runner = ProposingRunner("Nothing.")
    await used(runner)
    assert runner.turn is not None
    assert [tool.name for tool in runner.turn.tools] == ["docsearch", "docread", "docupdate"]
    assert '<data source="thread">' in runner.turn.prompt
    assert "Port 5432 is refused" in runner.turn.prompt
    assert runner.turn.prompt.rstrip().endswith("</question>")


async def test_already_documented_is_an_answer_without_buttons() -> None:
    [said] = await used(ProposingRunner(f"Already documented in [Staging]({PAGE.url})."))
    assert isinstance(said, Reply)
    assert said.markdown == f"Already documented in [Staging]({PAGE.url})."


async def test_links_that_no_tool_gave_are_taken_out() -> None:
    [said] = await used(ProposingRunner("Already documented in [x](https://evil.example)."))
    assert isinstance(said, Reply)
    assert "evil" not in said.markdown


async def test_a_private_thread_is_warned_about() -> None:
    _, question = await used(ProposingRunner("Here.", [PORT]), replace(HELP, kind="private"))
    assert isinstance(question, AskApproval)
    assert "⚠️ This thread is not public" in question.markdown


async def test_a_source_without_pull_requests_gets_the_diff_without_buttons() -> None:
    lunch = FileChange(WIKI.id, (SearchReplace("noon", "one"),))
    _, shown = await used(ProposingRunner("Here.", [lunch]))
    assert isinstance(shown, Reply)
    assert "wiki is a directory." in shown.markdown
    assert "+Lunch is at one." in shown.markdown


async def test_a_fence_in_a_page_does_not_end_the_diff() -> None:
    fenced = FileChange(PAGE.id, (SearchReplace("Use port 5432.", "```\nport 6432\n```\n"),))
    _, question = await used(ProposingRunner("Here.", [fenced]))
    assert isinstance(question, AskApproval)
    assert "\n````diff\n" in question.markdown
    assert question.markdown.endswith("\n````")


async def test_without_a_model_the_nearest_page_is_named_and_what_is_missing() -> None:
    [said] = await used(None)
    assert isinstance(said, Reply)
    assert said.markdown == (
        f"The page that comes closest to this thread is [Staging]({PAGE.url}). {NO_MODEL}"
    )


async def test_without_a_page_that_is_said_too() -> None:
    [said] = await used(None, documents=MemoryDocuments())
    assert isinstance(said, Reply)
    assert said.markdown == f"{NO_PAGE} {NO_MODEL}"


@pytest.mark.parametrize("error", [Transient("away"), Refused("too much")], ids=["away", "refused"])
async def test_a_model_that_does_not_answer_leaves_the_nearest_page(error: Exception) -> None:
    [said] = await used(ProposingRunner("", error=error))
    assert isinstance(said, Reply)
    assert said.markdown.endswith(NO_ANSWER)


async def test_a_busy_model_is_waited_for() -> None:
    with pytest.raises(Transient):
        await used(ProposingRunner("", error=Transient("busy", retry_after=3)))


async def test_where_it_may_not_speak_only_who_asked_hears() -> None:
    [said] = await used(ProposingRunner("x"), replace(HELP, mode="off"))
    assert isinstance(said, DirectMessage)
    assert said.user_id == "U0CY"


async def test_without_sources_it_says_so() -> None:
    [said] = await used(ProposingRunner("x"), documents=None)
    assert isinstance(said, Reply)
    assert "RATCHET_DOCUMENTATION" in said.markdown


async def test_the_assistant_puts_what_it_proposes_under_its_answer() -> None:
    runner = ProposingRunner(f"I propose it for [Staging]({PAGE.url}).", [PORT])
    assistant = Assistant(record(QUESTION), LINKS, runner, documents=DOCUMENTS, desk=MemoryDesk())
    said, question = await assistant.handle(heard())
    assert isinstance(said, Reply)
    assert isinstance(question, AskApproval)
    assert question.asked_by == QUESTION.sender.id


async def test_unasked_nothing_is_proposed() -> None:
    runner = ProposingRunner("x", [PORT])
    assistant = Assistant(record(QUESTION), LINKS, runner, documents=DOCUMENTS, desk=MemoryDesk())
    await replace(assistant, desk=None).handle(heard())
    assert runner.turn is not None
    assert "docupdate" not in [tool.name for tool in runner.turn.tools]
