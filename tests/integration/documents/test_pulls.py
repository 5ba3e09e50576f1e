"""An approved change → one commit, one branch, one pull request, against a GitHub over real git repositories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from localgithub import Fault, LocalGitHub, Pull, Repo
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_api import GitHubAccess
from ratchet.documents.github_pulls import GitHubForge
from ratchet.domain.documents import StoredDocument
from ratchet.domain.errors import Transient
from ratchet.domain.proposals import to_json
from ratchet.jobs.base import Done, JobContext, Outcome, Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.desk import Desk
from ratchet.pipeline.pull_watch import WatchPulls
from ratchet.pipeline.pulls import OpenPulls
from ratchet.pipeline.work import PullJob
from ratchet.store.pool import Database
from ratchet.tools.docupdate import DocUpdateTool, FileChange, SearchReplace
from ratchet.tools.proposals import Proposals
from ratchet.tools.testing import MemoryDocuments
from tests.integration.documents.support import Library

CONTEXT = JobContext(1, "pull", 0)
CHANNEL, THREAD = "C0HELP", "1800000000.000100"
BRANCH = "ratchet/C0HELP-1800000000-000100"
PAGE = "docs/staging.md"
TEXT = "# Staging\n\nUse port 5432.\n\nAsk @platform first.\n"


@dataclass
class House:
    db: Database
    github: LocalGitHub
    repo: Repo
    source: GitHubSource
    refreshed: list[str] = field(default_factory=list)

    @property
    def commit(self) -> Commit:
        return Commit(self.db, Queue(self.db.connection))

    @property
    def forges(self) -> dict[str, GitHubForge]:
        return {"hub": GitHubForge(self.source)}

    async def job(
        self, key: str = "first", thread: str = THREAD, *changes: FileChange, why: str = "It moved (#12)."
    ) -> PullJob:
        """What an approval of this change puts, proposed against the repository as it is now."""
        pages = MemoryDocuments([StoredDocument(f"hub/{PAGE}", "hub", PAGE, "Staging", "", TEXT)])
        desk = Desk(self.db, self.forges, {"hub": "github"})
        proposals = Proposals(desk, (CHANNEL, thread))
        wanted = changes or (edit("Use port 5432.", "Use port 6432."),)
        await DocUpdateTool(pages, proposals).docupdate("Port for @staging", why, list(wanted))
        change = to_json(proposals.made["hub"].change)
        return PullJob(
            key=key, channel_id=CHANNEL, thread_ts=thread, link="https://t.slack.com/x", change=change
        )

    async def run(self, job: PullJob, snoozes: int = 0) -> Outcome:
        return await OpenPulls(self.commit, self.forges).run(job, replace(CONTEXT, snoozes=snoozes))

    async def look(self) -> None:
        async def refresh(names: Sequence[str]) -> int:
            self.refreshed += names
            return len(names)

        await WatchPulls(self.commit, self.forges, refresh).look()

    async def said(self) -> list[str]:
        rows = await Library(self.db, Path()).rows(
            "select effect->>'markdown' from outbox order by created_at, key"
        )
        return [text for (text,) in rows]

    async def text(self, branch: str = BRANCH, path: str = PAGE) -> str:
        return (await self.repo.git.run("show", f"refs/heads/{branch}:{path}")).decode()

    async def commits(self, branch: str = BRANCH) -> int:
        return await self.repo.git.count("refs/heads/main", f"refs/heads/{branch}")

    @property
    def pulls(self) -> list[Pull]:
        return list(self.repo.pulls.values())


def edit(find: str, replacement: str) -> FileChange:
    return FileChange(f"hub/{PAGE}", (SearchReplace(find, replacement),))


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    async with LocalGitHub.serve(tmp_path) as github:
        files = {PAGE: TEXT, "src/main.py": "pass\n", "docs/lunch.md": "Noon.\n"}
        repo = await github.hub.add_repo("acme", "handbook", files)
        access = GitHubAccess("acme", "handbook", github.url, github.hub.add_token())
        yield House(database, github, repo, GitHubSource("hub", access, "docs"))


async def test_an_approved_change_is_a_draft_pull_request_with_a_link_to_the_thread(house: House) -> None:
    assert await house.run(await house.job()) == Done()
    [pull] = house.pulls
    assert (pull.draft, pull.head, pull.base, pull.state) == (True, BRANCH, "main", "open")
    assert "[this thread](https://t.slack.com/x)" in pull.body
    assert "- `docs/staging.md`" in pull.body
    # Nobody there is notified, and no issue closed.
    assert pull.title == "Port for @\u200bstaging"
    assert "#\u200b12" in pull.body
    assert await house.text() == TEXT.replace("5432", "6432")
    assert await house.text("main") == TEXT
    assert await house.said() == [
        f"Opened the draft pull request [acme/handbook#1]({house.github.url}/acme/handbook/pull/1):"
        " Port for @staging"
    ]


async def test_run_again_it_changes_nothing(house: House) -> None:
    job = await house.job()
    await house.run(job)
    before = len(house.github.hub.calls)
    assert await house.run(job) == Done()
    assert len(house.github.hub.calls) == before
    assert len(await house.said()) == len(house.pulls) == await house.commits() == 1


@pytest.mark.parametrize(
    "call",
    ["POST */git/trees", "POST */git/commits", "POST */git/refs", "POST */pulls"],
    ids=["tree", "commit", "branch", "pull request"],
)
@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
async def test_wherever_it_is_cut_off_one_branch_and_one_pull_request_come_of_it(
    house: House, call: str, after: bool
) -> None:
    job = await house.job()
    house.github.hub.faults.add(Fault(call, "hang_up", times=1, after=after))
    with pytest.raises(Transient):
        await house.run(job)
    assert await house.said() == []
    assert await house.run(job) == Done()
    assert [pull.head for pull in house.pulls] == [BRANCH]
    assert await house.commits() == 1
    assert sorted(await house.repo.git.branches()) == ["main", BRANCH]
    assert len(await house.said()) == 1


async def test_a_later_change_of_the_thread_goes_into_the_same_pull_request(house: House) -> None:
    await house.run(await house.job())
    # It is proposed against the branch, where the first one stands already.
    second = await house.job("second", THREAD, edit("Use port 6432.", "Use port 6432, with TLS."))
    house.github.hub.faults.add(Fault("PATCH */pulls/1", "hang_up", times=1, after=True))
    with pytest.raises(Transient):
        await house.run(second)
    await house.run(second)
    [pull] = house.pulls
    assert await house.commits() == 2
    assert await house.text() == TEXT.replace("5432.", "6432, with TLS.")
    assert pull.body.count("<!-- ratchet:") == 2
    assert [text.split(" ")[0] for text in await house.said()] == ["Opened", "Updated"]


async def test_another_thread_has_a_branch_of_its_own(house: House) -> None:
    await house.run(await house.job())
    await house.run(await house.job("other", "1800000009.000100", edit("# Staging", "# Stage")))
    assert sorted(pull.head for pull in house.pulls) == [BRANCH, "ratchet/C0HELP-1800000009-000100"]


async def test_several_files_are_one_commit(house: House) -> None:
    new = FileChange("hub/docs/how-to/datagrip.md", (), "# DataGrip\n\nPort 6432.")
    await house.run(await house.job("first", THREAD, edit("5432", "6432"), new))
    assert await house.commits() == 1
    assert await house.text(path="docs/how-to/datagrip.md") == "# DataGrip\n\nPort 6432.\n"
    assert "- `docs/how-to/datagrip.md` (new)" in house.pulls[0].body


async def test_a_page_that_changed_elsewhere_meanwhile_is_read_again_and_kept(house: House) -> None:
    job = await house.job()
    changed = f"{TEXT}\nA new last line.\n"
    await house.github.hub.commit(house.repo, {PAGE: changed})
    await house.run(job)
    assert await house.text() == changed.replace("5432", "6432")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({PAGE: TEXT.replace("Use port 5432.", "Use port 7777.")}, "was changed since the diff was shown"),
        ({PAGE: TEXT + "\nUse port 5432.\n"}, "was changed since the diff was shown"),
        ({PAGE: TEXT.replace("Use port 5432.", "Use port 5432. Or 5433.")}, "was changed since"),
        ({PAGE: None}, "was deleted since the diff was shown"),
    ],
    ids=["other words", "twice", "another line", "deleted"],
)
async def test_where_somebody_else_changed_the_same_place_nothing_is_written(
    house: House, files: dict[str, Any], words: str
) -> None:
    job = await house.job()
    await house.github.hub.commit(house.repo, files)
    assert await house.run(job) == Done()
    [said] = await house.said()
    assert words in said
    assert not house.pulls
    assert list(await house.repo.git.branches()) == ["main"]


async def test_a_new_page_does_not_replace_one_that_came_meanwhile(house: House) -> None:
    job = await house.job("first", THREAD, FileChange("hub/docs/new.md", (), "Ours."))
    await house.github.hub.commit(house.repo, {"docs/new.md": "Theirs.\n"})
    await house.run(job)
    assert "was written meanwhile by somebody else" in (await house.said())[0]
    assert not house.pulls


async def test_an_expired_token_is_said_once_and_tried_again_until_it_is_mended(house: House) -> None:
    job = await house.job()
    token = house.source.access.token
    account = house.github.hub.tokens.pop(token)
    for snoozes in range(3):
        assert isinstance(await house.run(job, snoozes), Snooze)
    [said] = await house.said()
    assert "refuses the token (Bad credentials)" in said
    assert "nobody needs to approve again" in said
    assert token not in said
    house.github.hub.tokens[token] = account
    assert await house.run(job, 3) == Done()
    assert len(house.pulls) == 1
    assert "Opened the draft pull request" in (await house.said())[1]


async def test_a_token_that_may_only_read_says_what_it_needs(house: House) -> None:
    access = replace(house.source.access, token=house.github.hub.add_token(can_write=False))
    house.source = replace(house.source, access=access)
    assert isinstance(await house.run(await house.job()), Snooze)
    assert "Contents and Pull requests" in (await house.said())[0]


async def test_that_it_is_not_tried_any_more_is_said_once(house: House) -> None:
    job, opens = await house.job(), OpenPulls(house.commit, house.forges)
    for _ in range(2):
        await opens.gave_up(job)
    [said] = await house.said()
    assert "`ratchet jobs retry`" in said
    # An operator has it run again.
    assert await house.run(job) == Done()
    assert "Opened the draft pull request" in (await house.said())[1]


async def test_a_rate_limit_is_waited_for(house: House) -> None:
    job = await house.job()
    house.github.hub.faults.add(Fault("POST */git/trees", "rate_limit", seconds=40, times=1))
    with pytest.raises(Transient) as limited:
        await house.run(job)
    assert 30 < (limited.value.retry_after or 0) <= 41
    assert await house.said() == []
    await house.run(job)
    assert len(house.pulls) == 1


async def test_what_github_does_not_accept_is_said_with_its_reason(house: House) -> None:
    job = await house.job()
    house.github.hub.faults.add(Fault("POST */pulls", status=422, message="Validation Failed: no way"))
    assert await house.run(job) == Done()
    [said] = await house.said()
    assert said.startswith("The pull request was not opened, and nothing was changed: ")
    assert "Validation Failed: no way" in said


async def test_where_there_are_no_drafts_it_is_a_plain_pull_request(house: House) -> None:
    words = "Draft pull requests are not supported in this repository."
    job = await house.job()
    house.github.hub.faults.add(Fault("POST */pulls", status=422, message=words, times=1))
    await house.run(job)
    assert [pull.draft for pull in house.pulls] == [False]


@pytest.mark.parametrize("path", ["src/main.md", "docs/.github/workflows/x.md"], ids=["outside", "hidden"])
async def test_a_path_outside_the_source_is_not_written_even_when_the_job_says_so(
    house: House, path: str
) -> None:
    job = await house.job("first", THREAD, FileChange("hub/docs/new.md", (), "x"))
    change = {**job.change, "files": [{**job.change["files"][0], "path": path}]}
    await house.run(job.model_copy(update={"change": change}))
    assert "cannot be written" in (await house.said())[0]
    assert not house.pulls


async def test_a_source_that_is_gone_is_said(house: House) -> None:
    job = await house.job()
    assert await OpenPulls(house.commit, {}).run(job, CONTEXT) == Done()
    assert "no source hub any more" in (await house.said())[0]


async def test_a_moved_repository_is_followed(house: House) -> None:
    job = await house.job()
    house.github.hub.move(house.repo, "acme", "docs")
    assert await house.run(job) == Done()
    assert len(house.pulls) == 1


async def test_a_merge_is_said_once_and_the_source_read_again(house: House) -> None:
    await house.run(await house.job())
    await house.look()
    assert house.refreshed == []
    await house.look()
    # An unchanged one costs nothing.
    assert house.github.hub.unchanged == 1
    await house.github.hub.merge(house.repo, 1)
    await house.look()
    await house.look()
    said = await house.said()
    assert len(said) == 2
    assert "acme/handbook#1" in said[1]
    assert "was merged" in said[1]
    assert house.refreshed == ["hub"]


async def test_a_close_is_said_once_and_the_next_change_gets_a_branch_of_its_own(house: House) -> None:
    await house.run(await house.job())
    house.github.hub.close(house.repo, 1)
    await house.look()
    await house.look()
    assert "was closed without being merged" in (await house.said())[1]
    assert house.refreshed == []
    await house.run(await house.job("second"))
    assert [pull.head for pull in house.pulls] == [BRANCH, f"{BRANCH}-2"]
    assert await house.text(f"{BRANCH}-2") == TEXT.replace("5432", "6432")


async def test_a_change_after_a_close_that_nobody_noticed_yet_gets_a_new_one_too(house: House) -> None:
    await house.run(await house.job())
    house.github.hub.close(house.repo, 1)
    second = await house.job("second", THREAD, edit("# Staging", "# Stage"))
    await house.run(second)
    assert [pull.head for pull in house.pulls] == [BRANCH, f"{BRANCH}-2"]
    assert [pull.state for pull in house.pulls] == ["closed", "open"]


async def test_an_outage_while_looking_says_nothing_and_is_over_by_itself(house: House) -> None:
    await house.run(await house.job())
    await house.github.hub.merge(house.repo, 1)
    house.github.hub.faults.add(Fault("GET */pulls/1", "hang_up", times=1))
    await house.look()
    assert len(await house.said()) == 1
    await house.look()
    assert len(await house.said()) == 2


async def test_a_person_who_commits_to_the_branch_meanwhile_loses_nothing(house: House) -> None:
    await house.run(await house.job())
    second = await house.job("second", THREAD, edit("# Staging", "# Stage"))
    theirs = await house.text() + "\nA reviewer's line.\n"
    await house.github.hub.commit(house.repo, {PAGE: theirs}, branch=BRANCH)
    await house.run(second)
    assert await house.text() == theirs.replace("# Staging", "# Stage")
    assert await house.commits() == 3
