"""Asynchronous jobs side by side behind a plain generator: a fetch yields what completes, in the order it completes."""

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")


def side_by_side(
    jobs: Iterable[Callable[[], Awaitable[Result]]], in_flight: int, close: Callable[[], Awaitable[None]]
) -> Iterator[Result]:
    """Run jobs in an event loop of their own and yield each result as it completes.

    The loop runs in a thread, so questions go out while the caller writes; at most `in_flight` jobs are started and
    not yet taken, so memory stays bounded. A job that raises ends it all and the others are cancelled: what concerns
    one device alone is a result, so jobs catch that themselves. `close` is awaited in the loop, whatever happens.
    """
    found: queue.SimpleQueue[tuple[Result, None] | tuple[None, BaseException] | None] = queue.SimpleQueue()
    started: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = queue.SimpleQueue()
    slots = asyncio.Semaphore(in_flight)

    async def take(job: Callable[[], Awaitable[Result]]) -> None:
        try:
            found.put((await job(), None))
        except Exception as error:  # raised again where the caller is
            found.put((None, error))

    async def work() -> None:
        started.put((asyncio.get_running_loop(), asyncio.current_task()))
        try:
            async with asyncio.TaskGroup() as tasks:
                for job in jobs:
                    await slots.acquire()
                    tasks.create_task(take(job))
        finally:
            await close()

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # raised again where the caller is, if it still listens
            found.put((None, error))
        found.put(None)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="http-fetch", daemon=True)
    thread.start()
    loop, task = started.get()
    try:
        while (item := found.get()) is not None:
            if item[1] is not None:
                raise item[1]
            with contextlib.suppress(RuntimeError):  # the loop has ended with the last job
                loop.call_soon_threadsafe(slots.release)
            yield item[0]
    finally:
        with contextlib.suppress(RuntimeError):
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
