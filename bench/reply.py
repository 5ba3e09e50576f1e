"""`reply`: from an alert, or a question, to the answer that people see. No model."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Final

from bench.bulk import fill
from bench.corpus import ALERTS, SERVICES, Corpus, as_event
from bench.ingest import send
from bench.processes import Running, local_slack, running
from bench.report import Report, percentile
from bench.traffic import Traffic
from localslack.model import Json

WAIT_S: Final = 30.0
CHANNEL: Final = "ops-alerts"
FULL: Final = "What fixed it last time"
QUESTIONS: Final = (
    "how did we fix {alert} on {service} last time?",
    "what does {alert} on {service} mean?",
    "who restarted {service}-gateway and why?",
    "is there a runbook for {alert}?",
)


KNOWN: Final = """
select distinct on (e.service, e.alert) m.attrs->'payload'
from incident_events e join messages m on m.channel_id = e.channel_id and m.ts = e.ts
where e.action = 'open_incident' and e.alert is not null and e.service is not null and e.tool = 'alertmanager'
  and m.attrs->'payload'->'attachments'->0->>'title' like '[FIRING:1]%(%'
  and (select count(*) from messages r where r.channel_id = e.channel_id and r.parent_ts = e.ts
       and r.attrs->'sender'->>'kind' = 'person') >= 2
order by e.service, e.alert, e.ts desc
"""


async def run(directory: Path, *, quick: bool) -> Report:
    stored, alerts, questions = (2_000, 20, 8) if quick else (20_000, 100, 40)
    title = (
        f"{alerts} alerts and {questions} questions, one at a time; example workspace and {stored:,} messages"
    )
    report = Report("reply", title)
    await fill(directory, Corpus(), stored)
    async with (
        local_slack(directory, "--example") as slack,
        # Alerts as quick as these would be a storm, and be held back.
        running(directory, slack, STORM_ALERTS=str(10 * alerts)) as ratchet,
    ):
        report.add("history of the example workspace read", await ratchet.quiet(), "s")
        channel, person = await _place(ratchet)
        user = str((await slack.control.read("state"))["bot"]["user"])
        await _alerts(report, ratchet, channel, alerts)
        await _questions(report, ratchet, (channel, person, user), questions)
    return report


async def _place(ratchet: Running) -> tuple[str, str]:
    """The id of the alert channel, and of somebody in it."""
    state = await ratchet.slack.control.read("state")
    channel = next(c["id"] for c in state["channels"] if c["name"] == CHANNEL)
    person = next(u["id"] for u in state["users"] if not u.get("is_bot"))
    return str(channel), str(person)


async def _alerts(report: Report, ratchet: Running, channel: str, count: int) -> None:
    traffic, took, said = Traffic(Corpus(seed=3)), [], []
    payloads = await _known_alerts(ratchet, count)
    for number, payload in enumerate(payloads):
        ts = f"{traffic.now():.6f}"
        message = {"type": "message", "subtype": "bot_message", "bot_id": "B0BENCHAM1", "ts": ts, **payload}
        took.append(await _answered(ratchet, channel, as_event(channel, message), ts) * 1000)
        said.append(await _answer(ratchet, channel, ts))
        if number < 3:  # the first ones find nothing in any cache; they count, and are kept apart in the JSON
            report.raw.setdefault("first_alerts_ms", []).append(took[-1])
    report.add("alert → runbook, p50", percentile(took, 0.5), "ms")
    report.below("alert → runbook, p95", percentile(took, 0.95), "ms", 500)
    report.add("alert → runbook, slowest", max(took), "ms")
    report.below("alerts without an answer", sum(map(math.isinf, took)), "alerts", 1)
    full = sum(FULL in text for text in said)
    report.add("answers that quote what fixed it", full, f"of {count}")
    report.raw |= {"alerts_ms": took, "answer_chars": [len(text) for text in said]}


async def _known_alerts(ratchet: Running, count: int) -> list[Json]:
    """Alerts that people took care of before, in turn; each on an instance that is new."""
    known = [payload for (payload,) in await ratchet.rows(KNOWN)]
    Corpus(seed=5).dice.shuffle(known)
    found = []
    for number in range(count):
        payload = json.loads(json.dumps(known[number % len(known)]))
        for attachment in payload["attachments"]:
            for key in ("title", "fallback"):
                if key in attachment:
                    attachment[key] = attachment[key].replace("(", f"(bench-{number}.example.com:9100 ", 1)
        found.append({key: payload[key] for key in ("username", "text", "attachments") if key in payload})
    return found


async def _questions(report: Report, ratchet: Running, where: tuple[str, str, str], count: int) -> None:
    channel, person, bot = where
    dice, took = Corpus(seed=4).dice, []
    for number in range(count):
        question = QUESTIONS[number % len(QUESTIONS)].format(
            alert=dice.choice(ALERTS), service=dice.choice(SERVICES).partition("-")[0]
        )
        began = time.monotonic()
        ts = await ratchet.slack.control.post(channel, person, f"<@{bot}> {question}")
        took.append(await _visible(ratchet, channel, ts, began) * 1000)
    report.add("question → answer in quotes, p50", percentile(took, 0.5), "ms")
    report.add("question → answer in quotes, p95", percentile(took, 0.95), "ms")
    report.add("question → answer in quotes, slowest", max(took), "ms")
    report.raw["questions_ms"] = took


async def _answered(ratchet: Running, channel: str, event: Json, ts: str) -> float:
    """Seconds from sending an event to a reply in its thread."""
    began = time.monotonic()
    await send(ratchet, event)
    return await _visible(ratchet, channel, ts, began)


async def _visible(ratchet: Running, channel: str, ts: str, began: float) -> float:
    seen = await ratchet.slack.control.wait_for(
        "messages", channel=channel, thread_ts=ts, by="bot", timeout=WAIT_S
    )
    return time.monotonic() - began if seen else math.inf


async def _answer(ratchet: Running, channel: str, ts: str) -> str:
    messages = await ratchet.slack.control.messages(channel, ts)
    return "\n".join(json.dumps(message) for message in messages[1:])
