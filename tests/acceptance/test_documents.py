"""Documents through the real process: answers with links, and pull requests after a click."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localgithub import Fault, LocalGitHub, Repo
from localslack import LocalSlack
from ratchet.llm.testing import CallTools, ChatRequest, ModelServer, Say, ToolCall
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

PAGE = "docs/staging.md"
TEXT = "# Staging database\n\nUse port 5432 of the tunnel.\n"
NEW = TEXT.replace("5432", "6432")
SNOOZED = """
select extract(epoch from execute_after - now()) from jobs where entrypoint = 'pull' and status = 'queued'
"""
A_MINUTE_LATER = "update jobs set execute_after = now() where entrypoint = 'pull' returning status"


def proposes(request: ChatRequest) -> CallTools | Say:
    """Looks, then proposes, then says so."""
    answered = request.texts("tool")
    if "docupdate" not in request.tools or len(answered) > 1:
        return Say("I propose the new port.")
    if not answered:
        return CallTools(ToolCall("docsearch", {"query": "staging database port"}))
    edit = {"find": "Use port 5432", "replace": "Use port 6432"}
    files = [{"document": f"handbook/{PAGE}", "edits": [edit]}]
    change = {"title": "The port is 6432", "why": "Ana asked ana@example.com.", "files": files}
    return CallTools(ToolCall("docupdate", change))


@dataclass
class Desk:
    slack: LocalSlack
    github: LocalGitHub
    repo: Repo
    process: RatchetProcess
    channel: str
    ana: str
    conninfo: str

    async def thread(self) -> str:
        """A question and its answer, recorded."""
        bo = await self.slack.control.add_user("bo", real_name="Bo Berg")
        await self.slack.control.invite(self.channel, bo)
        ts = await self.slack.control.post(self.channel, self.ana, "Which port has the staging database?")
        await self.slack.control.post(self.channel, bo, "It is 6432 since Monday, not 5432", thread_ts=ts)
        return ts

    async def read(self) -> None:
        """Until the source is read, and the channel recorded."""

        async def done() -> bool:
            pages = await rows(self.conninfo, "select count(*) from documents")
            said = await rows(
                self.conninfo, "select count(*) from messages where channel_id = %s", self.channel
            )
            return pages == [(2,)] and said[0][0] >= 2

        await eventually(done, what="the documents and the thread are read")

    async def use(self, ts: str) -> dict[str, Any]:
        """The question that the shortcut comes to."""
        place = {"channel": self.channel, "ts": ts, "user": self.ana, "callback_id": "update_docs"}
        await self.slack.control.do("shortcut", place)

        async def asked() -> dict[str, Any] | None:
            found = await self.slack.control.messages(self.channel, ts)
            return next((m for m in found if "approval_approve" in str(m.get("blocks"))), None)

        question: dict[str, Any] = await eventually(asked, what="the diff is shown")
        return question

    async def approve(self, question: dict[str, Any], person: str = "ana") -> None:
        await self.slack.control.click(self.channel, question["ts"], person, "approval_approve")

    async def texts(self, ts: str) -> list[str]:
        found = await self.slack.control.messages(self.channel, ts)
        return [str(message.get("blocks")) + str(message.get("text")) for message in found]

    async def says(self, ts: str, words: str, times: int = 1) -> None:
        async def said() -> bool:
            return sum(words in text for text in await self.texts(ts)) >= times

        await eventually(said, what=f"{words!r} is said")

    def branches(self) -> list[str]:
        return [pull.head for pull in self.repo.pulls.values()]


@asynccontextmanager
async def desk(conninfo: str, tmp_path: Path, *, model: bool = True, **more: str) -> AsyncIterator[Desk]:
    root = tmp_path / "github"
    root.mkdir()
    async with (
        LocalSlack.serve() as slack,
        LocalGitHub.serve(root) as github,
        ModelServer(proposes).serve() as server,
    ):
        repo = await github.hub.add_repo(
            "acme", "handbook", {PAGE: TEXT, "docs/lunch.md": "# Lunch\n\nNoon.\n"}
        )
        access = {
            "github_url": github.url,
            "owner": "acme",
            "repo": "handbook",
            "token": github.hub.add_token(),
        }
        sources = tmp_path / "documentation.yaml"
        source = {"name": "handbook", "type": "github", "github": {**access, "path": "docs"}}
        sources.write_text(json.dumps({"sources": [source]}), "utf-8")
        ana = await slack.control.add_user("ana", real_name="Ana Abel")
        channel = await slack.control.add_channel("help", members=[ana, slack.workspace.bot.id])
        settings = environment(slack, DATABASE_URL=conninfo, DOCUMENTATION=str(sources), **more)
        if model:
            settings["RATCHET_OPENAI_URL"] = server.url
        process = RatchetProcess(settings, tmp_path / "log")
        yield Desk(slack, github, repo, process, channel, ana, conninfo)
        assert "Traceback" not in process.text()
        assert access["token"] not in process.text()


async def test_a_thread_becomes_a_pull_request_after_a_click_and_its_merge_is_told(
    conninfo: str, tmp_path: Path
) -> None:
    async with desk(conninfo, tmp_path, APPROVERS="U0NOBODY,requester") as team, running(team.process):
        ts = await team.thread()
        await team.read()
        question = await team.use(ts)
        shown = json.dumps(question["blocks"])
        assert "-Use port 5432 of the tunnel." in shown
        assert "+Use port 6432 of the tunnel." in shown
        assert "ana@example.com" not in shown
        assert not team.repo.pulls
        await team.approve(question, "bo")
        await team.says(ts, "you are not among those who may approve this")
        assert not team.repo.pulls
        await team.approve(question)
        await team.says(ts, f"{team.github.url}/acme/handbook/pull/1")
        [pull] = team.repo.pulls.values()
        assert pull.draft
        assert pull.body.startswith("someone asked (e-mail address).")
        assert await team.repo.git.run("show", f"refs/heads/{pull.head}:{PAGE}") == NEW.encode()
        await team.github.hub.merge(team.repo, 1)
        await team.says(ts, "was merged")

        async def known() -> bool:
            return await rows(conninfo, "select text from documents where path = %s", PAGE) == [(NEW,)]

        await eventually(known, within=90, what="the merged page is read")
        assert sum("was merged" in text for text in await team.texts(ts)) == 1


@pytest.mark.parametrize(
    ("call", "after"),
    [("POST */git/trees", False), ("POST */git/refs", True), ("POST */pulls", False), ("POST */pulls", True)],
    ids=["nothing yet", "branch made", "before the pull request", "after the pull request"],
)
async def test_killed_between_click_and_pull_request_exactly_one_comes_of_it(
    conninfo: str, tmp_path: Path, call: str, after: bool
) -> None:
    async with desk(conninfo, tmp_path) as team:
        async with running(team.process):
            ts = await team.thread()
            await team.read()
            question = await team.use(ts)
            team.github.hub.faults.add(Fault(call, "hang_up", after=after))
            await team.approve(question)
            wanted = call.removeprefix("POST *")

            async def reached() -> bool:
                return any(one.startswith("POST") and one.endswith(wanted) for one in team.github.hub.calls)

            await eventually(reached, what="it is at work")
            await team.process.kill(signal.SIGKILL)
        team.github.hub.faults.clear()
        async with running(team.process):
            await team.says(ts, "Opened the draft pull request")
            assert team.branches() == [f"ratchet/{team.channel}-{ts.replace('.', '-')}"]
            assert sorted(await team.repo.git.branches()) == ["main", *team.branches()]
            assert await team.repo.git.count("refs/heads/main", f"refs/heads/{team.branches()[0]}") == 1
            assert sum("Opened the draft" in text for text in await team.texts(ts)) == 1


async def test_an_expired_token_is_told_and_after_a_restart_with_a_new_one_it_goes_on(
    conninfo: str, tmp_path: Path
) -> None:
    async with desk(conninfo, tmp_path) as team:
        sources = tmp_path / "documentation.yaml"
        old = json.loads(sources.read_text("utf-8"))["sources"][0]["github"]["token"]
        async with running(team.process):
            ts = await team.thread()
            await team.read()
            question = await team.use(ts)
            team.github.hub.tokens.pop(old)
            await team.approve(question)
            await team.says(ts, "refuses the token")
            assert not team.repo.pulls
            [(seconds,)] = await eventually(lambda: rows(conninfo, SNOOZED), what="it is tried again later")
            assert 0 < seconds <= 60
        await rows(conninfo, A_MINUTE_LATER)
        sources.write_text(sources.read_text("utf-8").replace(old, team.github.hub.add_token()), "utf-8")
        async with running(team.process):
            await eventually(lambda: _some(team.repo.pulls), within=120, what="the pull request is opened")
            await team.says(ts, "Opened the draft pull request")
            assert len(team.repo.pulls) == 1


async def _some(values: Any) -> bool:
    return bool(values)


async def test_a_page_that_changed_meanwhile_is_not_written_over(conninfo: str, tmp_path: Path) -> None:
    async with desk(conninfo, tmp_path) as team, running(team.process):
        ts = await team.thread()
        await team.read()
        question = await team.use(ts)
        await team.github.hub.commit(team.repo, {PAGE: TEXT.replace("5432", "7777")})
        await team.approve(question)
        await team.says(ts, "was changed since the diff was shown")
        assert not team.repo.pulls


async def test_without_a_model_the_nearest_page_is_named_with_its_link(conninfo: str, tmp_path: Path) -> None:
    async with desk(conninfo, tmp_path, model=False) as team, running(team.process):
        ts = await team.thread()
        await team.read()
        place = {"channel": team.channel, "ts": ts, "user": team.ana, "callback_id": "update_docs"}
        await team.slack.control.do("shortcut", place)
        await team.says(ts, "The page that comes closest to this thread is")
        assert any(f"{team.github.url}/acme/handbook/blob/" in text for text in await team.texts(ts))
