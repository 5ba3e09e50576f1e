from __future__ import annotations

from typing import Any

import pytest

from localslack import RateLimited, SlackError, api
from localslack.blocks import check_message
from localslack.limits import RateLimits
from tests.unit.localslack.builders import START, Bench


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


FITTING: list[list[dict[str, Any]]] = [
    [section("x" * 3000)],
    [{"type": "header", "text": plain("x" * 150)}],
    [{"type": "divider"}] * 50,
    [{"type": "context", "elements": [plain("x")] * 10}],
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "actions", "elements": [{"type": "button", "text": plain("x" * 75), "value": "v" * 2000}]}],
]

TOO_MUCH: list[tuple[list[dict[str, Any]], str]] = [
    ([section("x" * 3001)], "/blocks/0/text/text"),
    ([section("")], "/blocks/0/text/text"),
    ([{"type": "section", "fields": [plain("x")] * 11}], "/blocks/0/fields"),
    ([{"type": "section", "fields": [plain("x" * 2001)]}], "/blocks/0/fields/0/text"),
    ([{"type": "section"}], "/blocks/0"),
    ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text"),
    ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text"),
    ([{"type": "divider"}] * 51, "/blocks"),
    ([{"type": "context", "elements": [plain("x")] * 11}], "/blocks/0/elements"),
    ([{"type": "actions", "elements": []}], "/blocks/0/elements"),
    ([{"type": "actions", "elements": [{"type": "button", "text": plain("x" * 76)}]}], "/text/text"),
    (
        [{"type": "actions", "elements": [{"type": "button", "text": plain("x"), "value": "v" * 2001}]}],
        "/value",
    ),
    ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}], "/blocks/0/rows/0"),
    ([{"type": "paragraph"}], "/blocks/0/type"),
    ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "/blocks"),
]


@pytest.mark.parametrize("blocks", FITTING)
def test_blocks_at_their_limit_pass(blocks: list[dict[str, Any]]) -> None:
    check_message(blocks)


@pytest.mark.parametrize(("blocks", "where"), TOO_MUCH)
def test_blocks_over_their_limit_are_refused_with_the_place(blocks: list[dict[str, Any]], where: str) -> None:
    with pytest.raises(SlackError, match="invalid_blocks") as error:
        check_message(blocks)
    assert where in error.value.extra["errors"][0]
    assert error.value.extra["response_metadata"]["messages"][0].startswith("[ERROR] ")


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "markdown", "text": "x" * 12_001}],
        [{"type": "markdown", "text": "x" * 6_001}, {"type": "markdown", "text": "x" * 6_000}],
        [section("x" * 3000)] * 5,
    ],
)
def test_a_message_that_is_too_long_as_a_whole_is_refused(blocks: list[dict[str, Any]]) -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_message(blocks)


def test_post_cuts_long_text_and_update_refuses_it() -> None:
    bench = Bench()
    answer = bench.call("chat.postMessage", channel="ops", text="x" * 40_001)
    assert len(answer["message"]["text"]) == 40_000
    assert answer["warning"] == "message_truncated"
    with pytest.raises(SlackError, match="msg_too_long"):
        bench.call("chat.update", channel=bench.ops.id, ts=answer["ts"], text="é" * 2001)


def test_rate_limits_are_off_until_asked_for_and_then_by_tier() -> None:
    bench = Bench()
    limits = RateLimits()
    for _ in range(60):
        api.perform(bench.ws, "conversations.history", {"channel": bench.ops.id}, bench.ws.bot_token, limits)
    limits.enabled = True
    for _ in range(50):
        api.perform(bench.ws, "conversations.history", {"channel": bench.ops.id}, bench.ws.bot_token, limits)
    bench.clock.at = START + 20
    with pytest.raises(RateLimited) as error:
        api.perform(bench.ws, "conversations.history", {"channel": bench.ops.id}, bench.ws.bot_token, limits)
    assert error.value.retry_after == 40
    bench.clock.at = START + 60
    api.perform(bench.ws, "conversations.history", {"channel": bench.ops.id}, bench.ws.bot_token, limits)


def test_posting_is_limited_to_about_one_a_second_per_channel() -> None:
    limits = RateLimits(enabled=True)
    for _ in range(4):
        limits.take_post("C1", 100.0)
    with pytest.raises(RateLimited) as error:
        limits.take_post("C1", 100.0)
    assert error.value.retry_after == 1
    limits.take_post("C2", 100.0)
    limits.take_post("C1", 101.0)
