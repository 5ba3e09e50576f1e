"""The steps of docs/install.md, done as they are written, against a local Slack without an app.

What is typed is taken from the page; only tokens, the port and Slack's address are those of this machine.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from bench.processes import Slack, free_port
from localslack.model import Json

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs/install.md"
STEP: Final = re.compile(r"(?ms)^## (\d+)\. ([^\n]+)\n(.*?)(?=^## )")
BLOCK: Final = re.compile(r"(?ms)^```(\w+)\n(.*?)^```")
COMMAND_S: Final = 120.0
READY_S: Final = 60.0
ANSWER_S: Final = 60.0
INSTALL: Final = "make .venv/.run"
FIXED: Final = "`harborctl flags set checkout.recycle_payments_pool=on` fixed it, the pool was stale"


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered heading of the page: its words, and its blocks by language."""

    title: str
    text: str

    def blocks(self, language: str) -> list[str]:
        return [content.strip() for found, content in BLOCK.findall(self.text) if found == language]


def steps() -> list[Step]:
    """Of the page, in order. Raises ValueError when they are not numbered 1, 2, 3, …"""
    found = STEP.findall(PAGE.read_text("utf-8"))
    if [int(number) for number, _, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"the steps of {PAGE} are not counted through")
    return [Step(title, text) for _, title, text in found]


@dataclass
class Newcomer:
    """Someone with an empty workspace and a folder. `seconds`: what each step took this machine."""

    slack: Slack
    folder: Path
    address: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    tokens: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    doctor: str = ""
    answer: str = ""

    async def walk(self) -> None:
        """To the first answer. Raises RuntimeError where a step does not do what the page says."""
        create, tokens, install, settings, check, run, invite = steps()
        channel, person = await self._team()
        await self._timed(create, self._create(create))
        await self._timed(tokens, self._tokens(tokens))
        if install.blocks("sh") != [INSTALL]:
            raise RuntimeError(f"step {install.title!r} installs in another way than {INSTALL!r}")
        for block in settings.blocks("sh"):
            await self._timed(settings, self._typed(self._filled(block)))
        [doctor] = check.blocks("sh")
        self.doctor = await self._timed(check, self._typed(doctor))
        start, ask_ready = run.blocks("sh")
        async with self._running(start):
            await self._timed(run, self._ready(ask_ready))
            self.answer = await self._timed(invite, self._talk(invite, channel, person))

    async def _timed(self, step: Step, doing: Coroutine[None, None, str]) -> str:
        began = time.monotonic()
        said = await doing
        self.seconds[step.title] = self.seconds.get(step.title, 0.0) + time.monotonic() - began
        return said

    async def _team(self) -> tuple[str, str]:
        """A channel where an alert fired and somebody fixed it, before anybody thought of Ratchet."""
        control = self.slack.control
        await control.do("app")  # none any more
        person = await control.add_user("ana", real_name="Ana")
        channel = await control.add_channel("ops", members=[person], bot=False)
        hook = await control.webhook(channel, "Alertmanager")
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(hook, json=alert("FIRING:1", "danger"))).raise_for_status()
            [fired] = await control.messages(channel)
            await control.post(channel, person, FIXED, thread_ts=fired["ts"])
            (await client.post(hook, json=alert("RESOLVED", "good"))).raise_for_status()
        return channel, person

    async def _create(self, step: Step) -> str:
        """From the manifest that the step links to."""
        [target] = re.findall(r"\]\((\S+\.yml)\)", step.text)
        manifest = await asyncio.to_thread((PAGE.parent / target).read_text, "utf-8")
        return str((await self.slack.control.do("app", {"manifest": manifest}))["app_id"])

    async def _tokens(self, step: Step) -> str:
        """The bot's, and the app's with the scope that the step names."""
        control = self.slack.control
        scopes = re.findall(r"scope `([a-z:]+)`", step.text)
        self.tokens = {
            "xoxb-…": (await control.do("app/install"))["bot_token"],
            "xapp-…": (await control.do("app/token", {"scopes": scopes}))["app_token"],
        }
        return ""

    def _filled(self, block: str) -> str:
        for written, token in self.tokens.items():
            if written not in block:
                raise RuntimeError(f"the page does not say where {written} goes")
            block = block.replace(written, token)
        return block

    @property
    def _environment(self) -> dict[str, str]:
        """What differs from a newcomer's: Slack is here, and so may be another Ratchet."""
        here = {"RATCHET_SLACK_URL": f"{self.slack.url}/api/", "RATCHET_HTTP_ADDR": self.address}
        return {"PATH": os.defpath, "HOME": str(self.folder), **here}

    async def _shell(self, script: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script,
            cwd=self.folder, env=self._environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def _typed(self, script: str) -> str:
        """What a block prints. Raises RuntimeError when it fails."""
        child = await self._shell(script)
        async with asyncio.timeout(COMMAND_S):
            out, _ = await child.communicate()
        if child.returncode != 0:
            raise RuntimeError(f"{script}: status {child.returncode}\n{out.decode()}")
        return out.decode()

    @asynccontextmanager
    async def _running(self, script: str) -> AsyncIterator[None]:
        """As in a terminal that stays open; then Ctrl-C."""
        child = await self._shell(f"exec {script} >ratchet.log 2>&1")
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGINT)
            async with asyncio.timeout(COMMAND_S):
                await child.wait()

    async def _ready(self, script: str) -> str:
        """Until what the page says is ready."""
        script = script.replace("localhost:5001", self.address)
        async with asyncio.timeout(READY_S):
            while True:
                with suppress(RuntimeError):
                    if '"ready":true' in (said := await self._typed(script)):
                        return said
                await asyncio.sleep(0.2)

    async def _talk(self, step: Step, channel: str, person: str) -> str:
        """Invite and ask in Slack; the first answer."""
        invite, question = step.blocks("text")
        if invite != "/invite @ratchet":
            raise RuntimeError(f"it is invited by {invite!r}")
        control = self.slack.control
        await control.invite(channel, inviter=person)
        await self._read(channel)
        asked = await control.post(channel, person, question, typed=True)
        if not await control.wait_for(
            "messages", channel=channel, thread_ts=asked, by="bot", timeout=ANSWER_S
        ):
            raise RuntimeError(f"no answer within {ANSWER_S:g} s")
        return "\n".join(map(str, (await control.messages(channel, asked))[1:]))

    async def _read(self, channel: str) -> None:
        """Until the history is read: the API shows a reply that somebody wrote before."""
        url = f"http://{self.address}/api/channels/ops/messages"
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(READY_S):
            while "harborctl" not in (await client.get(url)).text:  # noqa: ASYNC110  another process does it
                await asyncio.sleep(0.1)


def alert(state: str, color: str) -> Json:
    """As Alertmanager posts it."""
    title = f"[{state}] HighErrorRate checkout (checkout-api critical)"
    link = "http://alertmanager.example.com:9093/#/alerts?receiver=ops"
    attachment = {"title": title, "title_link": link, "fallback": f"{title} | {link}", "color": color}
    return {"username": "Alertmanager", "attachments": [attachment]}
