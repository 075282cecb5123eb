"""From rounds to what a person reads: medians, ratios, a table."""

import platform
from importlib.metadata import version
from typing import Any

from realtime.bench.modes import LESS, MORE, Metrics, medians

PACKAGES = ("Django", "channels", "channels-redis", "redis", "daphne", "Twisted", "autobahn", "uvicorn", "picows")
UNITS = {
    "us_per_delivery": "CPU µs per delivery",
    "deliveries_per_second": "deliveries/s at saturation",
    "us_per_message": "CPU µs per message",
    "messages_per_second": "messages/s accepted",
    "us_per_connect": "CPU µs per connect",
    "connects_per_second": "connects/s",
    "kib_per_socket": "KiB per idle socket",
    "idle_cpu_percent": "CPU % while idle",
    "p50_ms": "latency p50, ms",
    "p99_ms": "latency p99, ms",
    "slow_p99_ms": "p99 beside slow readers, ms",
    "slow_growth_mib": "memory grown meanwhile, MiB",
    "slow_cut_off": "slow sockets cut off, of 5",
    "client_load": "CPU of the client (1 = full)",
}


def summarise(measured: dict[str, list[Metrics]]) -> dict[str, Any]:
    """Medians over the rounds, and how many times better the first target is than the other, from medians of one run."""
    found = {name: medians(rounds) for name, rounds in measured.items()}
    return {"medians": found, "ratios": _ratios(*found.values()) if len(found) == 2 else {}, "rounds": measured}


def _ratios(ours: Metrics, theirs: Metrics) -> Metrics:
    """Above 1 means that ours is better."""
    ratios = {name: theirs[name] / ours[name] for name in ours if name in LESS and ours[name]}
    return ratios | {name: ours[name] / theirs[name] for name in ours if name in MORE and theirs[name]}


def versions() -> dict[str, str]:
    return {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def table(summary: dict[str, Any], units: dict[str, str] = UNITS) -> str:
    found: dict[str, Metrics] = summary["medians"]
    lines = [["", *found, *(["times better"] if summary["ratios"] else [])]]
    for name in next(iter(found.values())):
        line = [units[name], *(number(metrics[name]) for metrics in found.values())]
        if summary["ratios"]:
            line.append(number(summary["ratios"][name]) if name in summary["ratios"] else "")
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(_aligned(line, widths)) for line in lines)


def _aligned(line: list[str], widths: list[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
