"""How files say what has happened. Each module reads one format, row by row, into what `services.ingest` takes."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from django.utils.translation import gettext_lazy as _

from tracker.formats import cap, csv, geojson, usgs
from tracker.formats.reading import Broken, Row

READERS: dict[str, Callable[[BinaryIO], Iterator[Row]]] = {
    "geojson": geojson.read,
    "usgs": usgs.read,
    "cap": cap.read,
    "csv": csv.read,
}
NAMES: dict[str, Any] = {"geojson": "GeoJSON", "usgs": _("USGS earthquakes"), "cap": _("CAP 1.2 alerts"), "csv": "CSV"}


def guess(name: str, beginning: bytes) -> str:
    """The format of a file, by its name and how it begins; "" for one that none of them is."""
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return "cap"
    if text.startswith((b"{", b"[")):
        return "usgs" if b"earthquake.usgs.gov" in beginning else "geojson"
    return "csv" if name.lower().endswith((".csv", ".tsv", ".txt")) else ""


__all__ = ["NAMES", "READERS", "Broken", "Row", "guess"]
