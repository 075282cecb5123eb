"""A quadtree over the flat map, as numbers: what contains what is a comparison, so any database can answer it by index.

Cell 0 of level 0 is a square of 360 by 360 degrees, with the map across its middle; level 18 has cells of 153 m at the equator.
A cell's number is the path to it, a 1, and zeros for the levels below (the encoding of S2, on a plain grid): all that lies in
a cell is one range of numbers.
"""

from collections.abc import Iterable
from typing import NamedTuple

LEVELS = 18


class Box(NamedTuple):
    """Degrees. `east` may be smaller than `west`: then it crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


def leaf(lon: float, lat: float) -> int:
    """The smallest cell around a point. `lon` from -180 to 180, `lat` from -90 to 90."""
    return cell_at(LEVELS, _index(lon, LEVELS), _index(lat, LEVELS))


def ancestors(leaf: int) -> list[int]:
    """The cell itself and all those it lies in, smallest first."""
    cells = [leaf]
    for _ in range(LEVELS):
        lowest = cells[-1] & -cells[-1]
        cells.append((cells[-1] & ~(lowest | lowest << 1 | lowest << 2)) | lowest << 2)
    return cells


def span(cell: int) -> tuple[int, int]:
    """The numbers of all cells that lie in this one, from and to."""
    lowest = cell & -cell
    return cell - lowest + 1, cell + lowest - 1


def box_of(level: int, x: int, y: int) -> Box:
    side = 360 / (1 << level)
    return Box(x * side - 180, y * side - 180, (x + 1) * side - 180, (y + 1) * side - 180)


def cell_at(level: int, x: int, y: int) -> int:
    return (_interleave(x, y) << 1 | 1) << 2 * (LEVELS - level)


def covering(box: Box, most: int = 9) -> list[int]:
    """At most `most` cells of one level that contain the box, for looking up what is inside it."""
    cells: list[int] = []
    for level in range(LEVELS + 1):
        spans = [(_index(part.west, level), _index(part.east, level)) for part in unwrapped(box)]
        rows = range(_index(box.south, level), _index(box.north, level) + 1)
        if sum(last - first + 1 for first, last in spans) * len(rows) > most:
            break
        cells = [cell_at(level, x, y) for first, last in spans for x in range(first, last + 1) for y in rows]
    return sorted(set(cells))


def unwrapped(box: Box) -> list[Box]:
    """The same as one or two boxes between -180 and 180."""
    if box.east - box.west >= 360:
        return [box._replace(west=-180.0, east=180.0)]
    west, east = wrap(box.west), wrap(box.east)
    if west <= east:
        return [box._replace(west=west, east=east)]
    return [box._replace(west=west, east=180.0), box._replace(west=-180.0, east=east)]


def contains(parts: Iterable[Box], lon: float, lat: float) -> bool:
    """Whether one of the unwrapped boxes has the point."""
    return any(part.west <= lon <= part.east and part.south <= lat <= part.north for part in parts)


def wrap(lon: float) -> float:
    """The same meridian, from -180 up to 180."""
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180


def _index(degrees: float, level: int) -> int:
    side = 1 << level
    return min(max(int((degrees + 180) / 360 * side), 0), side - 1)


def _interleave(x: int, y: int) -> int:
    return _spread(x) | _spread(y) << 1


def _spread(bits: int) -> int:
    """Leave a zero between any two of 18 bits."""
    bits = (bits | bits << 16) & 0x0000FFFF0000FFFF
    bits = (bits | bits << 8) & 0x00FF00FF00FF00FF
    bits = (bits | bits << 4) & 0x0F0F0F0F0F0F0F0F
    bits = (bits | bits << 2) & 0x3333333333333333
    return (bits | bits << 1) & 0x5555555555555555
