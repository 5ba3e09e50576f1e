"""How an answer is measured against the one that people found good, or bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.messages import MessageRef
from ratchet.reports.evaluation import Answer, abstains, answer_of, measure, permalinks

A = "https://team.slack.com/archives/C0OPS/p1700000060000200?thread_ts=1700000000.000100&cid=C0OPS"
B = "https://team.slack.com/archives/C0OPS/p1700000070000300"
ELSEWHERE = "https://app.slack.com/archives/C0OPS/p1700000060000200"
GOOD = answer_of(f"Run `kubectl -n shop rollout restart deploy/api` ([Bo]({A})), then see [Cy]({B}).")


def test_permalinks_are_found_by_the_message_they_name() -> None:
    found = permalinks(f"[Bo]({A}), <{B}|here>, {B} again, https://wiki.example/archives and `{ELSEWHERE}`")
    assert list(found) == ["C0OPS:1700000060.000200", "C0OPS:1700000070.000300"]
    assert permalinks("https://team.slack.com/archives/C0OPS no message") == {}


def test_the_question_itself_is_no_citation() -> None:
    assert answer_of(f"{A} and {B}", MessageRef("C0OPS", "1700000060.000200")).citations == [B]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (GOOD.text, 1.0),
        (f"[Bo]({ELSEWHERE})", 0.5),  # the same message, in a workspace under another name
        (f"{A} and {B} and https://team.slack.com/archives/C0OPS/p1700000099000300", 1.0),
        ("No link at all.", 0.0),
    ],
)
def test_citations_are_the_share_of_those_in_the_good_answer(text: str, share: float) -> None:
    assert measure(answer_of(text), GOOD).citations == share


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Do ```$ kubectl rollout restart deploy/api -n shop```", 1.0),
        ("Do `kubectl -n shop rollout undo deploy/api`", 0.0),
        ("Restart it.", 0.0),
    ],
)
def test_commands_are_compared_by_what_they_do(text: str, share: float) -> None:
    assert measure(answer_of(text), GOOD).commands == share


def test_without_anything_to_compare_with_nothing_is_compared() -> None:
    alone = measure(answer_of("Look."), None)
    assert (alone.citations, alone.commands, alone.speaks, alone.repeats) == (None, None, None, None)
    plain = measure(answer_of("Look."), answer_of("Just look at it."))
    assert (plain.citations, plain.commands, plain.speaks) == (None, None, True)


@pytest.mark.parametrize(
    "text",
    [
        "I don't know. The closest is this.",
        "I do not know who owns it.",
        "I can’t find anything about that.",
        "I cannot tell from the record.",
        "I found nothing about that in the messages I may read from this channel. _No language model is configured_",
        "I looked through the recorded messages and found nothing about that.",
        "The record does not say what fixed it.",
        "There is no record of an outage on that day.",
        "Nothing was found.",
    ],
)
def test_an_answer_that_says_it_does_not_know_abstains(text: str) -> None:
    assert abstains(text)
    assert measure(answer_of(text), answer_of("I don't know.")).speaks is True
    assert measure(answer_of(text), GOOD).speaks is False


@pytest.mark.parametrize(
    "text",
    [
        "Restart it: the pod does not find its config.",
        "Bo did not know either, then `logrotate -f` fixed it.",
        "Run `grep 'I do not know' app.log`.",
        "```\nERROR: no record of user\n```\nThat line means that the cache is cold: flush it.",
        "The fix is known. " * 40 + "Who paid for it I do not know.",
        "",
    ],
)
def test_an_answer_that_knows_does_not_abstain(text: str) -> None:
    assert not abstains(text)


def test_a_bad_answer_said_again_is_found_out() -> None:
    bad = answer_of("Delete the volume and create it again, that is what Bo did.")
    assert measure(
        answer_of("delete the volume, and create it again; that is what Bo did"), None, bad
    ).repeats
    assert measure(answer_of("Never delete the volume. Grow it with `lvextend`."), None, bad).repeats is False


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_compared(text: str, other: str) -> None:
    measures = measure(answer_of(text), answer_of(other), Answer(other))
    assert measures.citations is None or 0 <= measures.citations <= 1
    assert measures.commands is None or 0 <= measures.commands <= 1
    same = measure(answer_of(text), answer_of(text), Answer(text))
    assert {same.citations, same.commands} <= {None, 1.0}
    assert same.speaks
    assert same.repeats
