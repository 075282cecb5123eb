"""The Common Alerting Protocol 1.2 (OASIS, docs.oasis-open.org/emergency/cap/v1.2): one alert, or many in an Atom feed or any
other element.

Only what is actual counts: no exercises, no tests. An update or a cancellation names the alerts it follows, so that it changes
that incident or closes it. Polygons and circles have the latitude first. The incident stands in the middle of the area.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

import shapely
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from realtime.protocol import Refusal
from tracker.formats.reading import Broken, Row, read_moment
from tracker.geo.shapes import VERTICES, read_point
from tracker.models import DESCRIPTION_LENGTH, NAME_LENGTH, Severity
from tracker.observations import Observation

NAMESPACES = ("{urn:oasis:names:tc:emergency:cap:1.2}", "{urn:oasis:names:tc:emergency:cap:1.1}")
SEVERITIES = {
    "Extreme": Severity.URGENT,
    "Severe": Severity.HIGH,
    "Moderate": Severity.MEDIUM,
    "Minor": Severity.LOW,
    "Unknown": Severity.INFO,
}


def read(file: BinaryIO) -> Iterator[Row]:
    """One alert after the other. Entities and document types are refused, so that no bomb goes off. Raises `Broken`."""
    try:
        for _, element in iterparse(file, events=("end",), forbid_dtd=True):
            if element.tag in {f"{namespace}alert" for namespace in NAMESPACES}:
                try:
                    if (row := observe(element)) is not None:
                        yield row
                except Refusal as refusal:
                    yield refusal
                element.clear()
    except DefusedXmlException:
        raise Broken(gettext_lazy("This XML declares entities or a document type, which is not read.")) from None
    except (ParseError, UnicodeDecodeError, ValueError, LookupError) as error:
        raise Broken(format_lazy(gettext_lazy("This is not XML: {error}"), error=str(error))) from None


def observe(alert: Element) -> Observation | None:
    """None for exercises, tests and acknowledgements. Raises `Refusal`."""
    kind = _text(alert, "msgType")
    if _text(alert, "status") != "Actual" or kind not in {"Alert", "Update", "Cancel"}:
        return None
    info = _info(alert)
    lon, lat = _place(info)
    sender = _text(alert, "sender")
    return Observation(
        name=(_text(info, "headline") or _text(info, "event") or "Alert")[:NAME_LENGTH],
        description="\n\n".join(filter(None, [_text(info, "description"), _text(info, "instruction")]))[:DESCRIPTION_LENGTH],
        severity=SEVERITIES.get(_text(info, "severity"), Severity.INFO),
        lon=lon,
        lat=lat,
        url=_text(info, "web") if _text(info, "web").startswith(("http://", "https://")) else "",
        external_id=f"{sender},{_text(alert, 'identifier')}",
        aliases=tuple(_references(_text(alert, "references"))),
        closed=True if kind == "Cancel" else None,
        created_at=read_moment(_text(info, "onset") or _text(alert, "sent"), "sent"),
        at=read_moment(_text(alert, "sent"), "sent"),
    )


def _references(text: str) -> Iterator[str]:
    """`sender,identifier,sent`, separated by spaces."""
    for reference in text.split():
        sender, _, rest = reference.partition(",")
        identifier = rest.rpartition(",")[0]
        if sender and identifier:
            yield f"{sender},{identifier}"


def _info(alert: Element) -> Element:
    """The English one of several, or else the first."""
    infos = _children(alert, "info")
    if not infos:
        raise Refusal("bad_field", gettext_lazy("The alert has no info."), field="info")
    return next((info for info in infos if (_text(info, "language") or "en").lower().startswith("en")), infos[0])


def _place(info: Element) -> tuple[float, float]:
    for area in _children(info, "area"):
        for polygon in _children(area, "polygon"):
            return _middle(polygon.text or "")
        for circle in _children(area, "circle"):
            centre = (circle.text or "").split()
            if centre:
                return read_point(*_pair(centre[0]))
    raise Refusal("bad_field", gettext_lazy("The alert has neither a polygon nor a circle."), field="area")


def _middle(text: str) -> tuple[float, float]:
    """A point that is surely in the polygon."""
    pairs = text.split()
    if not 4 <= len(pairs) <= VERTICES:
        message = gettext_lazy("A polygon has 4 to {limit} positions; this has {count}.")
        raise Refusal("bad_field", format_lazy(message, limit=VERTICES, count=len(pairs)), field="polygon")
    points = [read_point(*_pair(pair)) for pair in pairs]
    middle = shapely.make_valid(shapely.Polygon(points)).representative_point()
    return read_point(middle.x, middle.y)


def _pair(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        message = gettext_lazy("A position is “latitude,longitude”; this is “{text}”.")
        raise Refusal("bad_field", format_lazy(message, text=text[:30]), field="area") from None
    return lon, lat


def _children(element: Element, name: str) -> list[Any]:
    return [child for namespace in NAMESPACES for child in element.findall(f"{namespace}{name}")]


def _text(element: Element, name: str) -> str:
    for child in _children(element, name):
        return " ".join((child.text or "").replace("\x00", "").split())
    return ""
