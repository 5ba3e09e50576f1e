"""What a thread in a help channel says."""

from __future__ import annotations

import pytest

from ratchet.domain.gaps import Compared, Near, Page
from ratchet.reports.help import about, answered, asks, documented, title
from tests.unit.reports.gap_support import KAFKA, LINK, PRINTER, near, said, thread

ASKED = said(0, "UANA", "How do I run Kafka locally?")
TOLD = said(5, "UBO", "`make kafka-up` in `devstack`")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Hi all, how do I run Kafka locally? I am sure somebody asked", "How do I run Kafka locally?"),
        ("CI is red. How do you do it?", "CI is red. How do you do it?"),
        ("Hello <@U1>, where is `kubectl` :wave: installed?", "Where is kubectl installed?"),
        (
            "VPN drops every ten minutes since this morning.",
            "VPN drops every ten minutes since this morning.",
        ),
        ("", "A question"),
    ],
    ids=["greeting", "pointing", "markup", "statement", "nothing"],
)
def test_a_heading_is_what_is_asked(text: str, heading: str) -> None:
    assert title(text) == heading


def test_a_long_question_is_cut_at_a_word() -> None:
    heading = title("How do I " + "really " * 40 + "run it?")
    assert len(heading) <= 100
    assert heading.endswith("really…")


def test_the_answer_is_what_the_asker_ticked() -> None:
    ticked = said(9, "UCY", "Ask Dana.", {"white_check_mark": ["UANA"]})
    found = answered(thread(ASKED, TOLD, ticked))
    assert found is not None
    assert (found.reply, found.confirmed, found.praise) == (ticked, True, 1)


def test_thanks_after_an_answer_confirm_it_and_a_complaint_does_not() -> None:
    thanks, complaint = said(9, "UANA", "works, thank you"), said(9, "UANA", "does not work")
    found = [answered(thread(ASKED, TOLD, one)) for one in (thanks, complaint)]
    assert [one.confirmed for one in found if one is not None] == [True, False]


def test_a_word_is_no_answer_but_what_the_asker_found_out_is() -> None:
    assert answered(thread(ASKED, said(1, "UBO", "yes"))) is None
    own = said(2, "UANA", "never mind, found it: `make kafka-up`")
    found = answered(thread(ASKED, own))
    assert found is not None
    assert found.reply == own


def test_a_statement_asks_when_somebody_was_helped() -> None:
    stuck = said(0, "UANA", "VPN drops every ten minutes since the update.")
    assert not asks(thread(stuck, TOLD))
    assert asks(thread(stuck, said(1, "UBO", "`brew install vpn@5.2`", {"white_check_mark": ["UANA"]})))
    assert not asks(thread(said(0, "UANA", "`why?`"), TOLD))


def test_a_page_that_an_answer_links_documents_it() -> None:
    linking = said(5, "UBO", f"See <{LINK}>")
    found = documented(thread(ASKED, linking), linking, Compared(linked={LINK: KAFKA}))
    assert found is not None
    assert (found.page, found.by) == (KAFKA, "link")


@pytest.mark.parametrize(
    ("page", "similarity", "by"),
    [(KAFKA, 0.36, "command"), (KAFKA, 0.3, None), (PRINTER, 0.56, "meaning"), (PRINTER, 0.54, None)],
    ids=["says-to-type-it", "too-far", "alike", "hardly-alike"],
)
def test_a_page_says_so_by_its_commands_or_its_meaning(page: Page, similarity: float, by: str | None) -> None:
    compared = Compared(near=near(TOLD, page, similarity))
    found = documented(thread(ASKED, TOLD), TOLD, compared)
    assert (found.by if found else None) == by


def test_an_answer_goes_to_the_page_that_is_about_it() -> None:
    compared = Compared(near={ASKED.ref: [Near(PRINTER, "", 0.49)], TOLD.ref: [Near(KAFKA, "Start", 0.5)]})
    assert about(ASKED, TOLD, compared) == Near(KAFKA, "Start", 0.5)
    assert about(ASKED, None, compared) is None
