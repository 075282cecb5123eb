"""Channels with a name, such as those of `runworker`: who sends, who listens, what waits and since when."""

from typing import Any

from django.utils.translation import gettext as _

from dashboard.backlog import stored_backlog
from dashboard.store import Store


def channels(store: Store) -> list[dict[str, Any]]:
    backlog = stored_backlog(store)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in store.processes():
        for alias, layer in row["layers"].items():
            for name, numbers in layer["named"].items():
                waits = backlog.get(alias, {}).get("named", {}).get(name)
                channel = found.setdefault(
                    (alias, name),
                    {
                        "alias": alias,
                        "name": name,
                        "kind": layer["kind"],
                        "sent": 0,
                        "received": 0,
                        "full": 0,
                        "workers": 0,
                        "length": waits["length"] if waits else None,
                        "oldest": waits["oldest"] if waits else None,
                    },
                )
                channel["sent"] += numbers["sent"]
                channel["received"] += numbers["received"]
                channel["full"] += numbers["full"]
                channel["workers"] += numbers["waiting"] > 0
    return [{**channel, "trouble": trouble(channel)} for (_alias, _name), channel in sorted(found.items())]


def trouble(channel: dict[str, Any]) -> str:
    """In words, what is wrong with it; "" if nothing is."""
    if not channel["workers"] and channel["sent"]:
        return _("Sent to, but no process that reports listens.")
    if channel["kind"] == "Redis pub/sub" and channel["workers"] > 1:
        return _("Each message goes to all %(workers)s workers: on pub/sub nobody takes it away from the others.") % channel
    if (channel["oldest"] or 0) > 10:
        return _("The oldest message waits for more than ten seconds: the workers do not keep up.")
    if channel["full"]:
        return _("Messages were refused because the channel was full.")
    return ""
