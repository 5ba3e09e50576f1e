"""Markdown in Slack's dialect, and pings that must not happen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.slack.mrkdwn import defuse, to_mrkdwn, to_plain


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("a **bold** and *slanted* and ~~gone~~", "a *bold* and _slanted_ and ~gone~"),
        ("# Title ##", "*Title*"),
        ("- one\n  * two", "• one\n  • two"),
        ("3. three", "3. three"),
        ("> said", "> said"),
        ("[page](https://example.org/?a=1&b=2)", "<https://example.org/?a=1&amp;b=2|page>"),
        ("**[page](https://example.org)**", "*<https://example.org|page>*"),
        ("![chart](https://example.org/c.png)", "<https://example.org/c.png|chart>"),
        ("<https://example.org>", "<https://example.org>"),
        ("see https://example.org/a_b_c.", "see <https://example.org/a_b_c>."),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("[x](!here)", "[x](!here)"),
        ("ask <@U1> in <#C1|ops>", "ask <@U1> in <#C1|ops>"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("`**a** <b>`", "`**a** &lt;b&gt;`"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("```sh\n**x** <y>\n```", "```\n**x** &lt;y&gt;\n```"),
    ],
)
def test_markdown_reads_the_same_in_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown) == mrkdwn


PINGS = [
    "<!here>",
    "<!channel|channel>",
    "<!everyone>",
    "<!subteam^S123|@ops>",
    "<!subteam^S123>",
    "<! here>",
    "<\\!here>",
    "&lt;!channel&gt;",
    "<!Here",
    "@here",
    "@Channel",
    "@everyone",
    "@group",
    "[x](<!here>)",
    "<<!here>!channel>",
    "**@here**",
]


def pings(text: str) -> bool:
    lowered = text.lower().replace("&lt;", "<").replace("\\", "").replace(" ", "")
    words = ("here", "channel", "everyone", "group", "subteam")
    return any(f"<!{word}" in lowered or f"@{word}" in lowered for word in words)


@pytest.mark.parametrize("ping", PINGS)
def test_nothing_pings_a_channel_or_a_group_in_any_form(ping: str) -> None:
    for text in (ping, f"a {ping} b", f"`{ping}`", f"# {ping}", f"[{ping}](https://example.org)"):
        assert not pings(defuse(text))
        assert not pings(to_mrkdwn(text))
        assert not pings(to_plain(text, 100))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*PINGS, "<", ">", "!", "@", "here", "*", "`", "\n", "|", "\x01", "x"])).map(
        "".join
    )
)
def test_no_mixture_of_them_does_either(text: str) -> None:
    for spoken in (defuse(text), to_mrkdwn(text), to_plain(text, 100)):
        assert "<!here" not in spoken.lower()
        assert "<!channel" not in spoken.lower()
        assert "<!subteam" not in spoken.lower()


def test_addresses_with_those_words_stay_whole() -> None:
    text = "mail ops@here.example or https://example.org/@channel"
    assert defuse(text) == text


def test_the_notification_is_one_short_plain_line() -> None:
    markdown = (
        "# Fix\n\n**Restart** the [pod](https://example.org) & tell <@U1>\n```sh\nkubectl\n```\n" + "x" * 400
    )
    plain = to_plain(markdown, 60)
    assert plain.startswith("Fix Restart the pod &amp; tell <@U1> kubectl xxx")
    assert plain.endswith("…")


@settings(deadline=None)
@given(st.text("<>&`*_~[]()!@# \n\x02ab", max_size=80))
def test_no_text_makes_the_conversion_fail(text: str) -> None:
    to_mrkdwn(text)
    to_plain(text, 40)
