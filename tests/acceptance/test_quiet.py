"""People ask for quiet in Slack, and the running process keeps it until they take it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.storm import Storm
from localslack import LocalSlack
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

RAN = "select effects from handler_runs where key = %s"
# But for a look at the gap before the start, which waits a minute where clocks may differ.
WAITING = "select count(*) from jobs where status <> 'failed' and entrypoint <> 'recover'"


async def replied(slack: LocalSlack, channel: str, ts: str) -> str:
    """The one reply under a message, once it is there."""

    async def replies() -> list[dict[str, Any]]:
        return (await slack.control.messages(channel, ts))[1:]

    [reply] = await eventually(replies, what="a reply in the thread")
    return str(reply["blocks"])


async def handled(conninfo: str, channel: str, ts: str) -> int:
    """How many effects the runbook handler had for an alert, once it ran."""

    async def ran() -> list[Any]:
        return await rows(conninfo, RAN, f"runbook:{channel}:{ts}")

    [(effects,)] = await eventually(ran, what="the runbook handler ran")
    return int(effects)


async def idle(conninfo: str) -> None:
    """The history is read, or all was said."""

    async def nothing_waits() -> bool:
        known = await rows(conninfo, "select count(*) from messages")
        return known[0][0] > 0 and await rows(conninfo, WAITING) == [(0,)]

    await eventually(nothing_waits, what="no job waits")


async def test_quiet_for_two_hours_holds_back_the_runbook_until_it_may_speak_again(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack:
        storm = Storm(slack)
        await storm.prepare(channels=1)
        # Beside the channel with the history: there, the same alert within the hour would be flapping.
        channel = await slack.control.add_channel("ops", members=storm.people)
        storm.hooks[channel] = await slack.control.webhook(channel, "Alertmanager")
        process = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        async with running(process):
            await idle(conninfo)

            async def ask(text: str) -> str:
                bot = slack.workspace.bot.id
                return await slack.control.post(channel, storm.people[0], f"<@{bot}> {text}")

            assert "Quiet in this channel for 2 h" in await replied(slack, channel, await ask("quiet for 2h"))
            quiet = (await process.get("/api/channels/ops")).json()["quiet_until"]
            silent = await storm.alert(channel, "DiskFull", "host-1:9100")
            assert await handled(conninfo, channel, silent) == 0
            assert "rollout restart" in await replied(slack, channel, await ask("what fixed DiskFull?"))

            assert "I speak again" in await replied(slack, channel, await ask("speak again"))
            answered = await storm.alert(channel, "KafkaLag", "host-2:9100")
            assert "rollout restart" in await replied(slack, channel, answered)
            await idle(conninfo)
            assert len(await slack.control.messages(channel, silent)) == 1
    assert quiet is not None
