"""What the map is put through by `manage.py faults` (docs/faults.md): people report, change, close, move and delete incidents."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from realtime.models import Receipt
from realtime.protocol import Command
from realtime.registry import Handler
from tests.faults.workload import Row
from tracker.frames import MAP
from tracker.models import Incident, Map, Tombstone

KINDS = {"report": 4, "rename": 3, "move": 3, "close": 2, "delete": 1}  # how often each, of 13
REMEMBERED = 30  # incidents that one may still change


class TrackerWorkload:
    refusals: frozenset[str] = frozenset()

    def commands(self) -> dict[type[Command], Handler]:
        return {}

    def prepare(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        the_map = Map.objects.the()
        return {"the map": {"feed": MAP, "rev": the_map.rev, "epoch": the_map.epoch, "has_presence": False}}

    def stored(self, feed: str) -> dict[str, Any]:
        receipts = Receipt.objects.filter(feed=feed).values_list("rev", "row_id", "client_id")
        gone = Tombstone.objects.filter(feed=feed)
        return {
            "rev": Map.objects.the().rev,
            "changes": [[rev, pk, str(client_id)] for rev, pk, client_id in receipts],
            "rows": [_row(incident.geojson_feature) for incident in Incident.objects.all()]
            + [Row(tombstone.object_id, tombstone.object_id, tombstone.rev, "") for tombstone in gone],
        }

    def step(self, tab: Any, name: str, chance: random.Random) -> None:
        kind = chance.choices([*KINDS], [*KINDS.values()])[0]
        which, number, lon, lat = chance.random(), chance.randrange(10**6), chance.uniform(-180, 180), chance.uniform(-80, 80)
        own = [pk for pk in tab.made("tracker.incident.report", name)[-REMEMBERED:] if tab.memory.get(pk) != "deleted"]
        if kind == "report" or not own:
            facts = {"name": f"{tab.name} reports {number}", "severity": 1 + number % 5, "lon": lon, "lat": lat}
            tab.post("tracker.incident.report", name, **facts)
            return
        pk = own[int(which * len(own))]
        if kind == "delete":
            tab.memory[pk] = "deleted"
            tab.post("tracker.incident.delete", name, id=pk)
        elif kind == "close":
            # The client has one command on its way at a time, so it knows what its last one about this incident was.
            tab.memory[pk] = "open" if tab.memory.get(pk) == "closed" else "closed"
            tab.post("tracker.incident.change", name, id=pk, closed=tab.memory[pk] == "closed")
        elif kind == "move":
            tab.post("tracker.incident.change", name, id=pk, lon=lon, lat=lat)
        else:
            tab.post("tracker.incident.change", name, id=pk, name=f"{tab.name} thinks again: {number}")

    def rows(self, frame: dict[str, Any], shown: Mapping[int, Row]) -> list[Row]:
        if frame["type"] != "tracker.map.changed":
            return []
        return [_row_of(event, frame["rev"]) for event in frame["events"]]

    def page(self, feed: dict[str, Any], get: Callable[[str], str]) -> list[Row]:
        """All incidents, as a program that keeps a copy would read them."""
        return [_row(feature) for feature in json.loads(get("/tracker/incidents.geojson?state=all"))["features"]]


def _row_of(event: dict[str, Any], rev: int) -> Row:
    if event["type"] == "post_save":
        return _row(event["feature"])
    pk = event["feature"]["properties"]["pk"]
    return Row(pk, pk, rev, "")


def _row(feature: dict[str, Any]) -> Row:
    facts, place = feature["properties"], feature["geometry"]["coordinates"]
    content = [facts["name"], facts["severity"], facts["closed"], [round(degrees, 4) for degrees in place]]
    return Row(facts["pk"], facts["pk"], facts["rev"], json.dumps(content))
