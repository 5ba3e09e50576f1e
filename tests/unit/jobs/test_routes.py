"""What cannot work is refused when it is made."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from ratchet.jobs.base import Done, Job, JobContext, Outcome, Periodic, Priority, Route
from ratchet.jobs.worker import Worker


class Nothing(Job):
    kind: ClassVar[str] = "nothing"


async def run(job: Nothing, context: JobContext) -> Outcome:
    return Done()


async def tick() -> None:
    pass


@pytest.mark.parametrize("wrong", [{"timeout_s": 0}, {"max_failures": 0}, {"concurrency": 0}])
def test_a_route_without_bounds_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="route nothing"):
        Route(Nothing, run, **wrong)


def test_two_routes_for_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="two routes"):
        Worker("", [Route(Nothing, run), Route(Nothing, run)])


def test_a_cron_expression_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no cron expression"):
        Worker("", [], [Periodic("p", "whenever", tick)])


def test_two_periodics_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two periodics"):
        Worker("", [], [Periodic("p", "0 4 * * *", tick), Periodic("p", "0 5 * * *", tick)])


def test_backfill_comes_last_and_delivery_first() -> None:
    assert sorted(Priority, reverse=True) == [
        Priority.DELIVERY,
        Priority.LIVE,
        Priority.NORMAL,
        Priority.BACKFILL,
    ]
