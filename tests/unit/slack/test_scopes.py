"""Each scope that the app asks for is used, and each that is needed is asked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

from localslack.manifest import EVENT_SCOPES
from ratchet.slack.scopes import OPTIONAL, REQUIRED

ROOT: Final = Path(__file__).resolve().parents[3]
MANIFEST: Final = yaml.safe_load((ROOT / "app-manifest.yml").read_text("utf-8"))
# https://docs.slack.dev/reference/methods
METHOD_SCOPES: Final[dict[str, set[str]]] = {
    "agents.sessions.setStatus": {"assistant:write", "chat:write"},
    "api.test": set(),
    "apps.connections.open": set(),  # the app token's own
    "assistant.threads.setStatus": {"assistant:write"},
    "assistant.threads.setSuggestedPrompts": {"assistant:write"},
    "assistant.threads.setTitle": {"assistant:write"},
    "auth.test": set(),
    "bots.info": {"users:read"},
    "chat.delete": {"chat:write"},
    "chat.getPermalink": set(),
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history"},
    "conversations.info": {"channels:read", "groups:read", "im:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history", "im:history"},
    "files.completeUploadExternal": {"files:write"},
    "reactions.add": {"reactions:write"},
    "usergroups.list": {"usergroups:read"},
    "usergroups.users.list": {"usergroups:read"},
    "users.conversations": {"channels:read", "groups:read", "im:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
    "users.lookupByEmail": {"users:read.email"},
}
# Of what no method and no event says.
WITH_MESSAGES: Final = {"app_mentions:read", "files:read"}


def called() -> set[str]:
    """Every method that our client of Slack names."""
    text = (ROOT / "src/ratchet/slack/web.py").read_text("utf-8")
    return set(re.findall(r'"((?:[a-z]+\.)+[a-zA-Z]+)"', text)) - {"ratchet.slack.sdk"}


def test_every_method_that_is_called_is_known_here() -> None:
    assert called() <= set(METHOD_SCOPES)


def test_what_is_asked_for_is_what_is_used() -> None:
    used = set().union(*(METHOD_SCOPES[method] for method in called()))
    for event in MANIFEST["settings"]["event_subscriptions"]["bot_events"]:
        used |= set(EVENT_SCOPES[event])
    if MANIFEST["features"]["shortcuts"]:
        used.add("commands")
    assert used | WITH_MESSAGES == REQUIRED | set(OPTIONAL)


def test_the_page_on_security_says_why_each_is_needed() -> None:
    text = (ROOT / "docs/security.md").read_text("utf-8").partition("## What the app may do in Slack")[2]
    table = text.partition("\n## ")[0]
    said = set(re.findall(r"`([a-z_.]+(?::[a-z_.]+)?)`", " ".join(re.findall(r"(?m)^\| (`[^|]+) \|", table))))
    assert said - {"connections:write"} == REQUIRED | set(OPTIONAL)
