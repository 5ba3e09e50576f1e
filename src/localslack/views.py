"""Modals and Home tabs, and the short-lived trigger ids that open modals."""

from __future__ import annotations

from localslack.errors import SlackError
from localslack.model import Json, User, View
from localslack.workspace import Workspace

TRIGGER_SECONDS = 3.0


def new_trigger(ws: Workspace, user: User) -> str:
    trigger = f"{ws.count('trigger')}.localslack.{user.id}"
    ws.triggers[trigger] = (ws.clock(), user.id)
    return trigger


def take_trigger(ws: Workspace, trigger: str) -> str:
    """The user who clicked. Raises invalid_trigger_id, expired_trigger_id, and on a second use
    exchanged_trigger_id."""
    made, user = ws.triggers.get(trigger, (None, ""))
    if made is None:
        raise SlackError("invalid_trigger_id")
    if not user:
        raise SlackError("exchanged_trigger_id")
    if ws.clock() - made > TRIGGER_SECONDS:
        raise SlackError("expired_trigger_id")
    ws.triggers[trigger] = (made, "")
    return user


def store(ws: Workspace, user: str, content: Json) -> View:
    view = View(ws.new_id("V"), user, content, f"{ws.now()}.{ws.count('hash')}")
    ws.views[view.id] = view
    ws.changed("view", view=view.id, user=user)
    return view


def replace(ws: Workspace, view: View, content: Json) -> None:
    view.content, view.hash = content, f"{ws.now()}.{ws.count('hash')}"
    ws.changed("view", view=view.id, user=view.user)


def as_json(ws: Workspace, view: View, values: Json | None = None) -> Json:
    return {
        **view.content,
        "id": view.id,
        "team_id": ws.team_id,
        "app_id": ws.app_id,
        "bot_id": ws.bot.bot_id,
        "hash": view.hash,
        "private_metadata": view.content.get("private_metadata", ""),
        "callback_id": view.content.get("callback_id", ""),
        "state": {"values": values or {}},
        "root_view_id": view.id,
        "previous_view_id": None,
    }
