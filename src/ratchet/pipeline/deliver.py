"""From the outbox to Slack: one visible message per key, whatever is killed in between."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from ratchet.domain.effects import (
    AskApproval,
    DirectMessage,
    Footer,
    Post,
    React,
    Reply,
    Said,
    Unsay,
    Upload,
)
from ratchet.domain.errors import Refused, Transient
from ratchet.jobs.base import Done, JobContext, Outcome, Snooze
from ratchet.pipeline import work
from ratchet.slack import render
from ratchet.slack.render import Speech
from ratchet.slack.web import SlackWeb
from ratchet.store.outbox import Outbox, OutboxRow
from ratchet.telemetry import DELIVERED, REFUSED

log = structlog.get_logger(__name__)

UNSAY_AGAIN_S: Final = 2.0

KINDS: Final[dict[str, type[Said]]] = {
    "ask_approval": AskApproval,
    "reply": Reply,
    "post": Post,
    "direct_message": DirectMessage,
    "react": React,
    "upload": Upload,
    "unsay": Unsay,
}


def decode(data: Mapping[str, Any]) -> Said:
    """The effect that an outbox row holds as JSON."""
    fields = dict(data)
    if isinstance(fields.get("footer"), dict):
        fields["footer"] = Footer(**fields["footer"])
    return KINDS[fields.pop("kind")](**fields)


@dataclass(frozen=True, slots=True)
class Deliver:
    """Runs delivery jobs. `dev_channel`, when set, receives everything."""

    outbox: Outbox
    slack: SlackWeb
    dev_channel: str | None = None

    async def run(self, job: work.DeliverJob, context: JobContext) -> Outcome:
        row = await self.outbox.get(job.key)
        if row is None or row.effect is None:
            return Done()
        effect = decode(row.effect)
        thread = await self._thread_of(effect) if isinstance(effect, Upload) else None
        if isinstance(thread, Snooze):
            return thread
        try:
            if isinstance(effect, React):
                await self.slack.react(effect.channel_id, effect.ts, effect.reaction)
                posted: list[str] = []
            elif isinstance(effect, Upload):
                posted = await self._upload(row, effect, thread)
            elif isinstance(effect, Unsay):
                posted = await self._unsay(effect)
            else:
                posted = await self._post(row, effect)
        except Refused as refused:
            REFUSED.labels(row.handler).inc()
            log.warning("delivery_refused", key=row.key, reason=str(refused))
            await self.outbox.refused(row.key, str(refused))
            return Done()
        await self.outbox.sent(row.key, posted)
        DELIVERED.labels(row.handler).inc()
        return Done()

    async def _thread_of(self, effect: Upload) -> str | Snooze | None:
        """The ts of the message under which the file goes; None when there will be none."""
        over = await self.outbox.get(effect.thread_key)
        if over is None or over.state == "refused":
            return None
        return (
            over.slack_ts[0] if over.state == "sent" and over.slack_ts else Snooze(1.0, "its message is due")
        )

    async def _upload(self, row: OutboxRow, effect: Upload, thread: str | None) -> list[str]:
        """Share the file, unless an earlier attempt has done so. Its name is its own."""
        if thread is None:
            raise Refused("there is no message to put the file under")
        channel_id = self.dev_channel or effect.channel_id
        if row.state == "sending":
            if (shared := await self.slack.find_file(channel_id, thread, effect.filename)) is not None:
                return [shared]
        else:
            await self.outbox.begin(row.key)
        content = base64.b64decode(effect.content)
        await self.slack.upload(channel_id, effect.filename, content, title=effect.title, thread_ts=thread)
        return []

    async def _unsay(self, effect: Unsay) -> list[str]:
        """Delete what was posted under a key; raises Transient while that is still on its way."""
        row = await self.outbox.get(effect.key)
        if row is not None and row.state in ("pending", "sending"):
            raise Transient("what is to be taken back is not posted yet", retry_after=UNSAY_AGAIN_S)
        for ts in row.slack_ts if row is not None else []:
            try:
                await self.slack.delete(self.dev_channel or effect.channel_id, ts)
            except Refused:
                log.info("unsaid_before", key=effect.key)
        return []

    async def _post(self, row: OutboxRow, effect: Speech) -> list[str]:
        """Post the parts that are not visible yet; the ts of all of them."""
        effect = await self._with_group(effect)
        channel_id, thread_ts = await self._where(effect)
        done = dict(enumerate(row.slack_ts))
        if row.state == "sending":
            # An earlier attempt began: what it posted carries our key.
            done |= await self.slack.find_posted(
                channel_id, row.key, thread_ts=thread_ts, since=_shortly_before(row)
            )
        else:
            await self.outbox.begin(row.key)
        try:
            await self._parts(row, effect, (channel_id, thread_ts), done)
        except Transient as transient:
            # An earlier attempt's post may still come to light, also when this one was put off.
            if transient.retry_after is not None and not done and row.state != "sending":
                await self.outbox.not_begun(row.key, str(transient))
            raise
        return [done[n] for n in sorted(done)]

    async def _with_group(self, effect: Speech) -> Speech:
        """With the id of the user group that it notifies; one that Slack does not know is only named."""
        if not isinstance(effect, Reply) or effect.ping is None or not effect.ping.startswith("@"):
            return effect
        try:
            found = await self.slack.group_of(effect.ping)
        except Refused as refused:
            log.warning("owner_group_unknown", reason=str(refused))
            found = None
        return replace(effect, ping=found or effect.ping)

    async def _parts(
        self, row: OutboxRow, effect: Speech, where: tuple[str, str | None], done: dict[int, str]
    ) -> None:
        for number, part in enumerate(render.render(effect, row.key)):
            if number not in done:
                done[number] = await self.slack.post(
                    where[0], part, thread_ts=where[1], key=row.key, part=number
                )
                await self.outbox.posted(row.key, [done[n] for n in sorted(done)])

    async def _where(self, effect: Speech) -> tuple[str, str | None]:
        if self.dev_channel is not None:
            return self.dev_channel, None
        match effect:
            case (
                Reply(channel_id=channel_id, thread_ts=thread_ts)
                | AskApproval(channel_id=channel_id, thread_ts=thread_ts)
            ):
                return channel_id, thread_ts or None
            case Post(channel_id=channel_id):
                return channel_id, None
            case DirectMessage(user_id=user_id, email=email):
                person = user_id or (await self.slack.user_by_email(email or "")).id
                return await self.slack.open_dm(person), None


def _shortly_before(row: OutboxRow) -> str:
    """A Slack ts before which the post cannot have been made, clocks apart by minutes included."""
    return f"{row.created_at.timestamp() - 600:.6f}"
