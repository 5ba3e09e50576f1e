"""Work in a thread with an event loop of its own, as if it were a task of the loop that awaits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]


async def in_own_loop(name: str, work: Work) -> None:
    """Until `work` ends. What it raises is raised here; a cancellation reaches it, and its end is awaited.

    `name` is seen in profilers.
    """
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    theirs = runner.get_loop()
    begun: Future[asyncio.Task[Any]] = Future()

    async def within() -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result(task)
        await work()

    def body() -> None:
        with suppress(asyncio.CancelledError), runner:
            runner.run(within())

    with ThreadPoolExecutor(1, name) as thread:
        over = asyncio.get_running_loop().run_in_executor(thread, body)
        task = begun.result()
        try:
            await asyncio.shield(over)
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # their loop may have ended meanwhile
                theirs.call_soon_threadsafe(task.cancel)
            await over
            raise
