"""Group commit: what waits is committed together.

While one transaction runs, the next requests queue up; then they share one thread hop, one lock per feed and one commit.
Nobody waits longer for it: an idle batcher starts at once. Measured in docs/performance.md.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from realtime.threads import in_database

Request = TypeVar("Request")
Result = TypeVar("Result")

BATCH = 64  # requests in one transaction


class Batcher(Generic[Request, Result]):
    """Collects requests for `work`, which answers a list of them with a list of results (or exceptions), in order.

    `rest`: seconds to gather after each transaction, where an ack may be a little later and fewer transactions cost less.
    """

    def __init__(self, work: Callable[[Sequence[Request]], Sequence[Result | Exception]], *, rest: float = 0.0):
        self._work, self._rest = work, rest
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()

    async def submit(self, request: Request) -> Result:
        """The result for this request, after the commit that holds it. Raises what `work` answered or raised."""
        loop = asyncio.get_running_loop()
        queue = self._queues.setdefault(loop, _Queue())
        future: asyncio.Future[Result] = loop.create_future()
        queue.waiting.append((request, future))
        if queue.runner is None or queue.runner.done():
            queue.runner = asyncio.create_task(self._run(queue))
        return await future

    async def _run(self, queue: "_Queue") -> None:
        while queue.waiting:
            batch = [queue.waiting.popleft() for _ in range(min(BATCH, len(queue.waiting)))]
            await self._commit(batch)
            if self._rest:
                await asyncio.sleep(self._rest)

    async def _commit(self, batch: list[tuple[Request, asyncio.Future]]) -> None:
        try:
            results = await in_database(self._work, [request for request, _ in batch])
        except Exception as error:
            if len(batch) > 1:  # one of them spoils the transaction for all: let each have its own
                for single in batch:
                    await self._commit([single])
                return
            results = [error]
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # its socket went away
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


class _Queue:
    def __init__(self) -> None:
        self.waiting: deque[tuple] = deque()
        self.runner: asyncio.Task[None] | None = None
