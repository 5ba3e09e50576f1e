"""The list of documentation gaps."""

from __future__ import annotations

import random

from ratchet.domain.gaps import Compared, HelpThread
from ratchet.reports.actions import actions_in
from ratchet.reports.gap_clusters import Item, clusters
from ratchet.reports.gaps import GapReport, gap_report, slug, wanted
from ratchet.reports.gaps_text import as_json, markdown, safe, safe_code
from ratchet.reports.stale import stale_hints
from tests.unit.reports.gap_support import KAFKA, LINK, link, meaning, near, rows, said, thread, ts

WORDS: frozenset[str] = frozenset()
RIGHT, ALMOST, OTHER = (1.0, 0.0), (0.8, 0.6), (0.0, 1.0)

FIRST = thread(
    said(0, "UANA", "How do I run Kafka locally?"), said(5, "UBO", "`make kafka-up` in `devstack`")
)
SECOND = thread(
    said(60, "UCY", "Is there a Kafka that I can run on my laptop?"),
    said(65, "UBO", "`make kafka-up` in `devstack`, and `make kafka-seed` for orders"),
)
THIRD = thread(said(90, "UCY", "Where is the printer?"), said(95, "UANA", "Third floor, `print --to p3`"))
ALONE = thread(said(99, "UBO", "Does anybody know whether the GPU pool works in CI?"))


def report(*threads: HelpThread, compared: Compared | None = None) -> GapReport:
    return gap_report(rows(*threads), compared or Compared())


def test_questions_that_mean_the_same_come_together_in_any_order() -> None:
    items = [Item(v, v, WORDS) for v in (RIGHT, OTHER, ALMOST, (0.9, 0.436), (0.1, 0.995))]
    assert clusters(items, alike=0.75) == [[0, 2, 3], [1, 4]]
    shuffled = list(range(5))
    random.Random(4).shuffle(shuffled)
    found = clusters([items[n] for n in shuffled], alike=0.75)
    assert {frozenset(shuffled[n] for n in group) for group in found} == {
        frozenset({0, 2, 3}),
        frozenset({1, 4}),
    }


def test_a_chain_of_neighbours_is_no_group() -> None:
    items = [Item(v, None, WORDS) for v in ((1.0, 0.0), (0.8, 0.6), (0.28, 0.96))]
    assert clusters(items, alike=0.75) == [[0, 1], [2]]


def test_answers_with_the_same_command_bring_questions_together() -> None:
    did = frozenset(actions_in("`make kafka-up`"))
    items = [Item((1.0, 0.0), None, WORDS, did), Item((0.45, 0.893), None, WORDS, did)]
    assert clusters(items) == [[0, 1]]
    assert clusters([Item(one.question, None, WORDS) for one in items]) == [[0], [1]]


def test_without_vectors_words_decide() -> None:
    one, two = frozenset({"kafka", "locally", "run"}), frozenset({"kafka", "run", "laptop"})
    assert clusters(
        [Item(None, None, one), Item(None, None, two), Item(None, None, frozenset({"printer"}))]
    ) == [
        [0, 1],
        [2],
    ]
    assert clusters([]) == []


def test_what_is_asked_twice_and_nowhere_written_is_a_gap_with_a_page() -> None:
    found = report(FIRST, SECOND, THIRD, ALONE)
    assert (found.questions, found.documented) == (4, 0)
    [gap] = found.again
    assert [one.root.author for one in gap.questions] == ["UCY", "UANA"]
    assert gap.answered_by == (("UBO", 2),)
    assert gap.proposal.title == "How do I run Kafka locally?"
    assert gap.proposal.path == "how-to/run-kafka-locally.md"
    assert gap.proposal.add_to is None
    [_, steps] = gap.proposal.outline
    assert [point.message.ts for point in steps.points] == [ts(65), ts(5)]
    assert [one.questions[0].thread for one in found.once] == [THIRD]
    assert [one.thread for one in found.unanswered] == [ALONE]


def test_a_documented_question_is_no_gap() -> None:
    compared = Compared(near=near(FIRST.replies[0], KAFKA, 0.6) | near(SECOND.replies[0], KAFKA, 0.4))
    found = report(FIRST, SECOND, compared=compared)
    assert (found.questions, found.documented, found.again, found.once) == (2, 2, (), ())


def test_a_page_that_is_about_it_gets_the_answer() -> None:
    meant = meaning(RIGHT, FIRST.root, SECOND.root, FIRST.replies[0], SECOND.replies[0])
    page = KAFKA.__class__("docs", "how-to/devstack.md", "The devstack", "", "It has everything.")
    found = report(FIRST, SECOND, compared=Compared(meant, near(SECOND.root, page, 0.52)))
    [gap] = found.again
    assert gap.proposal.add_to is not None
    assert "a section in `The devstack`" in markdown(found, rows(FIRST, SECOND), link)


def test_where_nobody_answers_in_threads_an_unanswered_question_is_no_news() -> None:
    assert report(ALONE, thread(said(3, "UANA", "So is it not the provider then?"))).unanswered == ()


def test_the_list_names_examples_people_and_the_page() -> None:
    text = markdown(report(FIRST, SECOND, THIRD, ALONE), rows(FIRST, SECOND, THIRD, ALONE), link)
    assert "**4 questions** in #help in 30 days: 0 are answered by a document, **4 by none**" in text
    assert "1. **How do I run Kafka locally?** – asked 2 times by 2 people" in text
    assert "answered by bo × 2" in text
    assert f"[Is there a Kafka that I can run on my laptop?]({link('C1', ts(60), ts(60))})" in text
    assert "**Page**: a new one, `how-to/run-kafka-locally.md`" in text
    assert "**Nobody answered**" in text
    data = as_json(report(FIRST, SECOND), rows(FIRST, SECOND), link)
    assert data["again"][0]["page"]["written_by"] == "rules"
    assert data["again"][0]["questions"][1]["question"]["author"] == "ana"


def test_an_empty_window_says_so() -> None:
    assert markdown(report(), rows(), link) == "Nobody asked anything in #help in 30 days."


def test_what_people_wrote_is_no_markup() -> None:
    assert safe("[a](https://evil.example) <!channel> <@U1|ana> *b* `c`") == "a link somebody ana b c"
    assert "evil" not in safe("see <https://evil.example|here> and https://evil.example/x")
    assert safe_code("run `make *x*` *now*") == "run `make *x*` now"


def test_only_questions_and_answers_are_compared() -> None:
    chat = thread(said(1, "UANA", "lunch"), said(2, "UBO", f"see {LINK}"))
    messages, addresses = wanted(rows(FIRST, chat))
    assert messages == [FIRST.root, FIRST.replies[0]]
    assert addresses == [LINK]


def test_a_file_is_named_by_what_it_is_about() -> None:
    assert slug("How do I run Kafka on my laptop?") == "run-kafka-on-laptop"
    assert slug("???") == "page"


def test_a_page_that_somebody_contradicts_is_listed_until_it_is_put_right() -> None:
    compared = Compared(linked={LINK: KAFKA})
    wrong = said(6, "UANA", "The page is outdated. It says two brokers.")
    asked = thread(FIRST.root, said(5, "UBO", f"See <{LINK}>"), wrong)
    [hint] = stale_hints([asked], compared)
    assert (hint.kind, hint.page, hint.message, hint.quote) == ("wrong", KAFKA, wrong, wrong.text)
    assert stale_hints([thread(*(asked.root, *asked.replies, said(9, "UBO", "updated")))], compared) == []
    assert stale_hints([asked], Compared()) == []
    wish = thread(FIRST.root, said(5, "UBO", f"See <{LINK}>"), said(7, "UANA", "Can the page say that?"))
    assert [one.kind for one in stale_hints([wish], compared)] == ["missing"]
    marked = thread(FIRST.root, said(5, "UBO", f"See <{LINK}>", {"warning": ["UCY"]}))
    assert [one.kind for one in stale_hints([marked], compared)] == ["marked"]
    fine = thread(FIRST.root, said(5, "UBO", f"See <{LINK}>"), said(6, "UANA", "thanks, that page helped"))
    assert stale_hints([fine], compared) == []
