"""The medians of one run as a small SVG of bars, readable on light and dark pages."""

from html import escape
from typing import Any

from realtime.bench.report import UNITS, number

WIDTH, LABEL, BAR = 640, 210, 330  # pixels: the picture, what is left of the bars, the longest bar
LINE, GAP, TOP = 22, 14, 46
SHOWN = [name for name in UNITS if name not in {"client_load", "slow_cut_off", "slow_growth_mib", "idle_cpu_percent"}]
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .quiet { fill: #59636e }
  .ours { fill: #0969da } .theirs { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .ours { fill: #4493f8 } .theirs { fill: #59636e }
  }
"""


def draw(mode: str, facts: dict[str, Any], summary: dict[str, Any]) -> str:
    found: dict[str, dict[str, float]] = summary["medians"]
    parts, y = [], TOP
    for name in [name for name in SHOWN if name in next(iter(found.values()))]:
        parts.append(f'<text x="0" y="{y + 14}">{escape(UNITS[name])}</text>')
        longest = max(metrics[name] for metrics in found.values()) or 1
        for place, (target, metrics) in enumerate(found.items()):
            width = max(1, round(BAR * metrics[name] / longest))
            parts.append(
                f'<rect class="{"theirs" if place else "ours"}" x="{LABEL}" y="{y}" width="{width}" height="18" rx="3"/>'
            )
            parts.append(
                f'<text x="{LABEL + width + 6}" y="{y + 14}">{number(metrics[name])} <tspan class="quiet">{target}</tspan></text>'
            )
            y += LINE
        y += GAP
    rooms = "one room" if facts["rooms"] == 1 else f"{facts['rooms']} rooms"
    title = f"{mode}: {facts['clients']} sockets in {rooms}, {facts['server']}, {facts['layer']}, {facts['database']}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{escape(title)}">'
        f'<style>{STYLE}</style>\n<text class="title" x="0" y="18">{escape(title)}</text>\n' + "\n".join(parts) + "\n</svg>\n"
    )
