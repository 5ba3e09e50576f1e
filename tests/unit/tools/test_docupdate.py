"""`docupdate`: what is proposed, what is refused, and what is taken out before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ratchet.domain.documents import StoredDocument
from ratchet.domain.errors import Refused
from ratchet.domain.proposals import CurrentFile, Edit, from_json, to_json
from ratchet.tools.docupdate import MAX_DIFF_CHARS, DocUpdateTool, FileChange, SearchReplace
from ratchet.tools.proposals import Proposal, Proposals
from ratchet.tools.testing import MemoryDocuments

TEXT = "# Staging\n\nUse port 5432.\n\nOwner: platform@example.com\n"
PAGE = StoredDocument("hub/staging.md", "hub", "staging.md", "Staging", "https://git.example/s", TEXT)
WIKI = StoredDocument("wiki/lunch.md", "wiki", "lunch.md", "Lunch", "", "Lunch is at noon.\n")
PORT = FileChange(PAGE.id, (SearchReplace("Use port 5432.", "Use port 6432."),))


@dataclass
class MemoryDesk:
    """A source `hub` that takes pull requests, and a directory `wiki` that does not."""

    files: dict[str, str] = field(default_factory=lambda: {"staging.md": TEXT})
    asked: list[Any] = field(default_factory=list)

    def refusal(self, source: str) -> str | None:
        return None if source == "hub" else f"{source} is a directory."

    def sources(self) -> Sequence[str]:
        return ["hub"]

    async def current(self, source: str, path: str, thread: tuple[str, str]) -> CurrentFile | None:
        self.asked.append((source, path, thread))
        text = self.files.get(path)
        return None if text is None else CurrentFile(text, f"blob of {len(text)}")


async def propose(*files: FileChange, desk: MemoryDesk | None = None, why: str = "Ana found it.") -> Proposal:
    proposals = Proposals(desk or MemoryDesk(), ("C0HELP", "1.0"), ("Ana",))
    tool = DocUpdateTool(MemoryDocuments([PAGE, WIKI]), proposals)
    result = await tool.docupdate("The port is 6432", why, list(files))
    [proposal] = proposals.made.values()
    assert list(result.files) == [one.path for one in proposal.change.files]
    return proposal


async def test_an_edit_is_made_to_the_page_as_it_stands_now_and_shown_as_a_diff() -> None:
    desk = MemoryDesk({"staging.md": "A new line.\n" + TEXT})
    proposal = await propose(PORT, desk=desk)
    assert desk.asked == [("hub", "staging.md", ("C0HELP", "1.0"))]
    assert "-Use port 5432.\n+Use port 6432." in proposal.diff
    assert " A new line." in proposal.diff
    [edited] = proposal.change.files
    assert edited.edits == (Edit("Use port 5432.", "Use port 6432."),)
    assert edited.blob == f"blob of {len(TEXT) + 12}"
    assert edited.shown == ("-Use port 5432.", "+Use port 6432.")
    assert from_json(to_json(proposal.change)) == proposal.change


async def test_several_files_and_a_new_page_are_one_change() -> None:
    new = FileChange("hub/how-to/datagrip.md", (), "# DataGrip\n\nUse port 6432.")
    proposal = await propose(PORT, new)
    assert [one.path for one in proposal.change.files] == ["staging.md", "how-to/datagrip.md"]
    assert proposal.change.files[1].content == "# DataGrip\n\nUse port 6432.\n"
    assert "--- /dev/null\n+++ b/how-to/datagrip.md" in proposal.diff


async def test_people_and_secrets_are_taken_out_and_what_the_page_says_stays() -> None:
    words = "Owner: platform@example.com; ask Ana <@U0ANA1234> at ana@example.com, +49 30 1234567\n"
    edit = SearchReplace("Owner: platform@example.com", words)
    proposal = await propose(FileChange(PAGE.id, (edit,)), why="Ana said so: xoxb-123456789012-abcdefghijkl")
    [edited] = proposal.change.files
    assert edited.edits[0].replace == (
        "Owner: platform@example.com; ask someone someone at (e-mail address), (phone number)\n"
    )
    assert "Ana" not in proposal.change.why
    assert "xoxb-1" not in proposal.change.why
    assert proposal.taken == ("e-mail addresses", "names of people", "phone numbers", "secrets")


async def test_where_no_pull_request_can_be_opened_the_diff_is_offered_and_the_model_told() -> None:
    edit = SearchReplace("at noon", "at one")
    proposals = Proposals(MemoryDesk(), ("C0HELP", "1.0"))
    tool = DocUpdateTool(MemoryDocuments([PAGE, WIKI]), proposals)
    result = await tool.docupdate("Lunch", "It moved.", [FileChange(WIKI.id, (edit,))])
    assert "cannot open a pull request" in result.note
    assert proposals.made["wiki"].refusal == "wiki is a directory."
    assert "+Lunch is at one." in proposals.made["wiki"].diff


async def test_a_page_of_a_website_has_no_path_to_be_written_and_is_shown_all_the_same() -> None:
    page = replace(WIKI, id="wiki/lunch", path="lunch")
    proposals = Proposals(MemoryDesk(), ("C0HELP", "1.0"))
    edit = SearchReplace("at noon", "at one")
    await DocUpdateTool(MemoryDocuments([page]), proposals).docupdate(
        "Lunch", "It moved.", [FileChange(page.id, (edit,))]
    )
    assert "+Lunch is at one." in proposals.made["wiki"].diff


async def test_of_one_source_the_last_word_counts() -> None:
    proposals = Proposals(MemoryDesk(), ("C0HELP", "1.0"))
    tool = DocUpdateTool(MemoryDocuments([PAGE]), proposals)
    for port in ("6432", "7432"):
        edit = SearchReplace("5432", port)
        await tool.docupdate("The port", "It changed.", [FileChange(PAGE.id, (edit,))])
    assert "7432" in proposals.made["hub"].diff
    assert len(proposals.made) == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([FileChange("hub/nope.md", (SearchReplace("a", "b"),))], "no document"),
        ([FileChange(PAGE.id, (SearchReplace("port 9", "b"),))], "staging.md: Edit 1 fits nowhere"),
        ([FileChange(PAGE.id)], "give edits"),
        ([FileChange(PAGE.id, (), "whole new text")], "exists already"),
        ([FileChange("hub/.github/workflows/x.md", (), "text")], "hidden"),
        ([FileChange("hub/../x.md", (), "text")], r"no `\.\.`"),
        ([FileChange("hub/x.yml", (), "text")], "only texts"),
        ([FileChange("wiki/new.md", (), "text")], "New pages can be proposed in: hub"),
        ([FileChange("nowhere/new.md", (), "text")], "takes no new page"),
        ([PORT, FileChange("wiki/lunch.md", (SearchReplace("noon", "one"),))], "one source"),
        ([PORT, PORT], "twice"),
        ([FileChange("hub/empty.md", (), " \n ")], "empty"),
        ([FileChange("hub/big.md", (), "x\n" * MAX_DIFF_CHARS)], "more than anybody reads"),
    ],
    ids=[
        *("unknown", "misfit", "nothing", "overwrites", "workflow", "above", "format", "directory"),
        *("nowhere", "two sources", "twice", "empty", "large"),
    ],
)
async def test_what_cannot_be_proposed_is_told_to_the_model(files: list[FileChange], words: str) -> None:
    proposals = Proposals(MemoryDesk(), ("C0HELP", "1.0"))
    tool = DocUpdateTool(MemoryDocuments([PAGE, WIKI]), proposals)
    with pytest.raises(Refused, match=words):
        await tool.docupdate("The port is 6432", "Because.", files)
    assert not proposals.made


async def test_a_page_that_went_away_meanwhile_is_not_written_anew() -> None:
    with pytest.raises(Refused, match="not there any more"):
        await propose(PORT, desk=MemoryDesk({}))
