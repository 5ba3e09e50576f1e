"""A manifest is read as Slack reads it; an app that is made of one has its scopes and hears its events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from localslack import apps, people, reactions
from localslack.api import perform
from localslack.errors import SlackError
from localslack.manifest import read
from localslack.model import Json
from localslack.workspace import Workspace

OURS: Final = (Path(__file__).resolve().parents[3] / "app-manifest.yml").read_text("utf-8")


def changed(change: Callable[[dict[str, Any]], Any]) -> str:
    whole = yaml.safe_load(OURS)
    change(whole)
    return yaml.safe_dump(whole)


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(SlackError) as caught:
        read(text)
    answer = caught.value.answer()
    assert answer["error"] == "invalid_manifest"
    return [(one["pointer"], one["message"]) for one in answer["errors"]]


def test_ours_is_accepted() -> None:
    manifest = read(OURS)
    assert manifest.socket_mode
    assert {"message.channels", "reaction_added", "member_joined_channel"} <= manifest.events
    assert [one["callback_id"] for one in manifest.shortcuts] == ["update_docs"]


@pytest.mark.parametrize(
    ("event", "scope"),
    [
        ("message.channels", "channels:history"),
        ("message.im", "im:history"),
        ("reaction_added", "reactions:read"),
    ],
)
def test_an_event_without_its_scope_is_refused(event: str, scope: str) -> None:
    text = changed(lambda whole: whole["oauth_config"]["scopes"]["bot"].remove(scope))
    assert ("/settings/event_subscriptions/bot_events", f"{event} requires the scope {scope}") in problems(
        text
    )


def test_private_channels_may_be_left_out_only_with_their_events() -> None:
    def without_private(whole: dict[str, Any]) -> None:
        bot, subscribed = whole["oauth_config"]["scopes"], whole["settings"]["event_subscriptions"]
        bot["bot"] = [one for one in bot["bot"] if not one.startswith("groups:")]
        subscribed["bot_events"] = [one for one in subscribed["bot_events"] if "group" not in one]

    assert not any(scope.startswith("groups:") for scope in read(changed(without_private)).scopes)
    only_scopes = changed(
        lambda whole: [
            whole["oauth_config"]["scopes"]["bot"].remove(f"groups:{one}") for one in ("read", "history")
        ]
    )
    assert len(problems(only_scopes)) == 5


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda whole: whole["settings"].update(socket_mode_enabled=False), "/settings/event_subscriptions"),
        (lambda whole: whole["display_information"].update(name="x" * 36), "/display_information/name"),
        (lambda whole: whole["display_information"].pop("name"), "/display_information/name"),
        (lambda whole: whole["display_information"].update(background_color="blue"), "/display_information/background_color"),
        (lambda whole: whole["oauth_config"]["scopes"]["bot"].append("channels:wirte"), "/oauth_config/scopes/bot"),
        (lambda whole: whole["oauth_config"]["scopes"]["bot"].remove("commands"), "/features/shortcuts"),
        (lambda whole: whole["features"]["shortcuts"][0].update(type="massage"), "/features/shortcuts/0/type"),
        (lambda whole: whole["settings"]["event_subscriptions"]["bot_events"].append("mesage.im"), "/settings/event_subscriptions/bot_events"),
        (lambda whole: whole.update(setings={}), "/setings"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_place(change: Callable[[dict[str, Any]], Any], pointer: str) -> None:
    assert pointer in [place for place, _ in problems(changed(change))]


def test_what_is_no_manifest_is_refused() -> None:
    assert problems("a: [")[0][0] == "/"
    assert problems("just words") == [("/", "not an object")]


@pytest.fixture
def empty() -> Workspace:
    ws = Workspace()
    apps.remove(ws)
    return ws


def test_an_empty_workspace_knows_no_token_and_installs_no_app(empty: Workspace) -> None:
    with pytest.raises(SlackError, match="invalid_auth"):
        perform(empty, "auth.test", {}, "xoxb-localslack-bot")
    with pytest.raises(SlackError, match="no_app"):
        apps.install(empty)


def test_the_bot_token_has_the_scopes_of_the_manifest_and_no_other(empty: Workspace) -> None:
    apps.create(
        empty, changed(lambda whole: whole["oauth_config"]["scopes"]["bot"].remove("users:read.email"))
    )
    token = apps.install(empty)["bot_token"]
    assert perform(empty, "auth.test", {}, token)["ok"]
    with pytest.raises(SlackError, match="missing_scope"):
        perform(empty, "users.lookupByEmail", {"email": "ana@example.com"}, token)
    with pytest.raises(SlackError, match="not_allowed_token_type"):
        perform(empty, "apps.connections.open", {}, token)


def test_a_socket_needs_an_app_token_with_its_scope(empty: Workspace) -> None:
    apps.create(empty, OURS)
    with pytest.raises(SlackError, match="invalid_scope"):
        apps.app_token(empty, [])
    other = apps.app_token(empty, ["authorizations:read"])["app_token"]
    with pytest.raises(SlackError, match="missing_scope"):
        perform(empty, "apps.connections.open", {}, other)
    token = apps.app_token(empty, ["connections:write"])["app_token"]
    assert perform(empty, "apps.connections.open", {}, token)["url"]


def test_the_app_hears_what_it_subscribed_to(empty: Workspace) -> None:
    without = changed(
        lambda whole: whole["settings"]["event_subscriptions"]["bot_events"].remove("reaction_added")
    )
    apps.create(empty, without)
    heard: list[Json] = []
    empty.on_payload.append(lambda payload: heard.append(payload["payload"]["event"]))
    ana = empty.add_user("ana")
    ops = empty.add_channel("ops", members=[ana.id, empty.bot.id])
    message = people.write(empty, ana, ops, {"text": "hello"})
    reactions.add(empty, ops, message["ts"], "eyes", ana.id)
    assert [event["type"] for event in heard] == ["message"]
