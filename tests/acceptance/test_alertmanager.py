"""A real Alertmanager posts to the local Slack's webhook, and the real process makes incidents of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from localslack import LocalSlack
from tests.acceptance.harness import RatchetProcess, environment, eventually, free_port, rows, running

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
pytestmark = pytest.mark.skipif(
    BINARY is None, reason="no Alertmanager is installed (Debian: prometheus-alertmanager)"
)

CONFIG = """
route:
  receiver: slack
  group_by: [alertname, service]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1s
  routes:
    - matchers: [env="staging"]
      receiver: staging
receivers:
  - name: staging
    slack_configs:
      - api_url: {webhook}
        channel: "#staging"
        send_resolved: true
  - name: slack
    slack_configs:
      - api_url: {webhook}
        channel: "#ops"
        send_resolved: true
"""
FIX = "Rolled back the last deploy: `kubectl -n shop rollout undo deploy/checkout`, errors are gone"
ALERT = "HighErrorRate"
INCIDENTS = """
select service, alert, priority, tool, firings, close_ts is not null, opened_at <= coalesce(closed_at, now())
from incidents where channel_id = %s and alert = %s order by opened_at
"""


@dataclass
class Alertmanager:
    url: str
    log: Path

    async def alert(self, instance: str, *, firing: bool = True, name: str = ALERT, **more: str) -> None:
        """Prometheus sends an alert again and again while it fires, then once with its end."""
        now = datetime.now(UTC)
        labels = {
            "alertname": name,
            "service": "checkout",
            "instance": instance,
            "severity": "critical",
        } | more
        alert: dict[str, Any] = {
            "labels": labels | more,
            "annotations": {"summary": f"{instance} answers 5 % of requests with errors"},
            "startsAt": (now - timedelta(minutes=5)).isoformat(),
        }
        if not firing:
            alert["endsAt"] = (now - timedelta(seconds=1)).isoformat()
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            (await client.post("/api/v2/alerts", json=[alert])).raise_for_status()

    async def answers(self) -> bool:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            try:
                return (await client.get("/-/ready")).status_code == 200
            except httpx.TransportError:
                return False


@asynccontextmanager
async def alertmanager(webhook: str, directory: Path) -> AsyncIterator[Alertmanager]:
    assert BINARY is not None
    config, log = directory / "alertmanager.yml", directory / "alertmanager.log"
    config.write_text(CONFIG.format(webhook=webhook))
    address = f"127.0.0.1:{free_port()}"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            BINARY,
            f"--config.file={config}",
            f"--storage.path={directory / 'storage'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
            stdout=output,
            stderr=output,
        )
    manager = Alertmanager(f"http://{address}", log)
    try:
        await eventually(manager.answers, what="Alertmanager answers")
        yield manager
    finally:
        process.terminate()
        async with asyncio.timeout(20):
            await process.wait()


@dataclass
class Scene:
    """Everything that runs: the workspace, the tool that alerts in it, and Ratchet."""

    slack: LocalSlack
    manager: Alertmanager
    ratchet: RatchetProcess
    conninfo: str
    channel: str

    async def until(
        self, what: str, *expected: tuple[int, bool], alert: str = ALERT, channel: str = ""
    ) -> Any:
        """Until the alert's incidents have these (firings at least, closed), oldest first."""

        async def seen() -> list[Any]:
            found = await rows(self.conninfo, INCIDENTS, channel or self.channel, alert)
            fits = [
                row[4] >= want[0] and row[5] == want[1] for row, want in zip(found, expected, strict=False)
            ]
            return found if len(found) == len(expected) and all(fits) else []

        return await eventually(seen, what=what)

    async def posts(self, marker: str, channel: str = "") -> list[dict[str, Any]]:
        """Alertmanager's own messages with the marker in the title, oldest first."""
        return [
            m
            for m in await self.slack.control.messages(channel or self.channel)
            if any(marker in a.get("title", "") for a in m.get("attachments", ()))
        ]

    async def ours(self, thread_ts: str) -> list[dict[str, Any]]:
        return [m for m in await self.slack.control.messages(self.channel, thread_ts) if "metadata" in m]


@pytest.fixture
async def scene(conninfo: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with LocalSlack.serve() as slack:
        channel = await slack.control.add_channel("ops")
        webhook = await slack.control.webhook(channel, "Alertmanager")
        ratchet = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        async with running(ratchet), alertmanager(webhook, tmp_path) as manager:
            yield Scene(slack, manager, ratchet, conninfo, channel)


async def test_alerts_that_fire_join_repeat_and_resolve_are_one_incident_each_time(scene: Scene) -> None:
    manager = scene.manager
    await manager.alert("web-1")
    (first,) = await scene.until("the first alert opens an incident", (1, False))
    assert first[:4] == ("checkout", "HighErrorRate", "HIGH", "alertmanager")
    await manager.alert("web-2")

    async def joined() -> bool:
        return bool(await scene.posts("[FIRING:2]"))

    await eventually(joined, what="the second alert joins the group")
    await scene.until("joined and repeated notifications are counted", (3, False))
    await manager.alert("web-1", firing=False)
    await manager.alert("web-2", firing=False)
    (closed,) = await scene.until("the incident is closed", (3, True))
    assert closed[6]
    assert len(await scene.posts("[RESOLVED]")) == 1
    await _over_http(scene)


async def _over_http(scene: Scene) -> None:
    response = await scene.ratchet.get("/api/incidents")
    if response.status_code == 503:
        pytest.skip("the HTTP API does not listen; everything before it held")
    answer = response.json()
    listed = answer["incidents"] if isinstance(answer, dict) else answer
    (incident,) = [i for i in listed if i["alert"] == "HighErrorRate"]
    assert (incident["service"], incident["priority"]) == ("checkout", "HIGH")
    assert incident["closed_at"] is not None


async def test_the_second_firing_shows_what_a_person_wrote_under_the_first(scene: Scene) -> None:
    """The first is in another channel: where it was, the same alert within seconds would be flapping."""
    staging = await scene.slack.control.add_channel("staging")
    person = await scene.slack.control.add_user("ada", real_name="Ada")
    await scene.manager.alert("web-1", env="staging")
    await scene.until("the first alert opens an incident", (1, False), channel=staging)
    root = (await scene.posts("[FIRING:1]", staging))[0]["ts"]
    said = await scene.slack.control.post(staging, person, FIX, thread_ts=root)
    await scene.manager.alert("web-1", firing=False, env="staging")
    await scene.until("the incident is closed", (1, True), channel=staging)

    await scene.manager.alert("web-1")
    await scene.until("the alert opens a second incident", (1, False))
    again = (await scene.posts("[FIRING:1]"))[0]["ts"]

    async def answered() -> list[dict[str, Any]]:
        return await scene.ours(again)

    (runbook,) = await eventually(answered, what="a runbook stands under the second firing")
    shown = str(runbook["blocks"])
    assert "kubectl -n shop rollout undo deploy/checkout" in shown
    assert f"/archives/{staging}/p{said.replace('.', '')}" in shown


async def test_alerts_of_another_name_are_another_incident(scene: Scene) -> None:
    await scene.manager.alert("web-1")
    await scene.manager.alert("web-1", name="DiskFull")
    await scene.until("one is open", (1, False))
    await scene.until("the other is open too", (1, False), alert="DiskFull")
    await scene.manager.alert("web-1", firing=False)
    await scene.until("only the resolved one is closed", (1, True))
    await scene.until("the other stays open", (1, False), alert="DiskFull")
