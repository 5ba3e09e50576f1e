"""Which of the events that are recorded together shows what was done for all of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own, as a provider of traces is set once.
PROGRAM = """
import sys, time
from ratchet.telemetry.tracing import Arrival, Arrivals, TracingConfig, configure_tracing, recording

rate, times, *events = sys.argv[1:]
configure_tracing(TracingConfig(otlp=True, sample_rate=float(rate)), dict)

def shown():
    found = [
        Arrival("slack event", ("C1", str(number), "1"), time.monotonic(), kind == "question", {})
        for number, kind in enumerate(events)
    ]
    with Arrivals(found):
        return recording()

print(sum(shown() for _ in range(int(times))))
"""


def shown(rate: float, events: list[str], times: int = 1) -> int:
    """How many of so many batches of these events are shown."""
    command = [sys.executable, "-c", PROGRAM, str(rate), str(times), *events]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(
    ("rate", "events", "expected"),
    [
        (0.0, ["chatter", "chatter"], 0),
        (0.0, ["chatter", "question"], 1),
        (1.0, ["chatter", "chatter"], 1),
        (1.0, [], 0),
    ],
)
def test_a_batch_is_shown_with_its_first_event_or_with_a_question(
    rate: float, events: list[str], expected: int
) -> None:
    assert shown(rate, events) == expected


def test_a_large_batch_is_shown_no_more_often_than_a_small_one() -> None:
    # 40 by the rate; with any of the fifty events it would be almost all.
    assert 5 < shown(0.1, ["chatter"] * 50, times=400) < 100
