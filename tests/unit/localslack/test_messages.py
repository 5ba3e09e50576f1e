from __future__ import annotations

from typing import Any

import pytest

from localslack import SlackError, api, channels, messages, people, reactions, webhooks
from tests.unit.localslack.builders import Bench


def test_stamps_are_unique_and_increase_while_the_clock_stands_still() -> None:
    bench = Bench()
    stamps = [bench.say(str(number)) for number in range(50)]
    assert stamps == sorted(set(stamps))
    assert stamps[0].startswith("1700000000.")


def test_a_bots_post_carries_user_bot_and_app_and_no_subtype() -> None:
    bench = Bench()
    answer = bench.call("chat.postMessage", channel="#ops", text="hello")
    message = answer["message"]
    assert answer["channel"] == bench.ops.id
    assert (message["user"], message["bot_id"]) == (bench.ws.bot.id, bench.ws.bot.bot_id)
    assert message["app_id"] == message["bot_profile"]["app_id"] == bench.ws.app_id
    assert "subtype" not in message
    event = bench.events[-1]
    assert event == {**message, "channel": bench.ops.id, "event_ts": message["ts"], "channel_type": "channel"}


def test_a_webhooks_post_is_a_bot_message_in_the_channel_its_payload_names() -> None:
    bench = Bench()
    attachment = {"title": "t", "text": "", "color": "danger", "fallback": "f"}
    payload = {"channel": "#ops", "username": "Alertmanager", "attachments": [attachment]}
    message = webhooks.receive(bench.ws, "T1/B1/x", payload)
    assert (message["subtype"], message["username"]) == ("bot_message", "Alertmanager")
    assert message["bot_id"].startswith("B")
    assert "user" not in message
    assert message["attachments"] == [{"id": 1, "title": "t", "color": "a30200", "fallback": "f"}]


def test_attachments_come_back_normalised() -> None:
    bench = Bench()
    sent = [
        {"text": "a", "color": "#36A64F"},
        {"color": "good", "blocks": [{"type": "divider"}]},
        {"title": "b", "color": "warning"},
    ]
    read = bench.call("chat.postMessage", channel="ops", attachments=sent)["message"]["attachments"]
    assert [item["id"] for item in read] == [1, 2, 3]
    assert [item["color"] for item in read] == ["36A64F", "2eb886", "daa038"]
    assert read[1]["fallback"] == "[no preview available]"
    assert read[1]["blocks"][0]["block_id"]


def test_an_edit_is_announced_with_both_forms_and_its_own_ts() -> None:
    bench = Bench()
    ts = bench.say("before")
    people.rewrite(bench.ws, bench.ops, ts, {"text": "after"})
    event = bench.events[-1]
    assert event["subtype"] == "message_changed"
    assert event["ts"] > ts
    assert (event["message"]["ts"], event["message"]["text"]) == (ts, "after")
    assert event["previous_message"]["text"] == "before"
    assert event["message"]["edited"]["user"] == bench.ana.id


def test_a_delete_is_announced_and_leaves_nothing() -> None:
    bench = Bench()
    root = bench.say("root")
    reply = bench.say("reply", thread_ts=root)
    messages.delete(bench.ws, bench.ops, reply)
    event = bench.events[-1]
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", reply)
    (message,) = bench.call("conversations.history", channel=bench.ops.id)["messages"]
    assert "reply_count" not in message


def test_deleting_the_root_of_a_thread_leaves_a_tombstone() -> None:
    bench = Bench()
    root = bench.say("secret")
    bench.say("reply", thread_ts=root)
    messages.delete(bench.ws, bench.ops, root)
    event = bench.events[-1]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    assert "secret" not in str(bench.call("conversations.replies", channel=bench.ops.id, ts=root))


def test_only_channels_with_the_bot_make_events() -> None:
    bench = Bench()
    quiet = bench.ws.add_channel("quiet", members=[bench.ana.id])
    bench.say("unheard", channel=quiet)
    assert not bench.sent
    channels.join(bench.ws, quiet, bench.ws.bot)
    assert [event["type"] for event in bench.events] == ["member_joined_channel", "message"]


def test_a_removed_bot_hears_channel_left_and_then_nothing() -> None:
    bench = Bench()
    channels.leave(bench.ws, bench.ops, bench.ben)
    assert bench.events[-2]["type"] == "member_left_channel"
    bench.sent.clear()
    channels.leave(bench.ws, bench.ops, bench.ws.bot)
    bench.say("unheard")
    assert [event["type"] for event in bench.events] == ["channel_left"]


def test_rename_archive_and_unarchive_are_announced() -> None:
    bench = Bench()
    channels.rename(bench.ws, bench.ops, "oncall", by=bench.ana.id)
    channels.archive(bench.ws, bench.ops, by=bench.ana.id)
    with pytest.raises(SlackError, match="is_archived"):
        bench.call("chat.postMessage", channel=bench.ops.id, text="x")
    channels.archive(bench.ws, bench.ops, by=bench.ana.id, archived=False)
    kinds = [event["type"] for event in bench.events if event["type"] != "message"]
    assert kinds == ["channel_rename", "channel_archive", "channel_unarchive"]
    assert bench.events[0]["channel"]["name"] == "oncall"


def test_a_mention_arrives_twice_when_mentions_are_subscribed() -> None:
    bench = Bench(app_mentions=True)
    bench.say(f"<@{bench.ws.bot.id}> hi")
    first, second = (item["payload"] for item in bench.sent)
    assert (first["event"]["type"], second["event"]["type"]) == ("message", "app_mention")
    assert first["event"]["ts"] == second["event"]["ts"]
    assert first["event_id"] != second["event_id"]


def test_reactions_are_sets_of_people() -> None:
    bench = Bench()
    ts = bench.say("x")
    for user in (bench.ana, bench.ben):
        reactions.add(bench.ws, bench.ops, ts, "eyes", user.id)
    with pytest.raises(SlackError, match="already_reacted"):
        reactions.add(bench.ws, bench.ops, ts, "eyes", bench.ana.id)
    reactions.remove(bench.ws, bench.ops, ts, "eyes", bench.ana.id)
    read = bench.call("reactions.get", channel=bench.ops.id, timestamp=ts)["message"]["reactions"]
    assert read == [{"name": "eyes", "users": [bench.ben.id], "count": 1}]
    assert bench.events[-1]["type"] == "reaction_removed"
    assert bench.events[-1]["item"] == {"type": "message", "channel": bench.ops.id, "ts": ts}


def test_people_type_and_slack_stores_marks() -> None:
    bench = Bench()
    body = {"text": "@ben look at https://x.example/a?b=1&c=2 in #ops, 1 < 2 `@ana`", "typed": True}
    message = people.write(bench.ws, bench.ana, bench.ops, body)
    assert message["text"] == (
        f"<@{bench.ben.id}> look at <https://x.example/a?b=1&amp;c=2>"
        f" in <#{bench.ops.id}|ops>, 1 &lt; 2 `@ana`"
    )
    kinds = [element["type"] for element in message["blocks"][0]["elements"][0]["elements"]]
    assert kinds == ["user", "text", "link", "text", "channel", "text", "text"]


def test_files_make_a_file_share() -> None:
    bench = Bench()
    message = people.write(bench.ws, bench.ana, bench.ops, {"files": ["graph.png"]})
    assert message["subtype"] == "file_share"
    assert message["files"][0]["title"] == "graph.png"


def test_update_takes_old_blocks_away_when_only_text_is_given() -> None:
    bench = Bench()
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]
    ts = bench.call("chat.postMessage", channel="ops", text="x", blocks=blocks)["ts"]
    assert "blocks" not in bench.call("chat.update", channel=bench.ops.id, ts=ts, text="y")["message"]


def test_a_direct_message_is_a_channel_of_its_own() -> None:
    bench = Bench()
    answer = bench.call("chat.postMessage", channel=bench.ana.id, text="psst")
    assert answer["channel"].startswith("D")
    assert bench.call("conversations.open", users=bench.ana.id)["channel"]["id"] == answer["channel"]
    assert bench.events[-1]["channel_type"] == "im"


def test_another_app_posts_as_itself() -> None:
    bench = Bench()
    user = bench.ws.add_app("alertmanager", "xoxb-other")
    args = {"channel": "#ops", "username": "Alertmanager", "attachments": [{"title": "t"}]}
    message = api.perform(bench.ws, "chat.postMessage", args, "xoxb-other")["message"]
    assert (message["bot_id"], message["subtype"]) == (user.bot_id, "bot_message")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("chat.postMessage", {"channel": "ops"}, "no_text"),
    ("chat.postMessage", {"channel": "nowhere", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "ops", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    ("chat.postMessage", {"channel": "ops", "text": "x", "thread_ts": "x"}, "invalid_thread_ts"),
    ("chat.postMessage", {"channel": "ops", "blocks": "{"}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": "ops", "text": "x", "metadata": "[]"}, "invalid_metadata_format"),
    ("chat.update", {"channel": "ops", "ts": "1.0", "text": "x"}, "channel_not_found"),
    ("users.info", {"user": "U404"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "no@example.com"}, "users_not_found"),
    ("bots.info", {"bot": "B404"}, "bot_not_found"),
    ("views.open", {"trigger_id": "x", "view": {"type": "modal"}}, "invalid_arguments"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
    ("chat.unheardOf", {}, "unknown_method"),
]


@pytest.mark.parametrize(("method", "args", "code"), REFUSED)
def test_calls_are_refused_with_slacks_codes(method: str, args: dict[str, Any], code: str) -> None:
    with pytest.raises(SlackError, match=f"^{code}$"):
        Bench().call(method, **args)


def test_nobody_edits_what_others_wrote() -> None:
    bench = Bench()
    ts = bench.say("mine")
    for method, code in (("chat.update", "cant_update_message"), ("chat.delete", "cant_delete_message")):
        with pytest.raises(SlackError, match=code):
            bench.call(method, channel=bench.ops.id, ts=ts, text="x")
    with pytest.raises(SlackError, match="message_not_found"):
        bench.call("chat.update", channel=bench.ops.id, ts="1.000001", text="x")


def test_tokens_are_checked() -> None:
    bench = Bench(scopes=["chat:write"])
    with pytest.raises(SlackError, match="not_authed"):
        api.perform(bench.ws, "auth.test", {}, None)
    with pytest.raises(SlackError, match="invalid_auth"):
        api.perform(bench.ws, "auth.test", {}, "xoxb-wrong")
    with pytest.raises(SlackError, match="missing_scope") as error:
        bench.call("conversations.history", channel=bench.ops.id)
    assert error.value.extra == {"needed": "channels:history", "provided": "chat:write"}
    bench.ws.tokens[bench.ws.bot_token].revoked = True
    with pytest.raises(SlackError, match="token_revoked"):
        bench.call("auth.test")
