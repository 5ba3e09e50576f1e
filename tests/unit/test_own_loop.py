"""Work in a loop of its own behaves as a task of ours."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ratchet.app.own_loop import in_own_loop
from ratchet.domain.errors import Misconfigured


async def test_it_goes_on_while_our_loop_is_busy() -> None:
    begun, answered = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0)
        answered.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(in_own_loop("apart", work))
        await asyncio.to_thread(begun.wait, 10)
        assert answered.wait(10)  # nothing of this loop runs meanwhile


async def test_what_it_raises_is_raised_here() -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    async def fail() -> None:
        raise Misconfigured("the token is wrong")

    with pytest.raises(ExceptionGroup) as caught:
        await in_own_loop("apart", work)
    assert caught.group_contains(Misconfigured, match="the token is wrong")


async def test_a_cancellation_reaches_it_and_its_end_is_awaited() -> None:
    begun, steps = threading.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append(threading.current_thread().name)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(in_own_loop("apart", work))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
    assert task.cancelled()
    assert steps == ["apart_0"]
    assert "apart_0" not in {thread.name for thread in threading.enumerate()}


async def test_what_goes_wrong_on_the_way_out_is_raised() -> None:
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("closing failed")

    async def cancelled() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(in_own_loop("apart", work))
            await asyncio.to_thread(begun.wait, 10)
            task.cancel()

    with pytest.raises(ExceptionGroup) as caught:
        await cancelled()
    assert caught.group_contains(ValueError, match="closing failed")
