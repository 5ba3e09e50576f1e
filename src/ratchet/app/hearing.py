"""What hears Slack: socket, intake and acknowledgement, beside everything else (docs/adr/0008)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from ratchet.app.own_loop import in_own_loop
from ratchet.pipeline.history import History
from ratchet.pipeline.pages import Pages
from ratchet.pipeline.receive import Receive, on_connect
from ratchet.pipeline.recover import Recover
from ratchet.slack.socket import SocketHealth, SocketListener
from ratchet.store.pool import open_database


@dataclass(frozen=True, slots=True)
class Hearing:
    """`pages`: of the house's loop; only what belongs to no loop is taken from it."""

    listener: SocketListener
    pages: Pages

    def health(self) -> SocketHealth:
        return self.listener.health()

    async def run(self) -> None:
        """Until cancelled, in a thread with a loop of its own: an acknowledgement waits for no turn's steps.

        Raises what `SocketListener.run` and the intake raise.
        """
        await in_own_loop("intake", self._run)

    async def _run(self) -> None:
        # Its own connections: what arrives is stored also while every job and page uses the database.
        async with open_database(self.pages.db.conninfo, min_size=1, max_size=2) as db:
            pages = replace(self.pages, db=db, intake=replace(self.pages.intake, db=db))
            recover, history = Recover(pages), History(pages)
            receive = Receive(self.listener, pages.intake, recover, pages.me.user_id)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.listener.run(lambda: on_connect(recover, history)))
                group.create_task(receive.run())
