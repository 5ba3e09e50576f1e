"""Effects -> messages within Slack's limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.domain.effects import DirectMessage, Footer, Post, Reply
from ratchet.slack.render import (
    MESSAGE_LIMIT,
    SECTION_LIMIT,
    Block,
    OutgoingMessage,
    footer_text,
    parse_feedback,
    render,
)
from ratchet.slack.split import size

FOOTER = Footer("runbook", model="m", model_calls=3, tokens=1234, cost_usd=0.0012, seconds=2.14)


def reply(markdown: str, *, footer: Footer | None = None, feedback: bool = False) -> list[OutgoingMessage]:
    return render(Reply("C1", "1700000000.000100", markdown, footer, feedback), "runbook:C1:1:0")


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    return [text for item in value for text in strings(item)] if isinstance(value, list | tuple) else []


def text_of(blocks: tuple[Block, ...]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "markdown")


def test_a_short_answer_is_one_markdown_block_with_its_mrkdwn_form_beside_it() -> None:
    (message,) = reply("**Restart** it")
    assert message.blocks == ({"type": "markdown", "text": "**Restart** it"},)
    (section,) = message.fallback_blocks
    assert section["text"]["text"] == "*Restart* it"
    assert message.text == "Restart it"


def test_nothing_to_say_is_no_message() -> None:
    assert reply(" \n\n ") == []


def test_the_footer_names_the_module_and_what_is_known() -> None:
    assert footer_text(FOOTER) == "[module:runbook] · m · 3 calls · 1,234 tokens · $0.0012 · 2.1 s"
    assert footer_text(Footer("report", model_calls=1, cost_usd=2.5)) == "[module:report] · 1 call · $2.50"
    assert footer_text(Footer("assistant")) == "[module:assistant]"


def test_footer_and_feedback_stand_under_the_last_message_only() -> None:
    messages = reply("paragraph\n\n" * 3000, footer=FOOTER, feedback=True)
    assert len(messages) > 2
    for message in messages[:-1]:
        assert [block["type"] for block in message.blocks] == ["markdown"]
    assert [block["type"] for block in messages[-1].blocks] == ["markdown", "context", "context_actions"]
    assert [block["type"] for block in messages[-1].fallback_blocks][-2:] == ["context", "actions"]


def test_feedback_buttons_carry_the_effects_key() -> None:
    (message,) = reply("x", feedback=True)
    element = message.blocks[-1]["elements"][0]
    assert parse_feedback(element["positive_button"]["value"]) == ("up", "runbook:C1:1:0")
    assert parse_feedback(message.fallback_blocks[-1]["elements"][1]["value"]) == ("down", "runbook:C1:1:0")
    assert parse_feedback("sideways:k") is None
    assert parse_feedback("up") is None


def test_posts_and_direct_messages_are_rendered_the_same_way() -> None:
    assert render(Post("C1", "x", FOOTER), "k")[0].blocks[-1]["type"] == "context"
    assert render(DirectMessage("x", user_id="U1"), "k")[0].blocks == ({"type": "markdown", "text": "x"},)


def test_nul_carriage_returns_and_lone_surrogates_are_not_sent() -> None:
    (message,) = reply("a\x00b\r\nc\ud800\x07d")
    assert text_of(message.blocks) == "ab\nc\ufffdd"


@pytest.mark.parametrize("ping", ["<!here>", "<!subteam^S1|@ops>", "@channel"])
def test_a_quoted_ping_reaches_nobody(ping: str) -> None:
    for message in reply(f"they wrote: {ping}\n```\n{ping}\n```", footer=Footer(ping, model=ping)):
        for text in strings([message.text, message.blocks, message.fallback_blocks]):
            assert ping not in text
            assert "<!" not in text


LINES = st.sampled_from(
    [
        "", "word " * 30, "```", "```yaml", "- item & <tag>", "&" * 300, "# Head",
        "[a](https://example.org/x)", "😀" * 50, "漢字" * 90, "> quote", "x" * 700, "@here **b**",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=20)
@given(st.lists(LINES, min_size=1, max_size=120).map("\n".join), st.integers(1, 12), st.booleans())
def test_every_message_keeps_slacks_limits_in_both_forms(markdown: str, times: int, feedback: bool) -> None:
    for message in reply("\n".join([markdown] * times), footer=FOOTER, feedback=feedback):
        assert 0 < len(message.text) <= 1600
        for blocks in (message.blocks, message.fallback_blocks):
            assert 1 <= len(blocks) <= 50
            assert sum(size(text) for text in strings(blocks)) <= MESSAGE_LIMIT + 60 * len(blocks)
        for block in message.fallback_blocks:
            if block["type"] == "section":
                assert 0 < size(block["text"]["text"]) <= SECTION_LIMIT


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(["", "one", "two words", "- item", "漢字"]), min_size=1, max_size=40))
def test_the_messages_together_say_the_same_text(lines: list[str]) -> None:
    markdown = "\n".join(lines * 60)
    joined = "".join(text_of(message.blocks) for message in reply(markdown))
    assert joined.split() == markdown.split()


def test_forty_thousand_ampersands_still_fit() -> None:
    messages = reply("&" * 40_000)
    assert sum(text_of(message.blocks).count("&") for message in messages) == 40_000
    for message in messages:
        sections = [block["text"]["text"] for block in message.fallback_blocks]
        assert sum(map(len, sections)) <= MESSAGE_LIMIT
        assert max(map(len, sections)) <= SECTION_LIMIT
