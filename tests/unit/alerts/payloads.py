"""How the hand-made payloads are built, and what is said about each.

`...` in an answer means: not judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPEN, CLOSE, NONE = "open_incident", "close_incident", "none"
AM = "http://alertmanager.example.org:9093/#/alerts?receiver=team-a"


@dataclass(frozen=True)
class Variant:
    """`alert` and `service` are compared unless they are `...`."""

    name: str
    payload: Mapping[str, Any]
    action: str
    alert: Any = ...
    service: Any = ...
    priority: Any = ...
    severity: Any = ...
    tool: Any = ...


def bot(text: str = "", *, name: str = "", **more: Any) -> dict[str, Any]:
    """A message as Slack delivers it from a bot."""
    profile = {"bot_profile": {"id": "B1", "name": name}} if name else {}
    return {"type": "message", "ts": "1.1", "bot_id": "B1", "user": "UBOT", "text": text, **profile, **more}


def card(
    title: str, colour: str = "a30200", *, name: str = "", text: str = "", **more: Any
) -> dict[str, Any]:
    """A message with one attachment."""
    body = {"id": 1, "title": title, "fallback": title, "color": colour, "text": text, **more}
    return bot(name=name, attachments=[{key: value for key, value in body.items() if value}])


def fields(**values: str) -> list[dict[str, Any]]:
    return [{"title": key.replace("_", " "), "value": value, "short": True} for key, value in values.items()]


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}
