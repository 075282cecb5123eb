"""What breaks when: the same seed gives the same schedule."""

import random
from dataclasses import dataclass

FIRST_SECONDS = 1.5
PAUSE_SECONDS = (1.5, 4.0)  # from the beginning of one fault to that of the next, which may come before the end of the first
EDGE_SECONDS = 1.0  # no fault begins so shortly before the end


@dataclass(frozen=True)
class Kind:
    """What it hurts (one fault at a time does), and for how many seconds."""

    hurts: str
    seconds: tuple[float, float] = (0, 0)


KINDS = {
    "kill web": Kind("web", (0.2, 2)),  # and until it has started again
    "terminate web": Kind("web", (0.2, 2)),
    "pause web": Kind("web", (3, 3)),
    "restart redis": Kind("redis", (0.2, 3)),
    "flush redis": Kind("redis"),
    "pause redis": Kind("redis", (6, 6)),
    "restart postgres": Kind("postgres"),
    "cut clients": Kind("clients"),
    "black-hole a client": Kind("clients", (3, 9)),
    "garble hints": Kind("hints", (4, 8)),
}
IN_MEMORY = [
    name for name, kind in KINDS.items() if kind.hurts in {"web", "clients"}
]  # with SQLite there is nothing else to break


@dataclass(frozen=True)
class Fault:
    at: float  # seconds after the beginning
    kind: str
    targets: tuple[int, ...]  # numbers of processes or of clients
    seconds: float

    @property
    def hurts(self) -> str:
        return KINDS[self.kind].hurts


def make_schedule(seed: int, seconds: float, layer: str, clients: int, processes: int) -> list[Fault]:
    """Kinds are drawn from a bag that is filled again when it is empty, so that a minute has each of them."""
    chance = random.Random(f"faults {seed}")
    faults: list[Fault] = []
    bag: list[str] = []
    at = FIRST_SECONDS
    while at < seconds - EDGE_SECONDS:
        if not bag:
            bag = [*KINDS] if layer == "pubsub" else [*IN_MEMORY]
            chance.shuffle(bag)
        kind = bag.pop()
        faults.append(
            Fault(round(at, 2), kind, _targets(kind, chance, clients, processes), round(chance.uniform(*KINDS[kind].seconds), 2))
        )
        at += chance.uniform(*PAUSE_SECONDS)
    return faults


def _targets(kind: str, chance: random.Random, clients: int, processes: int) -> tuple[int, ...]:
    match KINDS[kind].hurts:
        case "web":
            return (chance.randrange(processes),)
        case "clients":
            number = 1 if kind == "black-hole a client" else chance.randint(1, max(1, clients // 2))
            return tuple(sorted(chance.sample(range(clients), number)))
    return ()
