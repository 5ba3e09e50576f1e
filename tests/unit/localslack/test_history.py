from __future__ import annotations

import pytest

from localslack import SlackError
from tests.unit.localslack.builders import Bench


def texts(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [message["text"] for message in answer["messages"]]


def test_history_is_newest_first_and_pages_to_the_oldest() -> None:
    bench = Bench()
    for number in range(7):
        bench.say(str(number))
    first = bench.call("conversations.history", channel=bench.ops.id, limit=3)
    assert texts(first) == ["6", "5", "4"]
    assert first["has_more"]
    seen = texts(first)
    page = first
    while page["has_more"]:
        cursor = page["response_metadata"]["next_cursor"]
        page = bench.call("conversations.history", channel=bench.ops.id, limit=3, cursor=cursor)
        seen += texts(page)
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert "response_metadata" not in page


def test_messages_that_arrive_between_pages_neither_repeat_nor_hide_others() -> None:
    bench = Bench()
    for number in range(4):
        bench.say(str(number))
    first = bench.call("conversations.history", channel=bench.ops.id, limit=2)
    bench.say("new")
    cursor = first["response_metadata"]["next_cursor"]
    assert texts(bench.call("conversations.history", channel=bench.ops.id, limit=2, cursor=cursor)) == [
        "1",
        "0",
    ]


def test_oldest_and_latest_count_only_when_inclusive() -> None:
    bench = Bench()
    stamps = [bench.say(str(number)) for number in range(5)]
    window = {"channel": bench.ops.id, "oldest": stamps[1], "latest": stamps[3]}
    assert texts(bench.call("conversations.history", **window)) == ["2"]
    assert texts(bench.call("conversations.history", **window, inclusive="true")) == ["3", "2", "1"]


def test_history_gives_at_most_999_messages() -> None:
    bench = Bench()
    for number in range(1005):
        bench.say(str(number))
    assert len(bench.call("conversations.history", channel=bench.ops.id, limit=5000)["messages"]) == 999
    assert len(bench.call("conversations.history", channel=bench.ops.id)["messages"]) == 100


def test_history_never_shows_replies_unless_they_were_broadcast() -> None:
    bench = Bench()
    root = bench.say("root")
    bench.say("hidden", thread_ts=root)
    bench.say("shown", thread_ts=root, broadcast=True)
    shown, parent = bench.call("conversations.history", channel=bench.ops.id)["messages"]
    assert (shown["text"], shown["subtype"], shown["root"]["ts"]) == ("shown", "thread_broadcast", root)
    assert parent["thread_ts"] == root
    assert parent["reply_count"] == 2
    assert parent["reply_users"] == [bench.ana.id]
    assert parent["latest_reply"] == shown["ts"]


def test_replies_start_with_the_root_on_every_page_and_go_forward() -> None:
    bench = Bench()
    root = bench.say("root")
    for number in range(5):
        bench.say(str(number), thread_ts=root)
    first = bench.call("conversations.replies", channel=bench.ops.id, ts=root, limit=3)
    assert texts(first) == ["root", "0", "1"]
    cursor = first["response_metadata"]["next_cursor"]
    second = bench.call("conversations.replies", channel=bench.ops.id, ts=root, limit=3, cursor=cursor)
    assert texts(second) == ["root", "2", "3"]
    assert second["messages"][1]["parent_user_id"] == bench.ana.id


def test_replies_to_a_reply_join_its_thread() -> None:
    bench = Bench()
    root = bench.say("root")
    reply = bench.say("one", thread_ts=root)
    bench.say("two", thread_ts=reply)
    assert texts(bench.call("conversations.replies", channel=bench.ops.id, ts=root)) == ["root", "one", "two"]


def test_metadata_comes_back_only_when_asked_for() -> None:
    bench = Bench()
    metadata = {"event_type": "ratchet", "event_payload": {"key": "k"}}
    bench.call("chat.postMessage", channel=bench.ops.id, text="x", metadata=metadata)
    plain = bench.call("conversations.history", channel=bench.ops.id)["messages"][0]
    full = bench.call("conversations.history", channel=bench.ops.id, include_all_metadata="true")["messages"][
        0
    ]
    assert "metadata" not in plain
    assert full["metadata"] == metadata
    assert "metadata" not in bench.events[-1]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"channel": "C404"}, "channel_not_found"),
        ({"channel": "ops"}, "channel_not_found"),
        ({}, "invalid_arguments"),
        ({"cursor": "rubbish!"}, "invalid_cursor"),
        ({"cursor": "cnViYmlzaA=="}, "invalid_cursor"),
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "x"}, "invalid_ts_latest"),
        ({"limit": "many"}, "invalid_limit"),
    ],
)
def test_history_answers_wrong_arguments_with_slacks_codes(args: dict[str, str], code: str) -> None:
    bench = Bench()
    given = args if "channel" in args or not args else {"channel": bench.ops.id, **args}
    with pytest.raises(SlackError, match=code):
        bench.call("conversations.history", **given)


def test_history_needs_membership_and_private_channels_hide() -> None:
    bench = Bench()
    elsewhere = bench.ws.add_channel("elsewhere", members=[bench.ana.id])
    secret = bench.ws.add_channel("secret", kind="private", members=[bench.ana.id])
    with pytest.raises(SlackError, match="not_in_channel"):
        bench.call("conversations.history", channel=elsewhere.id)
    with pytest.raises(SlackError, match="channel_not_found"):
        bench.call("conversations.info", channel=secret.id)
    kinds = "public_channel,private_channel"
    listed = bench.call("conversations.list", types=kinds)["channels"]
    assert [channel["name"] for channel in listed] == ["ops", "elsewhere"]


def test_lists_page_with_cursors() -> None:
    bench = Bench()
    for number in range(5):
        bench.ws.add_channel(f"c{number}")
    names: list[str] = []
    cursor = ""
    while True:
        page = bench.call("conversations.list", limit=2, cursor=cursor)
        names += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert names == ["ops", "c0", "c1", "c2", "c3", "c4"]
    with pytest.raises(SlackError, match="thread_not_found"):
        bench.call("conversations.replies", channel=bench.ops.id, ts="1.000001")
