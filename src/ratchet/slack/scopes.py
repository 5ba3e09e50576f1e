"""What the app may do in Slack: as in app-manifest.yml, which a test compares."""

from __future__ import annotations

from typing import Final

# Without one of these, something that Ratchet promises does not work.
REQUIRED: Final = frozenset(
    {
        "app_mentions:read", "assistant:write", "channels:history", "channels:read",
        "chat:write", "files:read", "files:write", "im:history", "im:read", "im:write",
        "reactions:read", "reactions:write",
        "users:read", "users:read.email",
    }
)  # fmt: skip
# What each of these is for, for who left it out.
OPTIONAL: Final = {
    "commands": "the message shortcut “Update docs” is not offered",
    "groups:history": "private channels are not recorded",
    "groups:read": "private channels are not recorded",
    "usergroups:read": "user groups cannot be approvers",
}
