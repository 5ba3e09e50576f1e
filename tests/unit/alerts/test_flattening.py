"""All words of a message in one string, in Slack's order, each once."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.alerts import flatten


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def test_the_parts_come_in_the_order_that_people_read() -> None:
    message = {
        "files": [{"title": "graph.png"}],
        "attachments": [
            {
                "fallback": "unseen words",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "inner"}}],
                "fields": [{"title": "Host", "value": "web-1"}, {"title": "rate", "value": 8.3}],
                "text": "body",
                "title": "title",
                "pretext": "pre",
            }
        ],
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "head"}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "part"},
                "fields": [{"type": "mrkdwn", "text": "field"}],
            },
            {"type": "context", "elements": [{"type": "image"}, {"type": "mrkdwn", "text": "small"}]},
            {"type": "markdown", "text": "marked"},
        ],
        "text": "top",
    }
    assert flatten(message).splitlines() == [
        *("top", "head", "part", "field", "small", "marked"),
        *("pre", "title", "body", "Host: web-1", "rate: 8.3", "inner", "unseen words", "graph.png"),
    ]


def test_what_was_said_already_is_left_out() -> None:
    message = {
        "text": "*Disk* is full",
        "blocks": [
            rich(
                {"type": "text", "text": "Disk", "style": {"bold": True}},
                {"type": "text", "text": " is full"},
            )
        ],
        "attachments": [{"title": "Disk is full", "fallback": "Disk is full | http://x.example.org"}],
    }
    assert flatten(message) == "*Disk* is full"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (
            "see <https://x.example.org/a?b=1&amp;c=2|the board>",
            "see the board (https://x.example.org/a?b=1&c=2)",
        ),
        ("<https://x.example.org>", "https://x.example.org"),
        ("<mailto:a@example.org|a@example.org>", "a@example.org"),
        ("<@U12> and <@U12|ann>", "<@U12> and <@U12>"),
        ("<#C12|ops> <#C13>", "#ops <#C13>"),
        ("<!here> <!subteam^S1|@sre> <!subteam^S2>", "@here @sre <!subteam^S2>"),
        ("<!date^1700000000^{date}|14 Nov>", "14 Nov"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
        ("a<b & c>d", "a<b & c>d"),
    ],
)
def test_slack_escapes_become_readable(raw: str, shown: str) -> None:
    assert flatten({"text": raw}) == shown


def test_rich_text_lists_links_and_people_are_kept() -> None:
    block = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U1"}]},
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "link", "url": "https://x.example.org", "text": "x & y"}],
                    },
                ],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a <b> c"}]},
            {"type": "rich_text_section", "elements": [{"type": "emoji", "name": "fire"}]},
        ],
    }
    assert flatten({"blocks": [block]}) == "• <@U1>\n• x & y (https://x.example.org)\na <b> c\n:fire:"


def test_a_table_is_read_row_by_row() -> None:
    cell = {"type": "raw_text", "text": "host"}
    rich_cell = rich({"type": "text", "text": "web-1"})
    assert flatten({"blocks": [{"type": "table", "rows": [[cell, rich_cell]]}]}) == "host | web-1"


def test_no_preview_available_is_no_text() -> None:
    nothing = "[no preview available]"
    assert flatten({"text": nothing, "attachments": [{"fallback": nothing}]}) == ""


def test_what_postgresql_refuses_is_taken_out() -> None:
    assert flatten({"text": "a\x00b \ud800 c \ud83d\ude00"}) == "ab  c 😀"


def test_a_text_of_40000_characters_is_kept_whole() -> None:
    text = "word " * 8000
    assert flatten({"text": text}) == text.strip()


def test_signs_without_letters_are_text_too() -> None:
    assert flatten({"text": "🔥", "attachments": [{"text": "¯\\_(ツ)_/¯"}]}) == "🔥\n¯\\_(ツ)_/¯"


@pytest.mark.parametrize(
    "message",
    [
        {"text": 7, "blocks": "x", "attachments": {"a": 1}, "files": [None, 3]},
        {"text": ["a"], "blocks": [{"type": ["section"], "text": {"text": {"text": 1}}}]},
        {"attachments": [{"title": True, "fields": [{"title": None, "value": {}}], "blocks": [[]]}]},
        {"blocks": [{"type": "table", "rows": [1, [2], "x"]}, {"type": "rich_text", "elements": 5}]},
    ],
)
def test_wrong_types_are_skipped(message: dict[str, Any]) -> None:
    assert isinstance(flatten(message), str)


def test_rich_text_nested_without_end_is_cut() -> None:
    element: dict[str, Any] = {"type": "text", "text": "deep"}
    for _ in range(900):
        element = {"type": "rich_text_section", "elements": [element]}
    assert flatten({"blocks": [{"type": "rich_text", "elements": [element]}]}) == ""
