"""An alert of a tool that nobody knows: the running process asks the model once, and answers as for any alert."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.storm import alert_payload
from localslack import LocalSlack, webhooks
from ratchet.llm.testing import Answer, ChatRequest, HttpError, ModelServer, Say
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

FIX = "The disk was full: `pgbackrest expire --stanza=main` and it went through"
OPEN = {"on_call": True, "action": "open", "alert": "Backup of db-3", "service": "web-12", "priority": "HIGH"}


def only_templates(request: ChatRequest) -> Answer:
    return Say(OPEN) if '<data source="template">' in request.text else HttpError(500)


async def test_the_second_alert_of_an_unknown_tool_is_answered_with_what_helped_the_first_time(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(only_templates).serve() as model:
        person = await slack.control.add_user("ana", real_name="Ana")
        first, second = [await slack.control.add_channel(f"ops-{n}", members=[person]) for n in range(2)]
        path = urlsplit(await slack.control.webhook(first, "house")).path.removeprefix("/services/")

        def post(channel: str, payload: dict[str, Any]) -> str:
            return str(webhooks.receive(slack.workspace, path, payload | {"channel": channel})["ts"])

        async def understood() -> bool:
            return bool(
                await rows(conninfo, "select ts from incident_events where tool = 'model' and ts = %s", root)
            )

        async def replies() -> list[dict[str, Any]]:
            return (await slack.control.messages(second, again))[1:]

        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        async with running(RatchetProcess(settings, tmp_path / "log")):
            for channel in (first, second):
                post(channel, alert_payload("HighErrorRate", "checkout", "web-1:9100", firing=True))
            await eventually(alerted(conninfo), what="something was an alert in both channels")
            root = post(first, {"text": "Backup of db-3 has not finished on web-12, 2 h late"})
            await eventually(understood, what="the model is asked, and the message judged again")
            await slack.control.post(first, person, FIX, thread_ts=root)
            await eventually(written(conninfo), what="the fix is recorded")
            again = post(second, {"text": "Backup of db-3 has not finished on web-12, 5 h late"})
            [reply] = await eventually(replies, what="a reply in the thread")
        assert "pgbackrest expire" in str(reply["blocks"])
        asked = [request for request in model.requests if '<data source="template">' in request.text]
        assert len(asked) == 1


def alerted(conninfo: str) -> Any:
    async def holds() -> bool:
        return await rows(conninfo, "select count(distinct channel_id) from incident_events") == [(2,)]

    return holds


def written(conninfo: str) -> Any:
    async def holds() -> bool:
        return bool(await rows(conninfo, "select ts from messages where text = %s", FIX))

    return holds
