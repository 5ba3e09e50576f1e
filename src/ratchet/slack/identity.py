"""Who Ratchet is in the workspace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Ratchet's own ids, from auth.test. "" for one that Slack did not tell; it then matches nothing."""

    user_id: str
    bot_id: str = ""
    app_id: str = ""
    team_id: str = ""


NOBODY = Identity("")


@dataclass(frozen=True, slots=True)
class Account:
    """What auth.test says: who we are, in which team, with which scopes."""

    identity: Identity
    team_name: str
    team_url: str
    scopes: frozenset[str]
