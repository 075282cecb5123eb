"""Judges a history by what is stored in the end. No I/O, no clock: the same history gets the same verdict."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.workload import Row

CHECKS = {
    "unacked": "nobody waits for an ack in the end",
    "stored": "an acked command has one change, with the acked revision and row",
    "refused": "a refused command has left nothing, and the refusal was to be expected",
    "phantom": "every change comes from one command",
    "gapless": "each revision of a feed is one change",
    "real time": "what began after an ack has a higher revision",
    "display": "a display is, row by row and in order, what is stored",
    "twice": "no change is told twice, or out of order",
    "gap": "no change is shown before one that it follows",
    "closed": "no socket closed whose process and network were well",
    "planned": "a socket whose process was told to end was closed with 4012",
    "presence": "who is shown as here has a live socket",
    "gave up": "no client was told to stay away",
    "log": "no server logged an error",
}
OF_LOSS = {"display", "gap"}  # what servers without repair violate, and nothing else
RESTART = 4012
SLACK_SECONDS = 0.5  # between a fault and its record
SHOWN = 100  # characters of a row


@dataclass
class Verdict:
    examined: Counter[str] = field(default_factory=Counter)  # by check
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def holds(self) -> bool:
        return not self.violations

    @property
    def is_of_loss(self) -> bool:
        """Something was lost, and nothing else was wrong: the servers themselves worked."""
        return bool(self.violations) and self.violations.keys() <= OF_LOSS

    def judge(self, check: str, is_well: bool, complaint: str) -> None:
        assert check in CHECKS
        self.examined[check] += 1
        if not is_well:
            self.violations[check].append(complaint)


def check(
    records: Sequence[Mapping[str, Any]],
    stored: Mapping[str, Mapping[str, Any]],
    *,
    refusals: Collection[str] = (),
    present: Collection[str] = (),
) -> Verdict:
    """Judge. `stored` has, for each feed, what `Workload.stored` says, with the `start` revision and `first` rows of the clients,
    and under `of` the one client who follows it (None: all do).

    `present` are the clients with a live socket in the end; the displays of those alone must be what is stored.
    """
    verdict = Verdict()
    Commands(records, stored).judge(verdict, refusals)
    for feed, state in stored.items():
        _judge_revisions(verdict, feed, state)
    for who in sorted({record["who"] for record in records if record["op"] == "open"}):
        own = [record for record in records if record["who"] == who]
        for feed, state in stored.items():
            if state["of"] not in {None, who}:
                continue
            screen = Screen(who, feed, state, records)
            screen.replay(verdict, own)
            if who in present:
                screen.judge_end(verdict)
        _judge_closes(verdict, who, own, records)
    _judge_presence(verdict, records, present)
    return verdict


class Commands:
    """What became of each command, in the history and in the tables."""

    def __init__(self, records: Sequence[Mapping[str, Any]], stored: Mapping[str, Mapping[str, Any]]):
        self.records = records
        self.invoked = {record["client_id"]: record for record in records if record["op"] == "invoke"}
        self.ended = {record["client_id"]: record for record in records if record["op"] in {"ok", "fail"}}
        self.changes: dict[str, list[tuple[str, int, int]]] = defaultdict(list)  # {client id: [(feed, rev, row), ...]}
        for feed, state in stored.items():
            for rev, row, client_id in state["changes"]:
                self.changes[client_id].append((feed, rev, row))

    def judge(self, verdict: Verdict, refusals: Collection[str]) -> None:
        for client_id, command in self.invoked.items():
            end, changes = self.ended.get(client_id), self.changes.get(client_id, [])
            name = f"{command['who']}'s {command['command']['type']} {client_id}"
            verdict.judge("unacked", end is not None, f"{name} was never answered; stored: {changes}")
            if end and end["op"] == "ok":
                acked = (end["feed"], end["rev"], end["id"])
                verdict.judge("stored", changes == [acked], f"{name} was acked as {acked}; stored: {changes}")
            elif end:
                is_expected = end["code"] in refusals and not changes
                verdict.judge("refused", is_expected, f"{name}: {end['code']} ({end.get('message', '')}); stored: {changes}")
        for client_id, changes in self.changes.items():
            verdict.judge("phantom", client_id in self.invoked, f"{changes} come from no command of ours: {client_id}")
        self._judge_real_time(verdict)

    def _judge_real_time(self, verdict: Verdict) -> None:
        """Whatever two clients do: if one had its ack before the other began, the feed has them in that order."""
        acked: Counter[str] = Counter()  # {feed: the highest revision that anybody has an ack for by now}
        floors: dict[str, int] = {}
        for record in self.records:
            if record["op"] == "invoke":
                floors[record["client_id"]] = acked[record["feed"]]
            elif record["op"] == "ok":
                floor = floors.get(record["client_id"], 0)
                complaint = f"{record['client_id']} got revision {record['rev']}, and {floor} had been acked before it began"
                verdict.judge("real time", record["rev"] > floor, complaint)
                acked[record["feed"]] = max(acked[record["feed"]], record["rev"])


def _judge_revisions(verdict: Verdict, feed: str, state: Mapping[str, Any]) -> None:
    times = Counter(rev for rev, _, _ in state["changes"] if rev > state["start"])
    for rev in sorted({*range(state["start"] + 1, state["rev"] + 1), *times}):
        is_well = times[rev] == 1 and rev <= state["rev"]
        verdict.judge("gapless", is_well, f"{feed}: {times[rev]} changes have revision {rev} (the head is {state['rev']})")


class Screen:
    """What one client displays of one feed, as its records say."""

    def __init__(self, who: str, feed: str, state: Mapping[str, Any], records: Sequence[Mapping[str, Any]]):
        self.who, self.feed, self.state = who, feed, state
        self.rows: dict[int, Row] = {row[0]: Row(*row) for row in state["first"]}
        self.cursor: int = state["start"]
        self.shown: list[tuple[int, int]] = []  # (row, rev), in order
        self.skipped: list[tuple[float, int]] = []  # (when, rev): the screen went past these
        self.row_of = {rev: row for rev, row, _ in state["changes"]}
        began = {record["client_id"]: record["t"] for record in records if record["op"] == "invoke"}
        self.began = {rev: began.get(client_id, 0.0) for rev, _, client_id in state["changes"]}

    def replay(self, verdict: Verdict, own: Sequence[Mapping[str, Any]]) -> None:
        for record in own:
            if record.get("feed") == self.feed:
                self._take(verdict, record)
        for time, rev in self.skipped:
            verdict.judge("gap", *self._is_superseded(time, rev))

    def _take(self, verdict: Verdict, record: Mapping[str, Any]) -> None:
        match record["op"]:
            case "show":
                is_new = not record["is_repeated"] and record["rev"] > self.cursor
                verdict.judge("twice", is_new, f"{self}: revision {record['rev']} again, at {record['t']} s (at {self.cursor})")
                if is_new:
                    self._pass(record["t"], record["rev"])
                    verdict.examined["gap"] += 1
                    self._show(record["rows"])
            case "live":
                self._pass(record["t"], record["rev"] + 1)
                self.cursor = record["rev"]
            case "reset":
                self.cursor = record["rev"]
                self.rows.clear()
            case "page":
                self._show(record["rows"])

    def _pass(self, time: float, rev: int) -> None:
        self.skipped += [(time, skipped) for skipped in range(self.cursor + 1, rev)]
        self.cursor = rev

    def _show(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in map(Row._make, rows):
            self.shown.append((row.id, row.rev))
            if row.id not in self.rows or self.rows[row.id].rev <= row.rev:
                self.rows[row.id] = row

    def _is_superseded(self, time: float, rev: int) -> tuple[bool, str]:
        """Who catches up gets rows as they are, so a change may be left out for a later one of the same row. That one must
        have been on its way already when the screen went past: else a row stood there that was not what it had been."""
        row = self.row_of.get(rev)
        later = next((other for pk, other in self.shown if pk == row and other > rev), None)
        where = f"{self}: went past revision {rev} of row {row} at {time} s"
        if later is None:
            return False, f"{where}, and never showed it"
        began = self.began.get(later, 0.0)
        return began <= time, f"{where}, and its next one, {later}, began only at {began} s"

    def judge_end(self, verdict: Verdict) -> None:
        display = {row.id: row for row in self._in_order(self.rows.values())}
        stored = {row.id: row for row in self._in_order(Row(*row) for row in self.state["rows"])}
        for pk in [*stored, *(pk for pk in display if pk not in stored)]:
            complaint = f"{self}: row {pk} is {_brief(display.get(pk))}; stored: {_brief(stored.get(pk))}"
            verdict.judge("display", display.get(pk) == stored.get(pk), complaint)
        verdict.judge("display", self.cursor == self.state["rev"], f"{self}: at {self.cursor}, the head is {self.state['rev']}")
        if set(display) == set(stored):
            verdict.judge("display", [*display] == [*stored], f"{self}: another order")

    @staticmethod
    def _in_order(rows: Iterable[Row]) -> Iterator[Row]:
        yield from sorted((row for row in rows if row.content), key=lambda row: (row.place, row.id))

    def __str__(self) -> str:
        return f"{self.who}, {self.feed}"


def _brief(row: Row | None) -> str:
    return "not there" if row is None else f"at place {row.place}, revision {row.rev}, {row.content[-SHOWN:]!r}"


def _judge_closes(verdict: Verdict, who: str, own: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> None:
    """A socket may close when its process is killed or told to end, or its network is bad: while it was open. A process that
    was told to end says goodbye."""
    opened = 0.0
    for record in own:
        if record["op"] == "open":
            opened = record["t"]
        elif record["op"] == "close":
            verdict.judge("gave up", not record.get("is_final"), f"{who} was closed for good with {record['code']}")
            excuses = {
                other["op"]
                for other in records
                if (other["op"] in {"kill", "terminate"} and other["process"] == record["process"])
                or (other["op"] in {"cut", "deaf"} and other["client"] == who)
                if opened - SLACK_SECONDS <= other["t"] <= record["t"] + SLACK_SECONDS
            }
            complaint = f"{who}'s socket on process {record['process']} closed with {record['code']} at {record['t']} s"
            verdict.judge("closed", bool(excuses), f"{complaint}, opened at {opened} s")
            if excuses == {"terminate"}:
                verdict.judge("planned", record["code"] == RESTART, complaint)


def _judge_presence(verdict: Verdict, records: Sequence[Mapping[str, Any]], present: Collection[str]) -> None:
    for record in records:
        if record["op"] == "people":
            wrong = f"{record['who']}, {record['feed']}: shows {sorted(record['people'])}, here are {sorted(present)}"
            verdict.judge("presence", set(record["people"]) == set(present), wrong)
