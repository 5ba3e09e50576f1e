"""The health of the parts that this process runs: each kind of trouble has a part of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ratchet.domain.errors import Transient
from ratchet.web.services import Health, Part

if TYPE_CHECKING:
    from ratchet.app import Ratchet

ANSWER_S: Final = 2.0


async def parts_of(ratchet: Ratchet, roles: Sequence[str]) -> Health:
    """Database, token, socket, worker, queue, and other programs' tools."""
    parts = [*await _database(ratchet, roles), _token(ratchet)]
    if "slack" in roles:
        socket = ratchet.hearing.health()
        state = "connected" if socket.healthy else "disconnected"
        parts.append(Part("socket", socket.healthy, state, socket.problem or ""))
    if "worker" in roles:
        connected = ratchet.worker.connected
        state, reason = ("running", "") if connected else ("stopped", "no connection")
        parts.append(Part("worker", connected, state, reason))
    # One that is away is left out of turns and tried again: no reason to take this process for broken.
    parts += [Part(f"mcp {one.name}", True, one.state, one.problem) for one in ratchet.mcp.status()]
    return Health(tuple(parts))


async def _database(ratchet: Ratchet, roles: Sequence[str]) -> list[Part]:
    """Whether it answers, and whether anybody works on the queue in it."""
    try:
        async with asyncio.timeout(ANSWER_S):
            stuck = await ratchet.store.queue.stuck(ratchet.worker.kinds)
    except (Transient, TimeoutError) as error:
        reason = str(error) or f"no answer within {ANSWER_S:g} s"
        return [Part("database", False, "away", reason)]
    answers = Part("database", True, "connected")
    if stuck is None:
        return [answers, Part("queue", True, "moving")]
    reason = f"jobs of kind {stuck.kind} wait for {stuck.waits_s:.0f} s and nobody works on any"
    # Whose work it is, is not ready; the others do theirs.
    return [answers, Part("queue", "worker" not in roles, "stuck", reason)]


def _token(ratchet: Ratchet) -> Part:
    rejected = ratchet.slack.rejected
    return Part("token", not rejected, "rejected" if rejected else "accepted", rejected)
