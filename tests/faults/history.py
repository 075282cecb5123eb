"""What happened, in order: one record for each thing a client did or displayed, and for each fault."""

import json
import time
from pathlib import Path
from typing import Any


class History:
    """Records are dicts with `t` (seconds since the beginning), `who` (a client, or "nemesis") and `op`; times never go back.

    | op | by | with |
    | --- | --- | --- |
    | invoke | client | client_id, feed, command |
    | ok, fail, info | client | client_id; feed, rev, id of the ack; code of the refusal. After `info` it is sent again |
    | show | client | feed, rev, rows, is_repeated |
    | live, reset | client | feed, rev |
    | page | client | feed, rows: what it fetched after a reset |
    | open, close | client | process; code |
    | people | client | feed, people: who is here, as it shows at the end |
    | kill, terminate | nemesis | process: its sockets close |
    | deaf, cut | nemesis | client: it hears nothing, its sockets are reset |
    """

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def note(self, who: str, op: str, **facts: Any) -> None:
        self.records.append({"t": round(self.seconds, 4), "who": who, "op": op, **facts})

    def write(self, path: Path) -> None:
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in self.records))
