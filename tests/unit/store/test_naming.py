"""Which document is for an alert."""

from __future__ import annotations

import pytest

from ratchet.domain.documents import Document
from ratchet.store.naming import Named, best, key, keys_of, wanted


def page(
    path: str,
    title: str = "A page",
    *,
    headings: tuple[str, ...] = (),
    alerts: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
    text: str = "",
) -> Document:
    return Document(path, "b", title, text, (), headings, alerts, services)


def chosen(alert: str, service: str | None, *pages: Document) -> str | None:
    """As the store does it: by key, then the best of these."""
    asked = set(wanted(alert, service))
    named = [
        Named("docs", p.path, p.title, p.headings, p.alerts, p.services)
        for p in pages
        if asked & set(keys_of(p))
    ]
    found = best(alert, service, named)
    return found[0].path if found else None


@pytest.mark.parametrize(
    "written",
    [
        page("checkout-high-error-rate.md"),
        page("HighErrorRate.md"),
        page("a.md", "Checkout has a high error rate"),
        page("a.md", headings=("When `HighErrorRate` fires",)),
        page("a.md", alerts=("HighErrorRate",)),
        page("a.md", text="This is for `HighErrorRate`."),
        page("high_error_rate.md"),
    ],
)
def test_a_name_is_found_however_it_is_written(written: Document) -> None:
    assert chosen("HighErrorRate", "checkout", written) == written.path


def test_what_only_shares_words_is_not_named() -> None:
    assert chosen("HighErrorRate", None, page("high-latency.md", "Error rates are high")) is None


def test_what_a_page_says_of_itself_counts_more_than_its_name_and_that_more_than_a_heading() -> None:
    says = page("a.md", alerts=("HighErrorRate",))
    file = page("high-error-rate.md")
    heading = page("b.md", headings=("High error rate",))
    mention = page("c.md", text="see HighErrorRate")
    pages = [mention, heading, file, says]
    for wanted_page in reversed(pages):
        assert chosen("HighErrorRate", None, *pages) == wanted_page.path
        pages.remove(wanted_page)


def test_the_page_for_the_service_wins_and_one_for_another_is_left_out() -> None:
    checkout = page("checkout.md", alerts=("HighErrorRate",), services=("checkout",))
    search = page("search.md", alerts=("HighErrorRate",), services=("search",))
    assert chosen("HighErrorRate", "search", checkout, search) == "search.md"
    assert chosen("HighErrorRate", "mail", checkout, search) is None
    assert chosen("HighErrorRate", "mail", page("high-error-rate.md"), search) == "high-error-rate.md"


def test_names_that_differ_in_digits_differ() -> None:
    assert chosen("DiskFull2", None, page("disk-full-1.md"), page("disk-full-21.md")) is None
    assert chosen("DiskFull2", None, page("disk-full-1.md"), page("disk-full-2.md")) == "disk-full-2.md"


def test_a_name_that_many_pages_mention_names_none_of_them() -> None:
    pages = [page(f"{n}.md", text="HighErrorRate") for n in range(4)]
    assert chosen("HighErrorRate", None, *pages) is None


@pytest.mark.parametrize("alert", ["", "  ", "!!!", "…"])
def test_a_name_without_letters_names_nothing(alert: str) -> None:
    assert wanted(alert, "checkout") == []


def test_one_word_must_be_the_whole_name() -> None:
    assert chosen("Watchdog", None, page("watchdog.md")) == "watchdog.md"
    assert chosen("Watchdog", None, page("the-watchdog-and-others.md")) is None


def test_keys_have_no_case_and_no_signs() -> None:
    assert key("KubePodCrashLooping") == key("kube-pod crash_looping") == "kubepodcrashlooping"
    assert key("Ответ") == "ответ"
