"""One thread per process: reports once a second, answers questions in between.

A thread, because it still beats when the event loop is blocked, which is how "stalled" can be told from "dead"; and because it
also serves processes that have no loop of their own. It only adds up whole numbers. It starts with the first thing that
there is to count.
"""

import atexit
import logging
import os
import threading
import time
from typing import Any

from dashboard import process
from dashboard.conf import option
from dashboard.layers import canary
from dashboard.layers.canary import Canary
from dashboard.own_groups import look_again
from dashboard.report import counters, make_report
from dashboard.store import QUIET_SECONDS, Flushed, Store, Unreachable, store
from dashboard.tap import close_old_taps

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
LAST_SECONDS = 2.0  # how long the end of the process may wait for the last report


class Agent:
    def __init__(self, store: Store, already: dict[str, int], canary: Canary | None = None):
        # `already`: what was counted before this process was forked, and is its parent's to report
        self.store, self.canary = store, canary
        self.seq = 0
        self.cost = 0.0  # seconds of CPU that this thread has spent since the report before the last
        self._acknowledged = dict(already)
        self._is_away = self._has_said_hello = False
        self._spent = 0.0
        self._stopping = threading.Event()
        self._beating = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="dashboard-agent", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """The process ends: report for the last time, then leave."""
        self._stopping.set()
        if self.canary:
            self.canary.stop()
        if self._beating.acquire(timeout=LAST_SECONDS):
            try:
                self._report()
                self.store.leave(process.boot_id)
                self.store.note("stopped", boot=process.boot_id, who=label(process.identity()))
            except Unreachable:
                logger.info("The dashboard's store did not take the last report.")
            finally:
                self._beating.release()

    def beat(self) -> None:
        """Report, and do what the one that leads does for all."""
        with self._beating:
            if self._stopping.is_set():  # the last report was made while we waited
                return
            spent = time.thread_time()
            self.cost, self._spent = spent - self._spent, spent
            if self.canary:
                self.cost += self.canary.take_cost()
            close_old_taps()
            flushed = self._report()
            if not self._has_said_hello:
                self._say_hello()
                self._has_said_hello = True
            if flushed.quiet:
                self._look_after_neighbours()
            if flushed.leads:
                from dashboard.queries import leading

                leading.take_care(self.store)

    def _report(self) -> Flushed:
        report = make_report(self.seq + 1, self.cost)
        report.row |= {"offset": round(self.store.offset, 4), "round_trip": round(self.store.round_trip, 5)}
        look_again()
        self.seq += 1  # also when the reply is lost: then this one counts if it arrived, and the next if it did not
        flushed = self.store.flush(report, self._acknowledged)
        self._acknowledged = report.counters
        return flushed

    def _say_hello(self) -> None:
        who = process.identity()
        self.store.note("started", boot=who["boot"], who=label(who))
        if who["version"] and self.store.recall("version") != who["version"]:
            self.store.remember("version", who["version"])
            self.store.note("deploy", version=who["version"])

    def _look_after_neighbours(self) -> None:
        """A process of this machine is silent. Whether it stands still or is no more, we can see."""
        me = process.identity()
        for row in self.store.processes():
            if row["age"] > QUIET_SECONDS and row.get("machine") == me["machine"] and row["boot"] != me["boot"] and row["born"]:
                self.store.vouch(row["boot"], process.birth_of(row["pid"]) == row["born"])

    def _run(self) -> None:
        from dashboard.answers import answer

        while not self._stopping.is_set():
            due = time.monotonic() + BEAT_SECONDS
            try:
                self.beat()
                if self.canary:  # while the store is away nobody could be told
                    self.canary.beat()
                self._is_away = False
                while not self._stopping.is_set() and (left := due - time.monotonic()) > 0:
                    self.store.listen(answer, process.boot_id, min(left, BEAT_SECONDS))
            except Unreachable as error:
                self._complain(error)
            except Exception:  # a mistake of ours must not end the reports of this process
                logger.exception("A beat of the dashboard failed.")
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _complain(self, error: Unreachable) -> None:
        self.store.reset_listening()
        if not self._is_away:
            logger.warning("The dashboard's store does not answer (%s); it will be told later.", error)
        self._is_away = True


_agent: Agent | None = None
_starting = threading.Lock()


def start_agent(already: dict[str, int] | None = None) -> None:
    """Start this process's agent, unless it runs or is not wanted. Called with the first thing to count."""
    global _agent
    if _agent is not None or not option("AGENT"):
        return
    with _starting:
        if _agent is None:
            _agent = Agent(store(), already or {}, Canary())
            _agent.start()
            atexit.register(_agent.stop)


def after_fork() -> None:
    """A forked process has no threads, and is somebody else."""
    global _agent
    if _agent is not None:
        _agent = None
        process.renew()
        canary.forget()
        store.cache_clear()
        start_agent(already=counters())


os.register_at_fork(after_in_child=after_fork)


def label(row: dict[str, Any]) -> str:
    return f"{row['role']} {row['pid']} on {row['host']}"
