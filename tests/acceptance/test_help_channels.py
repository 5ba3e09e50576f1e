"""Help channels in the running process: silence, the hand-over button, the question under a quiet thread."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.harness import eventually, rows
from tests.acceptance.test_modes import EFFECTS, again, shown, town

UNKNOWN = "who plays the trombone in the orchestra?"
# Nobody waits for hours here: the API allows no less than a minute.
AT_ONCE = """
update channels set attrs = attrs || '{"manners": {"suggest_docs": true, "quiet_minutes": 0}}' where name = 'help'
"""


async def test_without_evidence_it_is_silent_or_offers_to_call_the_owners_who_are_called_once(
    conninfo: str, tmp_path: Path
) -> None:
    async with town(conninfo, tmp_path) as place:
        group = await place.slack.control.add_group([place.bo])
        await place.set(mode="auto")
        silent = await place.say(UNKNOWN)
        assert await place.effects(f"unasked:{place.help}:{silent}") == 0
        await place.set(owner_group=group)
        asked = await place.say("how many parking spaces are there behind the garage in Lisbon?")
        [offer] = await place.said(place.help, 1)
        assert offer["thread_ts"] == asked
        assert group not in shown(offer)
        await again(place)
        await place.click(offer | {"channel": place.help}, "approval_approve", place.bo)
        [_, call] = await place.said(place.help, 2)
        assert f"<!subteam^{group}>" in shown(call)
        other = await place.say("when does the bakery across the street open in December?")
        assert len(await place.said(place.help, 3)) == 3
        await place.say("At seven.", place.bo, thread_ts=other)

        async def gone() -> bool:
            return len(await place.said(place.help, 2)) == 2

        await eventually(gone, what="the button is gone")
        calls = [one for one in await place.said(place.help, 2) if f"<!subteam^{group}>" in shown(one)]
        assert len(calls) == 1


async def test_a_quiet_thread_is_asked_about_once_also_after_a_crash(conninfo: str, tmp_path: Path) -> None:
    async with town(conninfo, tmp_path) as place:
        asked = await place.say("where does the mailer keep its templates?")
        await rows(conninfo, f"with changed as ({AT_ONCE} returning 1) select * from changed")
        await place.say("`mailctl templates list` says it", place.bo, thread_ts=asked)
        [question] = await place.said(place.help, 1)
        assert question["thread_ts"] == asked
        assert "belong into the documents" in shown(question)
        await again(place)
        later = await place.say("`mailctl templates show` too", place.bo, thread_ts=asked)

        async def looked() -> bool:
            ran = await rows(conninfo, EFFECTS, f"suggest_docs:{place.help}:{later}")
            waiting = await rows(conninfo, "select id from jobs where entrypoint = 'quiet_thread'")
            return bool(ran) and not waiting

        await eventually(looked, what="the thread was looked at again")
        assert len(await place.said(place.help, 1)) == 1
