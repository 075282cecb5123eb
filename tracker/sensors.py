"""Sensors on the channel layer: what Channels was made for, and what this app's forerunner showed.

    from tracker.sensors import CHANNEL, LAYER
    await channel_layers[LAYER].send(CHANNEL, {
        "type": "tracker.reading", "source": "gauges", "external_id": "gauge-7", "name": "River above the mark",
        "lon": 4.14, "lat": 51.95, "severity": 2})

A worker (`manage.py runworker`) takes the readings, many at a time. The layer may lose one: a sensor that must not be lost POSTs
to the API and reads the answer.
"""

import logging
from typing import Any

from channels.consumer import AsyncConsumer

from realtime.batching import Batcher
from realtime.protocol import Refusal
from tracker import services
from tracker.formats.reading import read_bool, read_moment, read_severity, read_text
from tracker.geo.shapes import read_point
from tracker.observations import Observation, Outcome
from tracker.robots import robot

CHANNEL = "tracker-sensors"
LAYER = "jobs"  # each message to one worker, where the default layer would give it to all
SENSORS = "sensors"  # in whose name they speak, and the source of those that name none

logger = logging.getLogger(__name__)


class SensorConsumer(AsyncConsumer):
    """One worker's ear. What comes while a transaction runs is stored together with the next."""

    async def tracker_reading(self, message: dict[str, Any]) -> None:
        try:
            outcome = await _readings.submit((read_text(message.get("source"), "source") or SENSORS, observe(message)))
            refusal = outcome.refusal
        except Refusal as refused:
            refusal = refused
        if refusal:  # nobody waits for an answer
            logger.warning("A reading was refused: %s", refusal.message)


def observe(message: dict[str, Any]) -> Observation:
    """Raises `Refusal`."""
    lon, lat = read_point(message.get("lon"), message.get("lat"))
    return Observation(
        name=read_text(message.get("name"), "name"),
        lon=lon,
        lat=lat,
        severity=read_severity(message.get("severity")),
        description=read_text(message.get("description"), "description"),
        external_id=read_text(message.get("external_id"), "external_id"),
        closed=read_bool(message.get("closed"), "closed"),
        at=read_moment(message.get("at"), "at"),
    )


def take(readings: Any) -> list[Outcome]:
    """Of each source in its order."""
    user = robot(SENSORS)
    outcomes: dict[int, Outcome] = {}
    for source in dict.fromkeys(source for source, _ in readings):
        numbers = [number for number, (name, _) in enumerate(readings) if name == source]
        taken = services.ingest(user, source, [readings[number][1] for number in numbers])
        outcomes |= dict(zip(numbers, taken, strict=True))
    return [outcomes[number] for number in range(len(readings))]


_readings: Batcher[tuple[str, Observation], Outcome] = Batcher(take)
