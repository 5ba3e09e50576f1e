"""`turn`: what Ratchet adds to the model's own time, one turn at a time; then many at once beside intake.

The model is a script that answers at once, so that all the time there is, is ours: three rounds of one tool
call each, then an answer with a link.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from bench.bulk import fill
from bench.corpus import Corpus
from bench.ingest import send
from bench.processes import Running, local_slack, running
from bench.report import Report, percentile
from bench.traffic import Traffic
from ratchet.llm.testing import Answer, CallTools, ChatRequest, ModelServer, Say, Silence, ToolCall

CHANNEL: Final = "help-platform"
WAIT_S: Final = 120.0
PER_SECOND: Final = 20
THINKING_S: Final = 0.1
ROUNDS: Final = (
    ToolCall("search_messages", {"query": "restart gateway errors", "limit": 5}),
    ToolCall("incidents", {"days": 30, "limit": 5}),
    ToolCall("list_alerts", {"days": 30}),
)
_ASKED: Final = re.compile(r"question (\d+):")
_LINK: Final = re.compile(r'"permalink": "([^"]+)"')


@dataclass(slots=True)
class Model:
    """The script; by number of question the times of its requests. `thinks`: seconds before each answer."""

    thinks: float = 0.0
    asked: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, request: ChatRequest) -> Answer:
        if request.schema is not None:
            return Say({})
        answer = self._answer(request)
        numbers = _ASKED.findall(request.text)
        self.asked[int(numbers[-1]) if numbers else -1].append(time.monotonic())
        return Silence(self.thinks, answer) if self.thinks else answer

    def _answer(self, request: ChatRequest) -> Say | CallTools:
        done = len(request.texts("tool"))
        if done < len(ROUNDS):
            return CallTools(ROUNDS[done])
        links = _LINK.findall(request.text)
        return Say(f"It was restarted ([there]({links[0]}))." if links else "I do not know.")


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks in a channel, and waits for the answer."""

    ratchet: Running
    channel: str
    person: str
    bot: str

    async def ask(self, number: int) -> tuple[float, float]:
        """Seconds until the answer is visible, infinite without one; and when that was."""
        control = self.ratchet.slack.control
        began = time.monotonic()
        words = f"<@{self.bot}> question {number}: who restarted the gateway, and what did it help?"
        ts = await control.post(self.channel, self.person, words)
        seen = await control.wait_for(
            "messages", channel=self.channel, thread_ts=ts, by="bot", timeout=WAIT_S
        )
        now = time.monotonic()
        return (now - began if seen else math.inf), now


async def run(directory: Path, *, quick: bool) -> Report:
    stored, turns, at_once, idle_s = (1_000, 10, 10, 3.0) if quick else (20_000, 100, 50, 20.0)
    title = (
        f"{turns} turns with 3 tool calls, one at a time, then {at_once} at once; {stored:,} messages stored"
    )
    report, model = Report("turn", title), Model()
    await fill(directory, Corpus(), stored)
    async with (
        ModelServer(model).serve() as server,
        local_slack(directory, "--example") as slack,
        running(
            directory,
            slack,
            OPENAI_URL=server.url,
            OPENAI_MODEL="scripted",
            MODEL_CHECK="false",
            ONBOARD_MESSAGES="0",
        ) as ratchet,
    ):
        await ratchet.quiet()
        asker = await _asker(ratchet)
        await _alone(report, asker, turns)
        await ratchet.quiet()
        model.thinks = THINKING_S
        idle = await _idle(ratchet, idle_s)
        await _together(report, asker, model, idle, at_once)
    return report


async def _asker(ratchet: Running) -> Asker:
    state = await ratchet.slack.control.read("state")
    channel = next(c["id"] for c in state["channels"] if c["name"] == CHANNEL)
    person = next(u["id"] for u in state["users"] if not u.get("is_bot"))
    return Asker(ratchet, str(channel), str(person), str(state["bot"]["user"]))


async def _alone(report: Report, asker: Asker, turns: int) -> None:
    before = asker.ratchet.cpu()
    took = [(await asker.ask(number))[0] * 1000 for number in range(turns)]
    spent = {name: value - before[name] for name, value in asker.ratchet.cpu().items()}
    report.add("event → answer, p50", percentile(took, 0.5), "ms")
    report.below("event → answer, p95", percentile(took, 0.95), "ms", 150)
    report.add("event → answer, slowest", max(took), "ms")
    for name in ("ratchet", "postgres"):
        report.add(f"CPU of {name} per turn", spent[name] / turns * 1000, "ms")
    report.raw |= {"alone_ms": took, "cpu_s": spent}


async def _idle(ratchet: Running, seconds: float) -> list[float]:
    """Milliseconds to acknowledge, of events at an even pace, while no turn runs."""
    await ratchet.slack.control.do("counters/reset")
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_paced(ratchet, stop))
        await asyncio.sleep(seconds)
        stop.set()
    await ratchet.slack.control.wait_for("acked", timeout=60)
    return list((await ratchet.slack.control.counters()).latencies_ms)


async def _together(report: Report, asker: Asker, model: Model, idle: list[float], at_once: int) -> None:
    control = asker.ratchet.slack.control
    await control.do("counters/reset")
    stop, first = asyncio.Event(), 1_000
    async with asyncio.TaskGroup() as group:
        paced = group.create_task(_paced(asker.ratchet, stop))
        turns = [group.create_task(asker.ask(first + number)) for number in range(at_once)]
        await asyncio.wait(turns)
        stop.set()
    await control.wait_for("acked", timeout=60)
    busy = list((await control.counters()).latencies_ms)
    ends = [turn.result() for turn in turns]
    took = [seconds for seconds, _ in ends]
    # From its first request to the model on: what a turn waits for its turn is the queue's, and fair.
    ran = [at - model.asked[first + number][0] for number, (_, at) in enumerate(ends)]
    thought = THINKING_S * (len(ROUNDS) + 1)
    report.note(
        f"at once: the model thinks for {thought * 1000:.0f} ms a turn; {PER_SECOND} events/s beside it"
    )
    report.below(f"{at_once} at once: without an answer", sum(map(math.isinf, took)), "turns", 1)
    report.add(f"{at_once} at once: half answered after", percentile(took, 0.5), "s")
    report.add(f"{at_once} at once: all answered after", max(took), "s")
    report.add("  a turn's own time, p50", median(ran), "s")
    report.below("  the longest turn to the median one", max(ran) / median(ran), "×", 3)
    report.add("acknowledged after, idle, p99", percentile(idle, 0.99), "ms")
    report.add("acknowledged after, turns running, p50", percentile(busy, 0.5), "ms")
    report.below("acknowledged after, turns running, p99", percentile(busy, 0.99), "ms", 100)
    report.raw |= {"together_s": took, "ran_s": ran, "idle_ack_ms": idle, "busy_ack_ms": busy}
    report.raw["events"] = paced.result()


async def _paced(ratchet: Running, stop: asyncio.Event) -> int:
    """Messages at an even pace until `stop`; how many."""
    traffic, began, count = Traffic(Corpus(seed=6)), time.monotonic(), 0
    while not stop.is_set():
        await send(ratchet, traffic.message())
        count += 1
        await asyncio.sleep(max(0.0, began + count / PER_SECOND - time.monotonic()))
    return count
