"""The page on which a channel monitor is tried: checked as it is typed, run on messages, none is posted."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ratchet.domain.errors import Transient
from ratchet.handlers.monitor_file import Monitor, check_monitors
from ratchet.handlers.monitor_prompt import Sample
from ratchet.handlers.monitor_trial import as_json
from ratchet.web.html import Pages
from ratchet.web.parameters import clean
from ratchet.web.services import Services

PATH: Final = "/channelmonitor/test"
AT_ONCE: Final = 5
MAX_LAST: Final = 50
WAIT_S: Final = 180.0
EXAMPLE: Final = """\
deployments:
  channel_id: C0123ABCD
  prompt: |
    Does this message announce a deployment? If so, of which service?
    {{.Message.Text}}
  result_schema:
    type: object
    properties:
      deployment: {type: boolean}
      service: {type: [string, "null"]}
    required: [deployment, service]
  executable: jq
  executable_args:
    - -c
    - '{channel_messages: [select(.llm_output.deployment) |
        {channel_id, slack_ts, text: "Noted: \\(.llm_output.service)"}]}'
"""
Text = Annotated[str, Field(max_length=50_000), AfterValidator(clean)]
Short = Annotated[str, Field(max_length=200), AfterValidator(clean)]


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ToCheck(Wanted):
    yaml: Text


class ToFetch(Wanted):
    channel_id: Short
    last: Annotated[int, Field(ge=1, le=MAX_LAST)] = 5


class Said(Wanted):
    text: Text
    user: Short = ""
    name: Short = ""
    slack_ts: Short = ""


class ToRun(Wanted):
    yaml: Text
    monitor: Short
    message: Said
    execute: bool = False


def router(services: Services, pages: Pages) -> APIRouter:
    routes = APIRouter(prefix=PATH, include_in_schema=False)
    at_once = asyncio.Semaphore(AT_ONCE)

    @routes.get("")
    async def show(request: Request) -> HTMLResponse:
        ready = services.monitors is not None and services.monitors.model is not None
        return pages.page(request, "monitor.html", example=EXAMPLE, ready=ready, at_once=AT_ONCE)

    @routes.post("/check")
    async def check(wanted: ToCheck) -> dict[str, Any]:
        """The monitors that are right, and what is wrong with the others."""
        monitors, problems = check_monitors(wanted.yaml)
        channels = {channel.id: channel.name for channel in await services.channels.all()}
        found = [
            {
                "name": one.name,
                "channel_id": one.channel_id,
                "channel": channels.get(one.channel_id),
                "refusal": services.monitors.refusal(one) if services.monitors else "",
            }
            for one in monitors.by_name.values()
        ]
        return {"monitors": found, "problems": problems}

    @routes.post("/messages")
    async def fetch(wanted: ToFetch) -> dict[str, Any]:
        """The newest messages of the channel as recorded, oldest first; Ratchet's own left out."""
        channel = await services.channels.get(wanted.channel_id)
        if channel is None:
            raise HTTPException(
                404, f"No channel is recorded as {wanted.channel_id}. Invite Ratchet to it first."
            )
        found = await services.messages.recent(channel.id, 4 * wanted.last)
        said = [one for one in found if one.sender.kind in ("person", "bot") and one.parent_ts is None]
        return {
            "messages": [
                {"text": one.text, "user": one.sender.id, "name": one.sender.name, "slack_ts": one.ts}
                for one in reversed(said[: wanted.last])
            ]
        }

    @routes.post("/run")
    async def run(wanted: ToRun) -> dict[str, Any]:
        """One message through one monitor."""
        monitor, said = _monitor(wanted), wanted.message
        if services.monitors is None or services.monitors.model is None:
            raise HTTPException(503, "A channel monitor needs a language model; docs/models.md says how.")
        sample = Sample(said.text, said.user, monitor.channel_id, said.slack_ts, said.name)
        try:
            async with at_once, asyncio.timeout(WAIT_S):
                return as_json(await services.monitors.run(monitor, sample, execute=wanted.execute))
        except TimeoutError:
            raise Transient(f"The monitor came to no end within {WAIT_S:g} s") from None

    return routes


def _monitor(wanted: ToRun) -> Monitor:
    """Raises HTTPException 422 with what is wrong."""
    monitors, problems = check_monitors(wanted.yaml)
    monitor = monitors.by_name.get(wanted.monitor)
    if monitor is None:
        raise HTTPException(422, "\n".join(problems) or f"The file has no monitor {wanted.monitor!r}.")
    return monitor
