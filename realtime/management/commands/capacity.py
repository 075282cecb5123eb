"""What so many people would need."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from realtime.capacity import Load, Plan, TooMuch, plan


def number(text: str) -> int:
    """`1e6`, `1_000_000` and `1000000`."""
    return int(float(text))


class Command(BaseCommand):
    help = "Processes, cores, memory and bandwidth for so many sockets, by the model in realtime/capacity.py (docs/scaling.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sockets", type=number, required=True, help="open at the same time, such as 1e6")
        parser.add_argument("--rooms", type=number, required=True, help="with somebody in them")
        parser.add_argument("--per-minute", type=float, default=Load.per_minute, help="messages that one person writes")
        parser.add_argument("--follows", type=float, default=Load.follows, help="rooms that one socket has open")
        parser.add_argument("--back-within", type=float, default=Load.back_within, help="seconds, after all sockets were lost")

    def handle(self, *, sockets: int, rooms: int, per_minute: float, follows: float, back_within: float, **_: Any) -> None:
        if min(sockets, rooms, follows, back_within) <= 0 or per_minute < 0:
            raise CommandError("Sockets, rooms and times are more than nothing.")
        try:
            made = plan(Load(sockets, rooms, per_minute, follows, back_within))
        except TooMuch as trouble:
            raise CommandError(str(trouble)) from None
        for line in lines(made):
            self.stdout.write(line)


def lines(made: Plan) -> list[str]:
    load, cell, cells = made.load, made.cell, made.cells
    rows = [
        ("cells", f"{cells:,}", f"{'one is enough; nearest limit' if cells == 1 else 'because of'}: {made.limit}"),
        ("web processes", f"{cell.processes * cells:,}", f"{cell.web_cores_busy * cells:,.1f} of their cores busy"),
        ("memory", f"{cell.memory_gib * cells:,.1f} GiB", f"{load.sockets / cell.processes / cells:,.0f} sockets a process"),
        ("workers", f"{cell.workers * cells:,}", ""),
        (
            "Redis",
            f"{cell.shards * cells:,}",
            f"{cell.redis_megabits * cells:,.0f} Mbit/s; a message reaches {cell.hearers:.1f} processes",
        ),
        ("PostgreSQL cores", f"{cell.postgres_cores * cells:,}", f"{cells:,} primaries" if cells > 1 else "1 primary"),
        ("after a deploy", f"{cell.storm_seconds:,.0f} s", "of all cores, until every socket is back"),
    ]
    facts = f"{load.sockets:,} sockets, {load.rooms:,} rooms of {load.members:,.0f}"
    rates = f"{load.messages:,.0f} messages/s, {load.deliveries:,.0f} deliveries/s"
    return [f"{facts}: {rates}", "", *(f"{what:17} {value:>12}  {note}".rstrip() for what, value, note in rows)]
