"""What stays and what goes of the links and mentions in a model's answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.handlers.citations import REMOVED, Known, clean, permalinks, urls

GIVEN = "https://team.slack.com/archives/C0/p1?thread_ts=1.2&cid=C0"
READ = "https://deploy.example/job/7"
KNOWN = Known(frozenset({GIVEN}), frozenset({READ}), {"U0BO": "Bo"})


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"see [Bo]({GIVEN}).", f"see [Bo]({GIVEN})."),
        (f"see {GIVEN}.", f"see {GIVEN}."),
        (f"see <{GIVEN}|Bo>", f"see [Bo]({GIVEN})"),
        (f"see <{GIVEN}>", f"see [message]({GIVEN})"),
        (f"see [Bo]({GIVEN.replace('&', '&amp;')})", f"see [Bo]({GIVEN})"),
        ("see [docs](https://made.up/x)", "see docs"),
        ('see [docs](https://made.up/x "title")', "see docs"),
        ("see [docs](<https://made.up/x>)", "see docs"),
        ("see [](https://made.up/x)", f"see {REMOVED}"),
        ("see https://made.up/x, or", f"see {REMOVED}, or"),
        ("see <https://made.up/x|docs>", "see docs"),
        ("see www.made.up/x", f"see {REMOVED}"),
        ("![alt](https://made.up/x?q=secret)", "alt"),
        ("[x](javascript:alert(1))", "x)"),
        ("[a](slack://user?id=1) [b](mailto:a@b.c) [c](//made.up)", "a b c"),
        (f"[{GIVEN}](https://made.up/x)", GIVEN),
        (f"[https://made.up/x]({GIVEN})", f"[{REMOVED}]({GIVEN})"),
        (f"[a]: {GIVEN}x", f"[a]: {REMOVED}"),
        (f"[deploy]({READ}) and {READ}.", f"deploy `{READ}` and `{READ}`."),
        ("run `curl https://made.up/x`", f"run `curl {REMOVED}`"),
        ("run `curl http://localhost:9090/-/reload`", "run `curl http://localhost:9090/-/reload`"),
        (f"run `curl {READ}`", f"run `curl {READ}`"),
        ("```\ncurl https://made.up/x\n```", f"```\ncurl {REMOVED}\n```"),
        ("what ``` [a](https://made.up/x)", f"what ``` [a]({REMOVED})"),
        ("\\` [a](https://made.up/x) \\`", f"\\` [a]({REMOVED}) \\`"),
        ("> ```\n[a](https://made.up/x)", "> ```\n> ```\na"),
        ("made.up/x?q=secret and README.md", f"{REMOVED} and README.md"),
        (
            f"run:\n```\ncurl {READ}\n\nsaid [Bo]({GIVEN})",
            f"run:\n```\ncurl {READ}\n```\n\nsaid [Bo]({GIVEN})",
        ),
        (f"```\ndf -h\n— [Bo]({GIVEN})", f"```\ndf -h\n```\n— [Bo]({GIVEN})"),
        (f"> ```\n> df\n— [Bo]({GIVEN})", f"> ```\n> df\n> ```\n— [Bo]({GIVEN})"),
        ("a\n```b\n```\n```d", "a\n```b\n```\n```d\n```"),
        ("```\ndf\n\n[x](https://made.up)", "```\ndf\n```\n\nx"),
        ("<!channel> <!here|@here> <!subteam^S0|@sre>", "channel here sre"),
        ("`<!channel>`", "`channel`"),
        ("<@U0BO> and <@U0NEW>", "@Bo and @someone"),
    ],
)
def test_links_and_mentions(said: str, shown: str) -> None:
    assert clean(said, KNOWN) == shown


@pytest.mark.parametrize(
    "said",
    [
        "[[a](bad)b](//made.up)",
        "[[[a](x)b](y)c](z)",
        "<!x<!here>>",
        "<!<!x>here>",
        "<@U0<!0>BO>",
        "[" * 9 + "a" + "](x)" * 9,
    ],
)
def test_taking_one_out_does_not_make_another(said: str) -> None:
    cleaned = clean(said, KNOWN)
    assert "](" not in cleaned
    assert "<" not in cleaned


@settings(deadline=None)
@given(st.text(alphabet="[]()<>|!`@ahtps:/.\n "))
def test_cleaning_any_text_leaves_nothing_that_pings_or_links(text: str) -> None:
    cleaned = clean(f"{text}<!here> [x]({GIVEN}x)", Known())
    assert "<!" not in cleaned
    assert "<@" not in cleaned
    assert clean(cleaned, Known()) == cleaned


@pytest.mark.parametrize("piece", ["[", "![", "<!", "[a](", "[x]( ", "`a", "<http://a|"])
def test_no_answer_takes_long(piece: str) -> None:
    started = time.process_time()
    clean((piece * 24_000)[:24_000], KNOWN)
    assert time.process_time() - started < 3.0


def test_permalinks_are_taken_from_their_fields_and_addresses_from_all_texts() -> None:
    data = {
        "messages": [{"permalink": GIVEN, "text": f"deploy: {READ}, then wait"}],
        "permalinks": ["https://a.b/c"],
    }
    assert set(permalinks(data)) == {GIVEN, "https://a.b/c"}
    assert READ in set(urls(data))
    assert READ not in set(permalinks(data))
