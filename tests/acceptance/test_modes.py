"""How people set a channel, and how Ratchet then behaves in it: the running process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from localslack import LocalSlack
from ratchet.llm.testing import Answer, ChatRequest, ModelServer, Say, Script, Silence
from ratchet.llm.testing.demo import demo
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

FIX = "The upload fails when the bucket is full: run `bucketctl prune --older 30d`"
ASK = "why does the upload fail every night?"
EFFECTS = "select effects from handler_runs where key = %s"


@dataclass
class Town:
    """A help channel with an answer in its past, a channel for reviews, two people, and the process."""

    slack: LocalSlack
    process: RatchetProcess
    conninfo: str
    help: str = ""
    review: str = ""
    ana: str = ""
    bo: str = ""

    @property
    def bot(self) -> str:
        return self.slack.workspace.bot.id

    async def prepare(self) -> None:
        control = self.slack.control
        self.ana, self.bo = [await control.add_user(name, real_name=name.title()) for name in ("ana", "bo")]
        self.help = await control.add_channel("help", members=[self.ana, self.bo])
        self.review = await control.add_channel("answers", members=[self.bo])
        await control.post(self.help, self.bo, FIX)
        await control.post(self.review, self.bo, "Drafts come here.")

        async def recorded() -> bool:
            known = await rows(
                self.conninfo, "select name from channels where name <> '' and kind = 'public'"
            )
            return len(known) == 2 and len(await rows(self.conninfo, "select ts from messages")) == 2

        await eventually(recorded, what="both channels are recorded")

    async def set(self, **settings: Any) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.process.http_port}/api/channels/help"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.patch(address, json=settings, headers={"X-Ratchet-Request": "1"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def say(self, text: str, user: str = "", thread_ts: str | None = None) -> str:
        return await self.slack.control.post(self.help, user or self.ana, text, thread_ts=thread_ts)

    async def said(self, channel: str, count: int, thread_ts: str = "") -> list[dict[str, Any]]:
        """What Ratchet said there, once it said so much."""

        async def posts() -> list[dict[str, Any]]:
            found = await self.slack.control.messages(channel, thread_ts)
            own = [m for m in found if m.get("user") == self.bot and "blocks" in m]
            return own if len(own) >= count else []

        return list(await eventually(posts, what=f"{count} messages by Ratchet in {channel}"))

    async def effects(self, key: str) -> int:
        """What a handler's run came to, once it ran."""

        async def ran() -> list[Any]:
            return await rows(self.conninfo, EFFECTS, key)

        [(effects,)] = await eventually(ran, what=f"{key} ran")
        return int(effects)

    async def click(self, message: dict[str, Any], action: str, user: str) -> None:
        await self.slack.control.click(message["channel"], message["ts"], user, action)


def shown(message: dict[str, Any]) -> str:
    return str(message["blocks"])


@asynccontextmanager
async def town(conninfo: str, tmp_path: Path, script: Script = demo) -> AsyncIterator[Town]:
    async with LocalSlack.serve() as slack, ModelServer(script).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        process = RatchetProcess(settings, tmp_path / "log")
        async with running(process):
            found = Town(slack, process, conninfo)
            await found.prepare()
            yield found
        assert "Traceback" not in process.text()


async def again(place: Town) -> None:
    """The process is killed, and another one started."""
    await place.process.kill()
    await place.process.start()
    await place.process.ready()


async def test_a_draft_waits_for_a_person_also_after_a_crash(conninfo: str, tmp_path: Path) -> None:
    async with town(conninfo, tmp_path) as place:
        await place.set(mode="draft", review_channel=place.review)
        asked = await place.say(f"<@{place.bot}> {ASK}")
        [draft] = await place.said(place.review, 1)
        assert "bucketctl prune" in shown(draft)
        assert [m["ts"] for m in await place.slack.control.messages(place.help, asked)] == [asked]
        await again(place)
        await place.click(draft | {"channel": place.review}, "approval_approve", place.bo)
        [answer] = await place.said(place.help, 1)
        assert answer["thread_ts"] == asked
        assert "bucketctl prune" in shown(answer)

        other = await place.say("why does the upload of the logs fail every night?")
        [_, second] = await place.said(place.review, 2)
        await place.click(second | {"channel": place.review}, "approval_reject", place.bo)

        async def discarded() -> bool:
            return "Discarded by" in shown((await place.said(place.review, 2))[1])

        await eventually(discarded, what="the draft is gone")
        assert "bucketctl" not in str(await place.said(place.review, 2))
        assert [m["ts"] for m in await place.slack.control.messages(place.help, other)] == [other]
        kept = await rows(conninfo, "select markdown, effects from approvals")
        assert "bucketctl" not in str(kept)


async def test_in_mode_auto_a_question_is_answered_unasked_and_nothing_else(
    conninfo: str, tmp_path: Path
) -> None:
    async with town(conninfo, tmp_path) as place:
        await place.set(mode="auto")
        unknown = await place.say("who plays the trombone in the orchestra?")
        assert await place.effects(f"unasked:{place.help}:{unknown}") == 0
        chat = await place.say("the upload fails every night, it is a pain")
        bots = await place.slack.control.webhook(place.help, "Poll")
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(bots, json={"text": ASK})
        asked = await place.say(ASK)
        [answer] = await place.said(place.help, 1)
        assert answer["thread_ts"] == asked
        assert "/archives/" in shown(answer)
        assert "[module:unasked]" in shown(answer)
        assert await rows(conninfo, EFFECTS, f"unasked:{place.help}:{chat}") == []
        assert len(await rows(conninfo, "select key from handler_runs where key like 'unasked:%%'")) == 2


async def test_a_follow_up_is_answered_without_a_mention(conninfo: str, tmp_path: Path) -> None:
    async with town(conninfo, tmp_path) as place:
        await place.set(follow_ups=True)
        asked = await place.say(f"<@{place.bot}> {ASK}")
        await place.said(place.help, 1, asked)
        later = await place.say("and the upload of the logs", thread_ts=asked)
        assert len(await place.said(place.help, 2, asked)) == 2
        other = await place.say("it is always the upload", place.bo, thread_ts=asked)
        assert await place.effects(f"follow_up:{place.help}:{other}") == 0
        assert await place.effects(f"follow_up:{place.help}:{later}") == 1
        assert len(await place.said(place.help, 2, asked)) == 2


async def test_a_conversation_begins_with_a_greeting_and_shows_that_it_works(
    conninfo: str, tmp_path: Path
) -> None:
    def slow(request: ChatRequest) -> Answer:
        return demo(request) if not request.texts("tool") else Silence(2.0, Say("I do not know that."))

    async with town(conninfo, tmp_path, slow) as place:
        channel, thread_ts = await place.slack.control.open_conversation(place.ana)

        async def state() -> dict[str, Any]:
            return await place.slack.control.read("state")

        async def greeted() -> bool:
            return bool((await state())["prompts"])

        [greeting] = await place.said(channel, 1, thread_ts)
        assert "Hello. Ask me about" in shown(greeting)
        await eventually(greeted, what="questions are offered")
        await place.slack.control.post(channel, place.ana, ASK, thread_ts=thread_ts)

        async def working() -> bool:
            return [s["thread_ts"] for s in (await state())["statuses"]] == [thread_ts]

        await eventually(working, what="a status is shown")
        [_, answer] = await place.said(channel, 2, thread_ts)
        assert "I do not know that." in shown(answer)
        assert "Closest to it" in shown(answer)
        after = await state()
        assert after["statuses"] == []
        assert [(t["thread_ts"], t["title"]) for t in after["titles"]] == [(thread_ts, ASK)]


async def test_a_channel_is_set_in_words_and_a_click_also_after_a_crash(
    conninfo: str, tmp_path: Path
) -> None:
    async with town(conninfo, tmp_path) as place:
        await place.say(f"<@{place.bot}> answer questions here on your own")
        [question] = await place.said(place.help, 1)
        assert "mention → **auto**" in shown(question)
        assert (await place.set())["mode"] == "mention"
        await again(place)
        await place.click(question | {"channel": place.help}, "approval_approve", place.bo)

        async def auto() -> bool:
            return bool((await place.set())["mode"] == "auto")

        await eventually(auto, what="the mode is auto")
        asked = await place.say(ASK)
        assert len(await place.said(place.help, 1, asked)) == 1
        await place.say(f"<@{place.bot}> help")
        [*_, helped] = await place.said(place.help, 3)
        assert "by myself what nobody answered" in shown(helped)
