"""An answer as Slack keeps it becomes the Markdown that it was."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.effects import Footer, Reply
from ratchet.reports.evaluation_text import spoken
from ratchet.slack.render import render

MARKDOWN = "Run `df -h` ([Bo](https://t.slack.com/archives/C1/p1700000000000100)).\n\n- one\n- two"
FOOTER = Footer("assistant", "small", 2, 100)


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"blocks": [{"type": "rich_text", "elements": list(elements)}]}


def section(*elements: dict[str, Any], kind: str = "rich_text_section", **more: Any) -> dict[str, Any]:
    return {"type": kind, "elements": list(elements), **more}


def text(words: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": words, "style": style}


def test_what_was_posted_comes_back_without_footer_and_buttons() -> None:
    [message] = render(Reply("C1", "1.1", MARKDOWN, FOOTER, feedback=True), "assistant:C1:1.1:0")
    assert spoken({"text": message.text, "blocks": list(message.blocks)}) == MARKDOWN


def test_the_other_form_keeps_links_and_code() -> None:
    [message] = render(Reply("C1", "1.1", MARKDOWN, FOOTER, feedback=True), "assistant:C1:1.1:0")
    back = spoken({"text": message.text, "blocks": list(message.fallback_blocks)})
    assert "`df -h`" in back
    assert "[Bo](https://t.slack.com/archives/C1/p1700000000000100)" in back
    assert "module" not in back


def test_rich_text_becomes_markdown() -> None:
    link = {"type": "link", "url": "https://t.slack.com/archives/C1/p1", "text": "Bo"}
    payload = rich(
        section(
            text("Run "), text("df -h", code=True), text(" as "), link, text(" <did> & "), {"type": "emoji"}
        ),
        section(section(text("one")), section(text("two")), kind="rich_text_list", style="ordered"),
        section(section(text("deeper")), kind="rich_text_list", style="bullet", indent=1),
        section(text("kubectl get pods\n"), kind="rich_text_preformatted"),
        section(text("said\nso"), kind="rich_text_quote"),
        section({"type": "user", "user_id": "U1"}, {"type": "link", "url": "https://x.example"}),
    )
    assert spoken(payload) == (
        "Run `df -h` as [Bo](https://t.slack.com/archives/C1/p1) <did> & ::\n1. one\n1. two\n  - deeper\n"
        "```\nkubectl get pods\n```\n> said\n> so\n@someonehttps://x.example"
    )


def test_a_message_without_blocks_is_its_text() -> None:
    assert (
        spoken({"text": "see <https://x.example|this> &amp; that"}) == "see [this](https://x.example) & that"
    )
    assert spoken({"blocks": [{"type": "context", "elements": []}], "text": "x"}) == "x"
    assert spoken({}) == ""


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "style", "indent", "url"]),
            inner | st.sampled_from(["rich_text", "rich_text_list", "section", "markdown", "link"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_like)
def test_whatever_slack_keeps_is_text(blocks: Any) -> None:
    assert isinstance(spoken({"blocks": blocks, "text": "x"}), str)
    assert isinstance(spoken({"blocks": [{"type": "rich_text", "elements": blocks}]}), str)
