"""What became of pull requests: looked up conditionally, said once in the thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.documents.forge import Checked, Forge
from ratchet.domain.effects import Footer, Reply
from ratchet.domain.errors import RatchetError
from ratchet.jobs.base import Periodic
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.pulls import MODULE
from ratchet.store import pulls
from ratchet.store.pulls import KeptPull

log = structlog.get_logger(__name__)

# An unchanged pull request costs nothing of the forge's limit.
CRON: Final = "* * * * *"
AT_ONCE: Final = 50
MERGED: Final = "[{name}]({url}) was merged: the documents say it now. I read them again."
CLOSED: Final = "[{name}]({url}) was closed without being merged. The documents stay as they are."


@dataclass(frozen=True, slots=True)
class WatchPulls:
    """`refresh` puts a job for each named source."""

    commit: Commit
    forges: Mapping[str, Forge]
    refresh: Callable[[Sequence[str]], Awaitable[int]]

    def periodic(self) -> Periodic:
        return Periodic("pulls", CRON, self.look)

    async def look(self) -> None:
        for pull in await pulls.Pulls(self.commit.db).waiting(AT_ONCE):
            await self._look_at(pull)

    async def _look_at(self, pull: KeptPull) -> None:
        forge = self.forges.get(pull.source)
        found = Checked(None, pull.etag or "")
        try:
            if forge is not None and forge.repository == pull.repository:
                async with forge.session() as session:
                    found = await session.check(pull.number, pull.etag or "")
        except RatchetError as error:
            log.warning("pull_not_checked", source=pull.source, number=pull.number, reason=str(error))
        if found.pull is not None and found.pull.state != "open":
            await self._ended(pull, found.pull.state)
        else:
            await pulls.Pulls(self.commit.db).checked(pull, found.etag or None)

    async def _ended(self, pull: KeptPull, state: str) -> None:
        name = f"{'/'.join(pull.repository.rstrip('/').split('/')[-2:])}#{pull.number}"
        text = (MERGED if state == "merged" else CLOSED).format(name=name, url=pull.url)
        said = Reply(pull.channel_id, pull.thread_ts, text, Footer(MODULE))
        async with self.commit.db.transaction() as conn:
            if await pulls.end(conn, pull, state):
                await self.commit.store(conn, f"pull:{pull.repository}:{pull.number}:{state}", MODULE, [said])
        if state == "merged":
            await self.refresh([pull.source])
        log.info("pull_ended", source=pull.source, number=pull.number, state=state)
