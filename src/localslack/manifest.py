"""An app's manifest, as Slack takes it: read, and refused with every error at its place.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from localslack.errors import SlackError
from localslack.model import Json

# What must be asked for before an event is sent; several: one of them. https://docs.slack.dev/reference/events
EVENT_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "agent_session_stopped": ("assistant:write",),
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "assistant_thread_context_changed": ("assistant:write",),
    "assistant_thread_started": ("assistant:write",),
    "channel_archive": ("channels:read",),
    "channel_created": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_left": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_shared": ("channels:read", "groups:read"),
    "channel_unarchive": ("channels:read",),
    "channel_unshared": ("channels:read", "groups:read"),
    "group_archive": ("groups:read",),
    "group_deleted": ("groups:read",),
    "group_left": ("groups:read",),
    "group_rename": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "tokens_revoked": (),
    "app_uninstalled": (),
}
BOT_SCOPES: Final = frozenset(
    f"{what}:{right}"
    for what, rights in {
        "app_mentions": ("read",),
        "assistant": ("write",),
        "bookmarks": ("read", "write"),
        "channels": ("history", "join", "manage", "read"),
        "chat": ("write", "write.customize", "write.public"),
        "emoji": ("read",),
        "files": ("read", "write"),
        "groups": ("history", "read", "write"),
        "im": ("history", "read", "write"),
        "links": ("read", "write"),
        "mpim": ("history", "read", "write"),
        "pins": ("read", "write"),
        "reactions": ("read", "write"),
        "team": ("read",),
        "usergroups": ("read", "write"),
        "users": ("read", "read.email", "write"),
    }.items()
    for right in rights
) | {"commands", "incoming-webhook", "users.profile:read"}
SECTIONS: Final = frozenset(
    {"_metadata", "display_information", "features", "oauth_config", "settings", "functions"}
)
LONGEST: Final = {
    "/display_information/name": 35,
    "/display_information/description": 140,
    "/features/bot_user/display_name": 80,
    "/features/agent_view/agent_description": 300,
}
COLOUR: Final = re.compile(r"#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?")

Error = tuple[str, str]
"""Where, as a JSON pointer, and what."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an app is and asks for."""

    bot_name: str
    scopes: frozenset[str]
    events: frozenset[str]
    socket_mode: bool
    shortcuts: tuple[Json, ...]


def read(text: str) -> Manifest:
    """YAML or JSON. Raises SlackError `invalid_manifest`, with every error and its place."""
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _refused([("/", f"not YAML or JSON: {error}")]) from None
    if not isinstance(whole, dict):
        raise _refused([("/", "not an object")])
    if errors := list(_errors(whole)):
        raise _refused(errors)
    bot = _at(whole, "/features/bot_user/display_name")
    return Manifest(
        bot_name=str(bot),
        scopes=frozenset(_at(whole, "/oauth_config/scopes/bot") or ()),
        events=frozenset(_at(whole, "/settings/event_subscriptions/bot_events") or ()),
        socket_mode=bool(_at(whole, "/settings/socket_mode_enabled")),
        shortcuts=tuple(_at(whole, "/features/shortcuts") or ()),
    )


def _refused(errors: list[Error]) -> SlackError:
    return SlackError(
        "invalid_manifest", errors=[{"message": what, "pointer": where} for where, what in errors]
    )


def _at(whole: Json, pointer: str) -> Any:
    found: Any = whole
    for part in pointer.split("/")[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _errors(whole: Json) -> Iterator[Error]:
    yield from ((f"/{name}", "unknown section") for name in whole if name not in SECTIONS)
    yield from _texts(whole)
    scopes = set(_at(whole, "/oauth_config/scopes/bot") or ())
    yield from (("/oauth_config/scopes/bot", f"no such scope: {one}") for one in sorted(scopes - BOT_SCOPES))
    if scopes and not _at(whole, "/features/bot_user"):
        yield "/oauth_config/scopes/bot", "bot scopes require a bot user in features"
    yield from _events(whole, scopes)
    yield from _shortcuts(whole, scopes)


def _texts(whole: Json) -> Iterator[Error]:
    if not _at(whole, "/display_information/name"):
        yield "/display_information/name", "required"
    for pointer, longest in LONGEST.items():
        if len(str(_at(whole, pointer) or "")) > longest:
            yield pointer, f"longer than {longest} characters"
    colour = _at(whole, "/display_information/background_color")
    if colour is not None and not COLOUR.fullmatch(str(colour)):
        yield "/display_information/background_color", "not a colour such as #1f3a5f"


def _events(whole: Json, scopes: set[str]) -> Iterator[Error]:
    place = "/settings/event_subscriptions"
    events = _at(whole, f"{place}/bot_events") or ()
    socket = bool(_at(whole, "/settings/socket_mode_enabled"))
    if events and not socket and not _at(whole, f"{place}/request_url"):
        yield place, "event subscriptions require a request URL or Socket Mode"
    interactive = bool(_at(whole, "/settings/interactivity/is_enabled"))
    if interactive and not socket and not _at(whole, "/settings/interactivity/request_url"):
        yield "/settings/interactivity", "interactivity requires a request URL or Socket Mode"
    for event in events:
        needed = EVENT_SCOPES.get(event)
        if needed is None:
            yield f"{place}/bot_events", f"no such event: {event}"
        elif needed and not scopes & set(needed):
            yield f"{place}/bot_events", f"{event} requires the scope {' or '.join(needed)}"


def _shortcuts(whole: Json, scopes: set[str]) -> Iterator[Error]:
    shortcuts = _at(whole, "/features/shortcuts") or ()
    if shortcuts and "commands" not in scopes:
        yield "/features/shortcuts", "shortcuts require the scope commands"
    for number, shortcut in enumerate(shortcuts):
        place = f"/features/shortcuts/{number}"
        for name, longest in {"name": 24, "callback_id": 255, "description": 150}.items():
            text = str(shortcut.get(name) or "")
            if not 0 < len(text) <= longest:
                yield f"{place}/{name}", f"required, at most {longest} characters"
        if shortcut.get("type") not in ("message", "global"):
            yield f"{place}/type", "message or global"
