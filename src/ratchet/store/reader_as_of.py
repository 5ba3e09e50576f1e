"""The record as it was when a question was asked, as far as it tells: for asking the question again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Message, MessageRef
from ratchet.store.messages import Messages
from ratchet.store.pool import Database
from ratchet.store.reader import AlertOfThread, Reader


class MessagesAsOf(Messages):
    """What people had written under alerts by `moment`; their reactions are those of now."""

    def __init__(self, db: Database, moment: datetime) -> None:
        super().__init__(db)
        self._moment = moment

    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]:
        return [m for m in await super().triage(roots, per_thread) if m.posted_at < self._moment]

    async def touched(self, roots: Sequence[MessageRef]) -> set[MessageRef]:
        return {MessageRef(m.channel_id, m.thread_ts) for m in await self.triage(roots)}


class ReaderAsOf(Reader):
    """Leaves out messages of `moment` and later, firings and closes of later. `thread` is how the question's own
    thread read then, the question last.

    Known limits: messages have their present text; how often an alert had fired counts what came later too.
    """

    def __init__(self, db: Database, moment: datetime, thread: Sequence[Message]) -> None:
        super().__init__(db, until=moment)
        self._moment = moment
        self._thread = thread

    async def read_thread(
        self, channel_id: str, ts: str, *, visible_from: str, limit: int = 200
    ) -> Sequence[Message]:
        if self._is_own(channel_id, ts):
            return _newest(self._thread, limit)
        found = await super().read_thread(channel_id, ts, visible_from=visible_from, limit=1000)
        return _newest([message for message in found if message.posted_at < self._moment], limit)

    def _is_own(self, channel_id: str, ts: str) -> bool:
        """Whether that message is of the question's own thread, recorded still or not."""
        return any(m.channel_id == channel_id and ts in (m.ts, m.thread_ts) for m in self._thread)

    async def list_incidents(  # as the Protocol
        self,
        *,
        visible_from: str,
        since: datetime,
        channel_id: str | None = None,
        alert: str | None = None,
        service: str | None = None,
        still_open: bool = False,
        limit: int = 100,
    ) -> Sequence[Incident]:
        # Those that opened later are newer, so they would fill the list: ask for more and leave them out.
        found = await super().list_incidents(
            visible_from=visible_from,
            since=since,
            channel_id=channel_id,
            alert=alert,
            service=service,
            limit=10 * limit + 1000,
        )
        then = [self._then(incident) for incident in found if incident.opened_at < self._moment]
        return [one for one in then if one.state == "open" or not still_open][:limit]

    def _then(self, incident: Incident) -> Incident:
        """Not closed yet, when it was closed later; acknowledged only if it was by then."""
        if incident.acknowledged_at is not None and incident.acknowledged_at >= self._moment:
            incident = replace(incident, acknowledged_at=None)
        if not incident.open_at(self._moment):
            return incident
        last_at = min(incident.last_at, self._moment)
        return replace(incident, closed_at=None, close_ts=None, state="open", last_at=last_at)

    async def alert_of(self, channel_id: str, thread_ts: str) -> AlertOfThread | None:
        found = await super().alert_of(channel_id, thread_ts)
        if found is None or found.opened_at >= self._moment:
            return None
        later = found.closed_at is not None and found.closed_at >= self._moment
        return replace(found, closed_at=None) if later else found

    async def said_after(self, channel_id: str, thread_ts: str, ts: str) -> Sequence[str]:
        """Nothing had been said yet."""
        return []

    async def stopped_after(self, channel_id: str, thread_ts: str, ts: str) -> bool:
        """Nor stopped."""
        return False


def _newest(thread: Sequence[Message], limit: int) -> Sequence[Message]:
    """The root and the newest, as `ThreadReader.read_thread` has it."""
    return thread if len(thread) <= limit else [thread[0], *thread[len(thread) - limit + 1 :]]
