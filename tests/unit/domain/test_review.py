"""Where drafts may be reviewed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ratchet.domain.channels import Manners
from ratchet.domain.messages import Channel, ChannelKind
from ratchet.domain.review import changed, review_problem

HELP = Channel("C1", "help", mode="draft", manners=Manners(review_channel="C2"))
REVIEW = Channel("C2", "answers", kind="private")


def test_a_public_channel_is_reviewed_in_another_where_it_may_speak() -> None:
    assert review_problem(HELP, REVIEW) is None
    assert review_problem(HELP, replace(REVIEW, kind="public")) is None
    shared = replace(REVIEW, external=True, manners=Manners(external_allowed=True))
    assert review_problem(HELP, shared) is None


def test_only_drafts_need_a_review_channel() -> None:
    assert review_problem(replace(HELP, mode="auto", manners=Manners()), None) is None
    assert review_problem(replace(HELP, manners=Manners()), None) == "mode draft needs a review channel"


@pytest.mark.parametrize("kind", ["private", "im", "mpim"])
def test_what_is_not_public_is_reviewed_nowhere_else(kind: ChannelKind) -> None:
    assert "not public" in (review_problem(replace(HELP, kind=kind), REVIEW) or "")


@pytest.mark.parametrize(
    "review",
    [
        None,
        replace(REVIEW, kind="im"),
        replace(REVIEW, archived=True),
        replace(REVIEW, member=False),
        replace(REVIEW, mode="off"),
        replace(REVIEW, external=True),
    ],
)
def test_a_closed_channel_reviews_nothing(review: Channel | None) -> None:
    assert review_problem(HELP, review) is not None


def test_a_change_leaves_the_rest() -> None:
    after = changed(HELP, None, {"runbooks": False})
    assert after == replace(HELP, manners=Manners(runbooks=False, review_channel="C2"))
    assert changed(HELP, "off", {}).mode == "off"
