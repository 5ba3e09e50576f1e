"""Several Ratchet processes under a supervisor, and a PostgreSQL that can be taken away."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.processes import Process, free_port, ratchet
from localslack import LocalSlack
from ratchet.domain.errors import Transient
from ratchet.store.embedded import EmbeddedServer

RESTART_S: Final = 0.3
AT_WORK: Final = {"worker": "worker.connected", "slack": "slack_socket_connected"}
POLL_S: Final = 0.1


def environment(slack: LocalSlack, **more: str) -> dict[str, str]:
    """What `ratchet run` needs to find a localslack; `RATCHET_` is put before the names in `more`."""
    own = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_URL": slack.api_url,
        # Nobody's model may be asked by who does not bring its own.
        "OPENAI_URL": "http://127.0.0.1:9/v1",
        # It is counted what a model is asked.
        "MODEL_CHECK": "false",
        # Alerts come by the dozen here, and each is to be answered.
        "STORM_ALERTS": "1000000",
    }
    return {f"RATCHET_{name}": value for name, value in (own | more).items() if value}


@dataclass
class Member:
    """`ratchet run --only ROLES` in a directory of its own, started again whenever it ends."""

    name: str
    roles: str
    settings: Mapping[str, str]
    directory: Path
    http_port: int = field(default_factory=free_port)
    starts: int = 0
    process: Process | None = None

    async def keep(self) -> None:
        """Until cancelled; then it is told to end."""
        home = self.directory / self.name
        home.mkdir(exist_ok=True)
        while True:
            settings = {**self.settings, "RATCHET_HTTP_ADDR": f"127.0.0.1:{self.http_port}"}
            self.process = ratchet(home, settings, "run", "--only", self.roles)
            self.process.log = home / f"{self.starts}.log"
            self.starts += 1
            async with self.process.running():
                assert self.process.child is not None
                await self.process.child.wait()
            await asyncio.sleep(RESTART_S)

    def end(self, number: signal.Signals = signal.SIGKILL) -> bool:
        """False when there is nothing to end at this moment."""
        child = self.process.child if self.process else None
        if child is None or child.returncode is not None:
            return False
        child.send_signal(number)
        return True

    @property
    def at_work(self) -> bool:
        """Whether it is connected to what its roles need, or was a moment ago."""
        text = self.process.text() if self.process else ""
        return all(sign in text for role, sign in AT_WORK.items() if role in self.roles)


@dataclass
class Power:
    """A PostgreSQL and the switch to it. Back again, it has the same address."""

    server: EmbeddedServer
    group: asyncio.TaskGroup
    _watching: asyncio.Task[None] | None = None

    def on(self) -> None:
        self._watching = self.group.create_task(watched(self.server))

    def kill(self) -> bool:
        """Its supervisor starts it again at once."""
        pid = self.server.pid
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    async def outage(self, seconds: float) -> None:
        """Killed, and nobody there for so long."""
        self.off()
        self.kill()
        await asyncio.sleep(seconds)
        self.on()

    def off(self) -> None:
        if self._watching is not None:
            self._watching.cancel()


async def watched(server: EmbeddedServer) -> None:
    """As an operator's supervisor would: it gives up after some deaths in a row, and is started again."""
    while True:
        try:
            return await server.watch()
        except Transient:
            continue


@asynccontextmanager
async def server() -> AsyncIterator[EmbeddedServer]:
    """An empty PostgreSQL in a directory short enough for a socket."""
    directory = Path(tempfile.mkdtemp(prefix="rt-"))
    try:
        async with EmbeddedServer.start(directory) as found:
            yield found
    finally:
        shutil.rmtree(directory)


@dataclass
class Troubles:
    """What goes wrong, at random moments, until it is cancelled; and how often it did."""

    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)

    async def kill_processes(self, members: list[Member], every_s: float) -> None:
        """One of them, mostly at work, now and then while it starts; sometimes it is only told to end."""
        while True:
            await self._pause(every_s)
            member, roll = self.dice.choice(members), self.dice.random()
            if roll < 0.75:
                await self._at_work(member)
            asked = roll < 0.2
            if member.end(signal.SIGTERM if asked else signal.SIGKILL):
                self.done["processes told to end" if asked else "processes killed"] += 1

    async def _at_work(self, member: Member) -> None:
        """However long a slow machine takes to start it."""
        while not member.at_work:  # noqa: ASYNC110  # what another process says sets no event
            await asyncio.sleep(POLL_S)

    async def kill_database(self, power: Power, every_s: float) -> None:
        """When it is there, and has been for a while."""
        while True:
            await self._pause(every_s)
            self.done["PostgreSQL killed"] += power.kill()

    async def cut_sockets(self, slack: LocalSlack, every_s: float) -> None:
        """Closed with a word, without one, or open and deaf."""
        control = slack.control
        while True:
            await self._pause(every_s)
            match self.done.total() % 3:
                case 0:
                    await control.disconnect("refresh_requested")
                    self.done["sockets closed by Slack, all at once"] += 1
                case 1:
                    await control.disconnect("link_disabled", abrupt=True)
                    self.done["sockets cut, all at once"] += 1
                case _:
                    await control.socket_faults(blackhole=True)
                    await asyncio.sleep(min(5.0, every_s))
                    await control.socket_faults(blackhole=False)
                    self.done["sockets open and deaf, all at once"] += 1

    async def refuse_calls(self, slack: LocalSlack, every_s: float) -> None:
        """By turns all is well, and a third of the calls fails."""
        control = slack.control
        while True:
            await asyncio.sleep(every_s / 3)
            await control.fail(probability=0.12, status=429, retry_after=1)
            await control.fail(probability=0.08, status=500)
            await control.fail(probability=0.05, hang_up=True)
            # The worst of all: it happened, and the answer says it did not.
            await control.fail("chat.*", probability=0.10, status=500, when="after")
            await control.socket_faults(duplicate=0.05, drop=0.05)
            await asyncio.sleep(every_s)
            await heal(slack)

    async def _pause(self, every_s: float) -> None:
        await asyncio.sleep(self.dice.uniform(0.2, 1.8) * every_s)


async def heal(slack: LocalSlack) -> None:
    """Calls and sockets work again."""
    await slack.control.heal()
