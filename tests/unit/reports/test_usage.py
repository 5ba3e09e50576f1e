"""What Ratchet itself did: figures, Markdown, JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.domain.reports import Answers, ModelCalls, UsageRows
from ratchet.reports.usage import Said, as_json, usage_report
from ratchet.reports.usage_text import markdown, money

UNTIL = datetime(2024, 5, 13, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
NOTHING = UsageRows(SINCE, UNTIL, (), (), {}, {}, 0)


def calls(
    of: str, name: str, turns: int = 1, *, failed: int = 0, cost: float = 0.0, unpriced: int = 0
) -> ModelCalls:
    return ModelCalls(of, name, turns, failed, 3 * turns, turns, 900, 100, cost, unpriced, 1.25, 4.0)


ROWS = UsageRows(
    SINCE,
    UNTIL,
    answers=[
        Answers("runbook", "C1", 20, 3, 1),
        Answers("assistant", "C1", 5, 2, 0),
        Answers("assistant", "", 7, 0, 1),
    ],
    calls=[
        calls("total", "", 12, failed=3, cost=1.5, unpriced=2),
        calls("purpose", "assistant", 9, cost=1.4),
        calls("purpose", "", 3, cost=0.1, unpriced=2),
        calls("model", "big", 12, cost=1.5, unpriced=2),
        calls("channel", "C1", 12),
        calls("error", "Transient", 2, failed=2),
        calls("error", "Refused", 1, failed=1),
    ],
    approvals={"approved": 2, "expired": 1},
    runbooks={"model": 4, "person": 1},
    pinned=1,
    channels={"C1": "#ops"},
)  # fmt: skip


def test_answers_and_votes_are_summed_by_module_and_by_channel() -> None:
    report = usage_report(ROWS)
    assert report.messages == 32
    assert report.modules == (Said("runbook", 20, 3, 1), Said("assistant", 12, 2, 1))
    assert report.channels == (Said("C1", 25, 5, 1), Said("", 7, 0, 1))
    assert (report.name("C1"), report.name(""), report.name("C9")) == ("#ops", "elsewhere", "C9")
    assert report.errors == {"Transient": 2, "Refused": 1}
    assert (report.total.turns, report.total.failed) == (12, 3)


def test_the_report_as_markdown() -> None:
    assert (
        markdown(usage_report(ROWS))
        == """\
**32 messages** in 7 days, 12 turns with a model, **$1.50 and 2 turns of unknown price**.

| by module | messages | 👍 | 👎 |
|---|--:|--:|--:|
| `runbook` | 20 | 3 | 1 |
| `assistant` | 12 | 2 | 1 |

| by channel | messages | 👍 | 👎 |
|---|--:|--:|--:|
| `#ops` | 25 | 5 | 1 |
| `elsewhere` | 7 | 0 | 1 |

| model turns | turns | failed | requests | tokens in | out | cost | p50 | p95 |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
| `all` | 12 | 3 | 36 | 900 | 100 | $1.50 and 2 turns of unknown price | 1.2 s | 4.0 s |
| `assistant` | 9 | 0 | 27 | 900 | 100 | $1.40 | 1.2 s | 4.0 s |
| `other` | 3 | 0 | 9 | 900 | 100 | $0.1000 and 2 turns of unknown price | 1.2 s | 4.0 s |

Models: `big` 12. Errors: `Transient` 2, `Refused` 1.

Approvals: 2 approved, 1 expired. Runbooks written: 4 by a model, 1 by people; 1 pinned."""
    )


def test_without_a_model_and_without_answers_it_says_so() -> None:
    assert markdown(usage_report(NOTHING)) == "Ratchet said nothing in 7 days, and asked no model."
    only_answers = replace(ROWS, calls=(), approvals={}, runbooks={}, pinned=0)
    assert markdown(usage_report(only_answers)).startswith("**32 messages** in 7 days, no model was asked.")


@pytest.mark.parametrize(
    ("turns", "cost", "unpriced", "words"),
    [
        (4, 12.345, 0, "$12.35"),
        (4, 0.00123, 0, "$0.0012"),
        (4, 0.0, 4, "price not known"),
        (4, 0.5, 1, "$0.5000 and 1 turn of unknown price"),
    ],
)
def test_a_price_that_is_not_known_is_not_nothing(turns: int, cost: float, unpriced: int, words: str) -> None:
    assert money(calls("total", "", turns, cost=cost, unpriced=unpriced)) == words


def test_the_json_has_stable_names() -> None:
    found = json.loads(json.dumps(as_json(usage_report(ROWS))))
    assert sorted(found) == [
        "answers", "approvals", "channel_calls", "channels", "errors", "messages", "models", "modules", "names",
        "pinned", "purposes", "runbooks", "since", "total", "until",
    ]  # fmt: skip
    assert found["total"]["cost_usd"] == 1.5
    assert found["modules"][0] == {"name": "runbook", "messages": 20, "up": 3, "down": 1}
