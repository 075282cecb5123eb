"""The store in Redis, on connections of its own: what it measures must not be what it is carried by."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis

from dashboard.report import Report, understood
from dashboard.store import KNOWN_SECONDS, STEPS, Answer, Bucket, Flushed, Unreachable
from dashboard.store.hosts import SECONDS, connect, name_of

ANSWER_SECONDS = 10  # an answer that nobody fetches is gone after that


class SharedStore:
    is_shared = True

    def __init__(self, host: Any, prefix: str):
        """`host` is as in the `hosts` of a channel layer."""
        self._prefix = prefix
        self.name = f"Redis at {name_of(host)}"
        self.redis = connect(host, decode_responses=True)
        self._flush = self.redis.register_script((Path(__file__).parent / "flush.lua").read_text())
        self._pubsub: Any = None
        self._silent: dict[str, float] = {}  # the beat before which a process gave no answer
        self.offset = self.round_trip = 0.0  # seconds

    def now(self) -> float:
        return time.time() + self.offset

    def flush(self, report: Report, acknowledged: dict[str, int]) -> Flushed:
        gauges = [part for name, value in report.gauges.items() for part in (name, value)]
        changed = [
            part
            for name, value in report.counters.items()
            if value != acknowledged.get(name, 0)
            for part in (name, value, acknowledged.get(name, 0))
        ]
        arguments = [self._prefix, report.boot, report.seq, json.dumps(report.row), len(report.gauges), *gauges, *changed]
        with reaching():
            before = time.time()
            seconds, micros, leads, quiet = self._flush(args=arguments)
            now = time.time()
        # Half of the round trip is the best guess of when the other clock was read (Cristian's algorithm).
        self.offset = seconds + micros / 1e6 - (before + now) / 2
        self.round_trip = now - before
        return Flushed(bool(leads), quiet)

    def leave(self, boot: str) -> None:
        """A process ends in order: its numbers stay, its gauges go."""
        with reaching(), self.redis.pipeline() as pipe:
            pipe.zrem(self._key("procs"), boot)
            pipe.delete(self._key("g", boot))
            pipe.expire(self._key("p", boot), KNOWN_SECONDS)
            pipe.zadd(self._key("left"), {boot: int(self.now())})
            pipe.zremrangebyscore(self._key("left"), "-inf", self.now() - KNOWN_SECONDS)
            pipe.expire(self._key("left"), KNOWN_SECONDS)
            pipe.execute()

    def processes(self) -> list[dict[str, Any]]:
        """The rows of all processes, the lately lost excepted, with the age of their last beat."""
        with reaching():
            beats: list[tuple[str, float]] = self.redis.zrange(self._key("procs"), 0, -1, withscores=True)
            with self.redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(self._key("seen"))
                for boot, _ in beats:
                    pipe.hget(self._key("p", boot), "row")
                seen, *rows = pipe.execute()
        now = self.now()
        return [
            {
                **understood(json.loads(row)),
                "age": max(0.0, now - beat),
                "vouched": now - float(seen.get(boot, 0)) < ANSWER_SECONDS,
            }
            for (boot, beat), row in zip(beats, rows, strict=True)
            if row
        ]

    def gone(self) -> list[dict[str, Any]]:
        """The last row of each process that was lost within the hour."""
        with reaching():
            boots = self.redis.zrange(self._key("gone"), 0, -1)
            return [
                {**understood(json.loads(row)), "beat": float(at)}
                for row, at in (self.redis.hmget(self._key("gone", boot), "row", "at") for boot in boots)
                if row and at
            ]

    def ended(self) -> list[dict[str, Any]]:
        """The last row of each process that was lost, or ended in order, within the hour."""
        with reaching():
            left = self.redis.zrange(self._key("left"), 0, -1, withscores=True)
            rows = [(self.redis.hget(self._key("p", boot), "row"), at) for boot, at in left]
        return self.gone() + [{**understood(json.loads(row)), "beat": at} for row, at in rows if row]

    def vouch(self, boot: str, is_alive: bool) -> None:
        """Somebody on the same machine looked: the silent process is there, or it is not."""
        with reaching():
            self.redis.hset(self._key("seen"), boot, str(int(self.now()) if is_alive else -1))

    def totals(self) -> dict[str, int]:
        with reaching():
            return {name: int(value) for name, value in self.redis.hgetall(self._key("total")).items()}

    def series(self, step: int, number: int, *, with_current: bool = False) -> list[tuple[int, Bucket]]:
        """The last `number` buckets of `step` seconds that are over, the earliest first. Empty where nothing happened."""
        end = int(self.now()) // step * step
        times = list(range(end - step * min(number, STEPS[step]), end + with_current * step, step))
        with reaching(), self.redis.pipeline(transaction=False) as pipe:
            for at in times:
                pipe.hgetall(self._key("t", step, at))
            buckets = pipe.execute()
        return [(at, {name: int(value) for name, value in found.items()}) for at, found in zip(times, buckets, strict=True)]

    def note(self, kind: str, **facts: str | float) -> None:
        with reaching():
            entry = {"kind": kind, "at": int(self.now()), **facts}
            self.redis.xadd(self._key("events"), entry, maxlen=1000, approximate=True)

    def events(self, number: int) -> list[dict[str, Any]]:
        """What happened, the latest first."""
        with reaching():
            return [{**facts, "at": int(facts["at"])} for _, facts in self.redis.xrevrange(self._key("events"), count=number)]

    def remember(self, name: str, value: Any) -> None:
        with reaching():
            self.redis.set(self._key("kv", name), json.dumps(value))

    def recall(self, name: str) -> Any:
        with reaching():
            found = self.redis.get(self._key("kv", name))
        return json.loads(found) if found else None

    # Questions

    def listen(self, answer: Answer, boot: str, seconds: float) -> None:
        """Answer what is asked of this process, for so long."""
        deadline = time.monotonic() + seconds
        with reaching():
            if self._pubsub is None:
                self._pubsub = self.redis.pubsub(ignore_subscribe_messages=True)
                self._pubsub.subscribe(self._key("ask"))
            while (left := deadline - time.monotonic()) > 0:
                message = self._pubsub.get_message(timeout=left)
                if message and message["type"] == "message":
                    self._answer(answer, boot, json.loads(message["data"]))

    def _answer(self, answer: Answer, boot: str, question: dict[str, Any]) -> None:
        if question["to"] not in ("", boot):
            return
        reply = json.dumps({"boot": boot, "answer": answer(question["what"], question["details"])})
        with self.redis.pipeline() as pipe:
            pipe.rpush(self._key("re", question["id"]), reply)
            pipe.expire(self._key("re", question["id"]), ANSWER_SECONDS)
            pipe.execute()

    def ask(self, what: str, details: dict[str, Any], boot: str = "", timeout: float = 2.0) -> dict[str, Any]:
        """Ask all processes, or one, and wait until they have answered or the time is up. Answers by boot id.

        Who gave no answer is not waited for again until its next beat: one that stands still keeps subscription and lease.
        """
        question, answers = uuid4().hex, dict[str, Any]()
        deadline = time.monotonic() + timeout
        with reaching(), self.redis.pipeline() as pipe:
            pipe.publish(self._key("ask"), json.dumps({"id": question, "what": what, "details": details, "to": boot}))
            pipe.zrange(self._key("procs"), 0, -1, withscores=True)
            receivers, found = pipe.execute()
            beats = dict(found)
            silent = sum(beats.get(who) == beat for who, beat in self._silent.items())
            asked = min(receivers, 1) if boot else receivers - silent
            while len(answers) < asked and (left := deadline - time.monotonic()) > 0:
                if not (reply := self.redis.blpop([self._key("re", question)], timeout=min(left, SECONDS / 2))):
                    continue
                answer = json.loads(reply[1])
                answers[answer["boot"]] = answer["answer"]
        if len(answers) < asked and not boot:
            self._silent = {who: beat for who, beat in beats.items() if who not in answers}
        return answers

    def close(self) -> None:
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None
        self.redis.close()

    def reset_listening(self) -> None:
        """After a failure the subscription begins anew."""
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None

    def _key(self, *parts: Any) -> str:
        return self._prefix + ":".join(map(str, parts))


@contextmanager
def reaching() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
