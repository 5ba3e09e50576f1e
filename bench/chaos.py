"""`chaos`: a known story of events while everything under and around Ratchet fails; then an exact audit.

The short form (`--quick`) runs with the tests too.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.audit import Audit, Line, audited
from bench.fleet import Member, Power, Troubles, environment, heal, server
from bench.report import Report
from bench.storm import Storm
from localslack import Counters, DeliveryRules, LocalSlack
from ratchet.jobs import schema
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.migrate import migrate

# As Slack's own, but quicker: at once, then after some seconds, then never again.
RULES: Final = DeliveryRules(ack_timeout=2.0, retry_delays=(0.0, 3.0, 8.0))
ROLES: Final = ("slack,worker,web", "slack,worker", "worker")
READY_S: Final = 60.0
MORE_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Times in seconds; of each trouble, how often on average it comes. `outages`: when PostgreSQL goes.

    On a slow machine the story goes on for longer, until it was hard enough.
    """

    seconds: float
    per_second: float
    process_every_s: float
    database_every_s: float
    socket_every_s: float
    refuse_every_s: float
    outages: tuple[float, ...]
    outage_s: float
    settle_s: float = 600.0
    longest: float = 3.0

    def hard_enough(self, troubles: Troubles, counters: Counters) -> bool:
        """Whether enough was done while it went on, and enough went wrong."""
        killed = troubles.done["processes killed"]
        return killed >= 4 and counters.acked >= 100 and sum(refused(counters).values()) >= 10


SHORT: Final = Plan(40, 30, 2.0, 9.0, 6.0, 8.0, outages=(18,), outage_s=6)
LONG: Final = Plan(600, 20, 5.0, 25.0, 15.0, 40.0, outages=(100, 340), outage_s=60)


@dataclass(slots=True)
class Ran:
    """`acked`: events acknowledged until the last one; `settled_s`: from then until nothing waited.

    `slack` counts the calls that failed, by answer.
    """

    audit: Audit
    starts: int
    troubles: Counter[str]
    acked: int
    settled_s: float
    dropped: int
    redelivered: int
    slack: dict[str, int] = field(default_factory=dict)


async def run(directory: Path, *, quick: bool) -> Report:
    plan = SHORT if quick else LONG
    ran = await chaos(directory, plan)
    title = f"{plan.per_second:g} events/s for {plan.seconds:g} s; three processes, one PostgreSQL"
    report = Report("chaos", title)
    for what, count in sorted(ran.troubles.items()):
        report.add(what, count, "times")
    report.add(f"PostgreSQL gone for {plan.outage_s:g} s", len(plan.outages), "times")
    report.add("Slack answered with an error, or not at all", sum(ran.slack.values()), "calls")
    report.add("Ratchet started", ran.starts, "times")
    report.add("events acknowledged while it went on", ran.acked, "")
    report.add("events delivered again", ran.redelivered, "")
    report.add("events Slack gave up on, fetched later", ran.dropped, "")
    report.add("nothing waits any more, after the last event", ran.settled_s, "s")
    report.below("wrong in the audit", len(ran.audit.wrong), "", 1)
    report.grid(
        ("kind", "sent", "stored", "effects expected", "found", "doubled", "lost"),
        [_cells(line) for line in ran.audit.lines],
    )
    for wrong in ran.audit.wrong:
        report.note(wrong)
    report.raw = {"slack": ran.slack, "starts": ran.starts}
    return report


def _cells(line: Line) -> tuple[str | int, ...]:
    return (line.kind, line.sent, line.stored, line.expected, line.found, line.doubled, line.lost)


async def chaos(directory: Path, plan: Plan) -> Ran:
    """The story told, with everything that goes wrong meanwhile; what became of it when all had settled."""
    async with server() as database, LocalSlack.serve(rules=RULES) as slack:
        await migrate(database.conninfo)
        await schema.install(database.conninfo)
        settings = environment(slack, DATABASE_URL=database.conninfo)
        members = [
            Member(f"ratchet-{number}", roles, settings, directory) for number, roles in enumerate(ROLES)
        ]
        storm = Storm(slack)
        await storm.prepare()
        async with asyncio.TaskGroup() as group:
            power = Power(database, group)
            power.on()
            keeping = [group.create_task(member.keep()) for member in members]
            await slack.control.wait_for("connected", timeout=READY_S)
            await storm.heard(database.conninfo)
            await slack.control.do("counters/reset")
            troubles = await _trouble(storm, plan, members, power)
            acked = (await slack.control.counters()).acked
            settled = await storm.settled(database.conninfo, within=plan.settle_s)
            ran = await _ran(storm, database, members, (troubles, acked, settled))
            power.off()
            for task in keeping:
                task.cancel()
    return ran


async def _trouble(storm: Storm, plan: Plan, members: list[Member], power: Power) -> Counter[str]:
    """Until the story is told; then everything works again."""
    troubles = Troubles(random.Random(7))
    async with asyncio.TaskGroup() as group:
        going_wrong = [
            group.create_task(one)
            for one in (
                troubles.kill_processes(members, plan.process_every_s),
                troubles.kill_database(power, plan.database_every_s),
                troubles.cut_sockets(storm.slack, plan.socket_every_s),
                troubles.refuse_calls(storm.slack, plan.refuse_every_s),
                _outages(plan, power),
            )
        ]
        began = time.monotonic()
        await storm.blow(plan.seconds, per_second=plan.per_second)
        while not plan.hard_enough(troubles, await storm.slack.control.counters()):
            if time.monotonic() - began > plan.longest * plan.seconds:
                break
            await storm.blow(MORE_S, per_second=plan.per_second)
        for task in going_wrong:
            task.cancel()
    await heal(storm.slack)
    return troubles.done


async def _outages(plan: Plan, power: Power) -> None:
    began = time.monotonic()
    for at in plan.outages:
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        await power.outage(plan.outage_s)


async def _ran(
    storm: Storm, database: EmbeddedServer, members: list[Member], came: tuple[Counter[str], int, float]
) -> Ran:
    counters = await storm.slack.control.counters()
    return Ran(
        await audited(storm, database.conninfo),
        sum(member.starts for member in members),
        *came,
        counters.dropped,
        counters.redelivered,
        refused(counters),
    )


def refused(counters: Counters) -> dict[str, int]:
    """Calls that failed because they were to, by status; 503 stands for those that were hung up on."""
    found: Counter[str] = Counter()
    for name, count in counters.api_errors.items():
        if "fault_" in name:
            found[name.rpartition("fault_")[2]] += count
    return dict(found)
