"""Similar alerts as of a moment: only those that had fired by then, where they may be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ratchet.alerts.likeness import Names
from ratchet.domain.messages import posted_at
from ratchet.reports.as_of import AsOf, recorded_history
from ratchet.store.naming import words
from tests.unit.reports.backtest_support import Event, at, closed, opened

NOW = 1000
ALERTS = [
    "DiskFull",
    "DiskSpaceLow",
    "HostOutOfDiskSpace",
    "KafkaBroker1Down",
    "KafkaBroker2Down",
    "RedisDown",
]


def as_of(
    minutes: float, events: Sequence[Event], vectors: Mapping[str, Sequence[float]] | None = None
) -> AsOf:
    names = Names({event.alert for event in events if event.alert}, words, vectors)
    return AsOf(recorded_history(events, [], ["C1"], names), posted_at(at(minutes)))


async def similar(record: AsOf, alert: str, channel: str = "C1", limit: int = 3) -> list[str]:
    """However late it is asked for."""
    return list(await record.similar(alert, posted_at(at(90_000)), channel, limit))


async def test_a_name_that_fires_later_is_not_known() -> None:
    events = [opened(NOW, alert="DiskSpaceLow"), opened(NOW + 1, alert="HostOutOfDiskSpace")]
    assert await similar(as_of(NOW, events), "DiskFull") == []
    assert await similar(as_of(NOW + 1, events), "DiskFull") == ["DiskSpaceLow"]
    assert await similar(as_of(NOW + 2, events), "DiskFull") == ["DiskSpaceLow", "HostOutOfDiskSpace"]
    assert await similar(as_of(NOW + 2, events), "DiskFull", limit=1) == ["DiskSpaceLow"]


async def test_what_is_asked_as_of_earlier_is_answered_as_of_earlier() -> None:
    record = as_of(NOW, [opened(10, alert="DiskSpaceLow")])
    assert await record.similar("DiskFull", posted_at(at(10)), "C1") == []
    assert await record.similar("DiskFull", posted_at(at(11)), "C1") == ["DiskSpaceLow"]


async def test_what_fired_in_private_is_known_there_only_and_a_resolve_is_no_firing() -> None:
    events = [opened(1, alert="DiskSpaceLow", channel_id="C2"), closed(2, alert="HostOutOfDiskSpace")]
    assert await similar(as_of(NOW, events), "DiskFull") == []
    assert await similar(as_of(NOW, events), "DiskFull", "C2") == ["DiskSpaceLow"]


async def test_without_names_to_compare_nothing_is_similar() -> None:
    history = recorded_history([opened(1, alert="DiskSpaceLow")], [], ["C1"])
    assert await AsOf(history, posted_at(at(NOW))).similar("DiskFull", posted_at(at(NOW)), "C1") == []


async def test_embeddings_may_be_given() -> None:
    vectors = {"ThanosCompactHalted": [1.0, 0.0], "ThanosCompactorHalted": [0.96, 0.28]}
    events = [opened(minutes, alert=name) for minutes, name in enumerate(vectors)]
    assert await similar(as_of(NOW, events), "ThanosCompactHalted") == []
    assert await similar(as_of(NOW, events, vectors), "ThanosCompactHalted") == ["ThanosCompactorHalted"]


def firings(low: int, high: int) -> st.SearchStrategy[list[Event]]:
    firing = st.builds(
        Event,
        ts=st.integers(low, high).map(at),
        action=st.sampled_from(["open_incident", "close_incident"]),
        alert=st.none() | st.sampled_from(ALERTS),
        channel_id=st.sampled_from(["C1", "C2"]),
    )
    return st.lists(firing, max_size=12, unique_by=lambda event: event.ts)


@given(past=firings(0, NOW - 1), future=firings(NOW, 3000), channel=st.sampled_from(["C1", "C2"]))
async def test_whatever_fires_later_the_answer_is_the_same(
    past: list[Event], future: list[Event], channel: str
) -> None:
    for alert in ALERTS:
        alone = await similar(as_of(NOW, past), alert, channel)
        assert await similar(as_of(NOW, [*past, *future]), alert, channel) == alone
        assert set(alone) <= {event.alert for event in past} - {alert}
