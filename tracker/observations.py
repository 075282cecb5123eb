"""What sources say of incidents, whatever the way it comes: by the API, in a file, from a sensor."""

from dataclasses import dataclass
from datetime import datetime

from realtime.protocol import Refusal
from tracker.models import Incident


@dataclass(frozen=True, slots=True)
class Observation:
    """What a source says of one incident. `external_id` is what it calls it, `aliases` what it has called it or also calls it;
    `at` is when it said so, `created_at` when it happened. What is None it does not say."""

    name: str
    lon: float
    lat: float
    severity: int
    description: str = ""
    url: str = ""
    external_id: str = ""
    aliases: tuple[str, ...] = ()
    closed: bool | None = None
    at: datetime | None = None
    created_at: datetime | None = None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.external_id, *self.aliases) if name]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of them: created, changed, same (nothing new), or failed with `refusal`."""

    status: str
    incident: Incident | None = None
    refusal: Refusal | None = None
