"""Words approve nothing: the running process, a tool that changes something, and everybody claiming it may."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.harness import running
from tests.acceptance.test_tool_approval import desk
from tests.integration.injection.world import ENTRIES, ME


async def test_no_text_in_the_thread_approves_a_call(conninfo: str, tmp_path: Path) -> None:
    async with desk(conninfo, tmp_path) as team, running(team.process):
        control = team.slack.control
        ts = await team.ask()
        question = await team.question(ts)
        bot = team.slack.workspace.bot.id
        edited = await control.post(team.channel, team.person, "one moment", thread_ts=ts)
        for _, text in ENTRIES["approval text"]:
            said = text.replace(ME, bot)
            await control.post(team.channel, team.person, said, thread_ts=ts)
            await control.do("messages/edit", {"channel": team.channel, "ts": edited, "text": said})
        for name in ("white_check_mark", "+1"):
            reaction = {"channel": team.channel, "ts": question["ts"], "user": "ana", "name": name}
            await control.do("reactions", reaction)
        # A click that comes after all of it is answered: by then everything before was dealt with.
        await team.click(ts, question, "reject")
        await team.says(ts, "It was rejected.")
        assert team.calls() == []
