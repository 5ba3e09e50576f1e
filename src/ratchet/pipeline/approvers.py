"""Who may approve."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final

import structlog

from ratchet.domain.errors import Refused
from ratchet.slack.web import SlackWeb

log = structlog.get_logger(__name__)

REQUESTER: Final = "requester"


@dataclass(frozen=True, slots=True)
class Approvers:
    """`allowed`: user ids (U…), user groups (S…), `requester` for who asked; empty for everybody."""

    slack: SlackWeb
    allowed: Set[str] = field(default_factory=frozenset)

    async def may(self, user_id: str, asked_by: str) -> bool:
        """Raises Transient when Slack must be asked for a group and does not answer."""
        if not self.allowed or user_id in self.allowed:
            return True
        if REQUESTER in self.allowed and user_id == asked_by:
            return True
        for group in sorted(name for name in self.allowed if name.startswith("S")):
            try:
                if user_id in await self.slack.group_members(group):
                    return True
            except Refused as refused:
                log.warning("approvers_group_unknown", group=group, reason=str(refused))
        return False
