"""Durable background jobs: what must happen although the process that asked for it may die.

    @job("notifications.digest")
    def send_digest(payload): ...

    enqueue("notifications.digest", {"user": 7}, run_after=in_ten_minutes, key="notifications.digest.7")

A job is a row, written in the transaction of its cause. A worker claims it with SKIP LOCKED, which moves `run_after` on by
a lease; a worker that dies simply does not come back, and when the lease is over the job is taken again. So a job runs at
least once: its function must not mind being run twice. What fails is tried again, later each time, and after 8 attempts is
kept for staff to look at.

The "jobs" channel layer wakes workers (`manage.py runworker`); polling finds what no wake-up announced. Without Redis the
server does the jobs itself.

Nobody's jobs keep everybody else's waiting: a worker does at most two of one name at a time, and of these at most one whose
payload names the same `user`.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync, sync_to_async
from channels.consumer import AsyncConsumer
from channels.exceptions import ChannelFull
from channels.layers import channel_layers
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from realtime.broadcast import in_loop_of
from realtime.hub import Hub
from realtime.models import Job, JobQuerySet
from realtime.threads import in_database, with_fresh_connection

logger = logging.getLogger(__name__)

LAYER = CHANNEL = "jobs"
LANES = 4  # jobs at the same time in one worker
LANES_PER_NAME = 2  # of these: what waits for strangers' servers leaves room for everything else
POLL_SECONDS = 5.0  # how late a job may start that no wake-up announced
LEASE = timedelta(minutes=2)  # how long a job may take before others think that its worker died
ATTEMPTS = 8
STOP_SECONDS = 4.0  # for what runs when we are told to end; honcho kills after five, others after ten or more
GIVE_BACK_SECONDS = 2.0  # for the database to note what could not be finished
WAKE_SECONDS = 2.0

Function = Callable[[dict[str, Any]], None]
_functions: dict[str, Function] = {}
_threads = ThreadPoolExecutor(LANES, "jobs")  # their own: a job that waits for a server must not hold up the sockets


def job(name: str) -> Callable[[Function], Function]:
    """Register the function that does the jobs of this name. It is given the payload."""

    def register(function: Function) -> Function:
        _functions[name] = function
        return function

    return register


def enqueue(name: str, payload: dict[str, Any], *, run_after: datetime | None = None, key: str = "") -> None:
    """Have it done after the commit, or not before `run_after`. Of two that wait with the same `key` there is one."""
    enqueue_all([new_job(name, payload, run_after=run_after, key=key)])


def new_job(name: str, payload: dict[str, Any], *, run_after: datetime | None = None, key: str = "") -> Job:
    return Job(name=name, payload=payload, run_after=run_after or timezone.now(), key=key or None)


def enqueue_all(jobs: Iterable[Job]) -> None:
    """Many, with one statement."""
    jobs = list(jobs)
    if jobs:
        Job.objects.bulk_create(jobs, ignore_conflicts=True)
        if any(job.run_after <= timezone.now() for job in jobs):
            transaction.on_commit(_wake, robust=True)


def waiting(key: str) -> Job | None:
    """The job that waits with this key; one that runs has none any more."""
    return Job.objects.filter(key=key).first()


def move(job: Job, run_after: datetime) -> None:
    """Have a job that waits done at another time, unless it has begun meanwhile."""
    Job.objects.filter(pk=job.pk, key=job.key).update(run_after=run_after)


def claim(now: datetime | None = None, beside: Collection[Job] = ()) -> Job | None:
    """The next job that is due and may run beside these; nobody else gets it while the lease lasts."""
    now = now or timezone.now()
    due = _fair(Job.objects.due(now), beside)
    if not due.exists():  # so that polling takes no lock
        return None
    with transaction.atomic():
        job = due.select_for_update(skip_locked=True).order_by("run_after", "pk").first()
        if job is None:
            return None
        job.attempts += 1
        # A key holds while a job waits. What is asked for from now on may not be seen by this run, so it is a job anew.
        job.key, job.run_after = None, now + LEASE
        job.save(update_fields=["attempts", "key", "run_after"])
    return job


def _fair(due: JobQuerySet, beside: Collection[Job]) -> JobQuerySet:
    """Without what would take all lanes: of one name some, and of those one for each `user` that a payload names."""
    for name, running in Counter(job.name for job in beside).items():
        if running >= LANES_PER_NAME:
            due = due.exclude(name=name)
    for job in beside:
        if user := job.payload.get("user"):
            due = due.exclude(name=job.name, payload__user=user)
    return due


def perform(job: Job, now: datetime | None = None) -> bool:
    """Run a claimed job. True when it is done, and gone."""
    try:
        if job.attempts > ATTEMPTS:
            raise RuntimeError("Its worker died each time.")
        _functions[job.name](job.payload)
    except Exception as error:  # whatever a job raises, the others must run
        _failed(job, error, now or timezone.now())
        return False
    Job.objects.filter(pk=job.pk).delete()
    return True


def _failed(job: Job, error: Exception, now: datetime) -> None:
    job.last_error = f"{type(error).__name__}: {error}"[:1000]
    if job.attempts >= ATTEMPTS:
        job.dead_at = now
        logger.warning("Job %s (%s) is dead after %d attempts: %s", job.pk, job.name, job.attempts, job.last_error)
    else:
        job.run_after = now + backoff(job.attempts)
        logger.info("Job %s (%s) failed, attempt %d: %s", job.pk, job.name, job.attempts, job.last_error)
    job.save(update_fields=["last_error", "dead_at", "run_after"])


def backoff(attempts: int) -> timedelta:
    """10 s, 20 s, 40 s, ... 10 min; spread, so that what failed together does not come back together."""
    return timedelta(seconds=min(600, 5 * 2**attempts) * random.uniform(0.8, 1.2))


def retry(jobs: Iterable[Job]) -> int:
    """Give dead jobs another eight attempts, now."""
    again = Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(dead_at=None)
    revived = again.update(dead_at=None, attempts=0, run_after=timezone.now())
    transaction.on_commit(_wake, robust=True)
    return revived


def give_back(jobs: Iterable[Job], now: datetime | None = None) -> None:
    """Have claimed jobs done by somebody else, at once: we are told to end. The attempt does not count against them."""
    for job in jobs:
        # Not one that was finished in the last moment, nor one whose lease somebody else has taken over.
        held = Job.objects.filter(pk=job.pk, run_after=job.run_after, dead_at=None)
        if held.update(run_after=now or timezone.now(), attempts=F("attempts") - 1):
            logger.info("Job %s (%s) is given back.", job.pk, job.name)


def run_due(now: datetime | None = None) -> int:
    """Do all that is due, here and now, for tests and for `runworker --once`. Returns how many were done."""
    done = 0
    while job := claim(now):
        done += perform(job, now)
    return done


class Runner:
    """Does jobs in the running event loop, some at a time, until it is told to stop."""

    _by_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "Runner"]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.woken = asyncio.Event()
        self._is_stopping = False
        self._running: set[Job] = set()
        self._claiming = asyncio.Lock()
        self._lanes: list[asyncio.Task[None]] = []

    @classmethod
    def here(cls) -> "Runner":
        """The runner of the running event loop, started when first asked for."""
        loop = asyncio.get_running_loop()
        runner = cls._by_loop.get(loop)
        if runner is None:
            runner = cls._by_loop[loop] = cls()
            runner._lanes = [loop.create_task(runner._lane()) for _ in range(LANES)]
        return runner

    @classmethod
    def of_process(cls) -> "Runner | None":
        return next((runner for loop, runner in list(cls._by_loop.items()) if loop.is_running()), None)

    def wake(self) -> None:
        self.woken.set()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Finish what runs, and give back what takes longer: another worker need not wait for the lease to end.

        The thread of a job that was given back still runs. The process should end now, or the job is done twice at once.
        """
        self._is_stopping = True
        self.woken.set()
        if not self._lanes:
            return
        _, late = await asyncio.wait(self._lanes, timeout=seconds)
        unfinished = list(self._running)
        for lane in late:
            lane.cancel()
        if unfinished:
            try:
                async with asyncio.timeout(GIVE_BACK_SECONDS):
                    await in_database(give_back, unfinished)  # our own threads are what is busy
                    if LAYER in settings.CHANNEL_LAYERS:
                        await _tell_workers()
            except (DatabaseError, TimeoutError) as error:
                logger.warning("Unfinished jobs wait for the end of their lease (%s: %s).", type(error).__name__, error)

    async def _lane(self) -> None:
        while not self._is_stopping:
            self.woken.clear()
            try:
                job = await self._claim()
                if job is not None:
                    self.woken.set()  # where there is one there may be more: the next lane looks
                    await self._perform(job)
                    continue
            except DatabaseError as error:
                logger.warning("Jobs could not be read or written (%s); trying again.", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS * random.uniform(0.8, 1.2)):
                    await self.woken.wait()

    async def _claim(self) -> Job | None:
        async with self._claiming:  # each sees what the others have taken
            job = await _in_thread(claim, None, list(self._running))
            if job is not None:
                self._running.add(job)
            return job

    async def _perform(self, job: Job) -> None:
        try:
            await _in_thread(perform, job)
        finally:
            self._running.discard(job)


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    if not settings.DATABASE_THREADS:  # see realtime/threads.py
        return await sync_to_async(function)(*args)
    return await sync_to_async(with_fresh_connection, thread_sensitive=False, executor=_threads)(function, *args)


class JobConsumer(AsyncConsumer):
    """The channel "jobs": its messages say only that there is something to do."""

    async def jobs_wake(self, message: dict[str, Any]) -> None:
        Runner.here().wake()


def run_in_process() -> None:
    """Called by the server for each connection: without Redis there is no worker to wake, so it does the jobs itself."""
    if LAYER not in settings.CHANNEL_LAYERS:
        Runner.here()


async def stop_in_process() -> None:
    if runner := Runner.of_process():
        await runner.stop()


def _wake() -> None:
    """Tell this process, or the workers. A wake-up that is lost costs one poll."""
    if runner := Runner.of_process():
        in_loop_of(runner, runner.wake)
    elif LAYER not in settings.CHANNEL_LAYERS:
        return
    elif hub := Hub.of_process():
        in_loop_of(hub, lambda: hub.run(_tell_workers()))
    else:
        async_to_sync(_tell_workers)()


async def _tell_workers() -> None:
    try:
        async with asyncio.timeout(WAKE_SECONDS):
            await channel_layers[LAYER].send(CHANNEL, {"type": "jobs.wake"})
    except ChannelFull:
        return  # they have been woken often enough
    except Exception as error:  # whatever the layer raises when it is away; polling finds the job
        logger.warning("Workers could not be woken (%s: %s).", type(error).__name__, error)
