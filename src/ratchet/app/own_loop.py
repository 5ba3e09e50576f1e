"""Work in a thread with an event loop of its own, as if it were a task of the loop that awaits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]


async def in_own_loop(name: str, work: Work) -> None:
    """Until `work` ends. What it raises is raised here; a cancellation reaches it, and its end is awaited.

    The thread is `name`d for tracebacks and profilers.
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()
    ended: Future[None] = Future()

    async def within() -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result((asyncio.get_running_loop(), task))
        await work()

    def body() -> None:
        try:
            asyncio.run(within())
        except asyncio.CancelledError:
            ended.set_result(None)
        except BaseException as error:  # noqa: BLE001  # whatever ends it is told to whoever waits
            (ended if begun.done() else begun).set_exception(error)
        else:
            ended.set_result(None)

    # A daemon: when the process is to end at once, this is not waited for.
    thread = Thread(target=body, name=name, daemon=True)
    thread.start()
    loop, task = begun.result()
    over = asyncio.wrap_future(ended)
    try:
        await asyncio.shield(over)
    except asyncio.CancelledError:
        with suppress(RuntimeError):  # its loop may have ended meanwhile
            loop.call_soon_threadsafe(task.cancel)
        await over
        raise
    finally:
        if ended.done():
            thread.join()  # it has nothing left to do
