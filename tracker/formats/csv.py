"""CSV with a header. Columns, in any order and case: `name` (or `title`), `lat` (`latitude`), `lon` (`lng`, `longitude`),
`severity`, `description`, `id` (`external_id`), `url`, `created` (`time`), `closed`. Others are left alone.

What looks like a formula is text, here and wherever it is shown: nothing of it is ever run.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.formats.reading import Broken, Row, read_bool, read_moment, read_severity
from tracker.geo.shapes import read_point
from tracker.observations import Observation

COLUMNS = 50
FIELD_CHARACTERS = 10_000
NAMES = {
    "title": "name",
    "latitude": "lat",
    "lng": "lon",
    "long": "lon",
    "longitude": "lon",
    "id": "external_id",
    "time": "created",
    "created_at": "created",
}


def read(file: BinaryIO) -> Iterator[Row]:
    """Raises `Broken`."""
    beginning = file.read(4)
    file.seek(file.tell() - len(beginning))
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in beginning:
        raise Broken(_("This is not UTF-8: save it as CSV UTF-8."))
    lines = io.TextIOWrapper(file, "utf-8-sig", newline="")
    csv.field_size_limit(FIELD_CHARACTERS)
    rows = csv.reader(lines)
    try:
        header = _read_header(next(rows, []))
        for cells in rows:
            if cells:
                yield _read_row(header, cells)
    except UnicodeDecodeError:
        raise Broken(format_lazy(_("Row {row} is not UTF-8: save it as CSV UTF-8."), row=rows.line_num + 1)) from None
    except csv.Error as error:
        raise Broken(format_lazy(_("Row {row}: {error}."), row=rows.line_num, error=str(error))) from None
    finally:
        lines.detach()


def _read_header(cells: list[str]) -> list[str]:
    if len(cells) > COLUMNS:
        raise Broken(_too_many(cells))
    header = [NAMES.get(cell.strip().lower(), cell.strip().lower()) for cell in cells]
    missing = [name for name in ("name", "lat", "lon") if name not in header]
    if missing:
        raise Broken(format_lazy(_("The first row names the columns; it has no {names}."), names=", ".join(missing)))
    return header


def _too_many(cells: list[str]) -> Any:
    return format_lazy(_("There may be {limit} columns; there are {count}."), limit=COLUMNS, count=len(cells))


def _read_row(header: list[str], cells: list[str]) -> Row:
    if len(cells) > COLUMNS:
        return Refusal("too_long", _too_many(cells))
    facts = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    try:
        lon, lat = read_point(_number(facts.get("lon"), "lon"), _number(facts.get("lat"), "lat"))
        return Observation(
            name=facts.get("name", ""),
            lon=lon,
            lat=lat,
            severity=read_severity(facts.get("severity")),
            description=facts.get("description", ""),
            url=facts.get("url", ""),
            external_id=facts.get("external_id", ""),
            closed=read_bool(facts.get("closed"), "closed"),
            created_at=read_moment(facts.get("created"), "created"),
        )
    except Refusal as refusal:
        return refusal


def _number(text: str | None, field: str) -> float:
    try:
        return float(text or "")
    except ValueError:
        message = _("The {field} is a number; this is “{text}”.")
        raise Refusal("bad_field", format_lazy(message, field=field, text=(text or "")[:20]), field=field) from None
