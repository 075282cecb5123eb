"""Which areas is an incident in, and which incidents are in an area: both by index, then exactly where a cell is cut."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import TextField
from django.db.models.functions import Cast

from tracker.geo.cells import ancestors
from tracker.geo.shapes import cover, covered, covers, read_shapes, shape_of
from tracker.models import AreaCell, AreaOfInterest, Incident

TOGETHER = 50  # incidents whose cells are looked up in one query: 950 numbers


def areas_around(incidents: Sequence[Incident]) -> dict[int, set[int]]:
    """For each of these incidents the ids of the active areas that it alerts; none for one that is closed."""
    found: dict[int, set[int]] = {incident.pk: set() for incident in incidents}
    open_ones = [incident for incident in incidents if not incident.closed]
    for start in range(0, len(open_ones), TOGETHER):
        _match(open_ones[start : start + TOGETHER], found)
    return found


def _match(incidents: Sequence[Incident], found: dict[int, set[int]]) -> None:
    by_cell: dict[int, list[Incident]] = defaultdict(list)
    for incident in incidents:
        for cell in ancestors(incident.cell):
            by_cell[cell].append(incident)
    mildest = min((incident.severity for incident in incidents), default=0)
    rows = AreaCell.objects.filter(cell__in=by_cell, severity__gte=mildest)
    doubtful: list[tuple[int, Incident]] = []  # an area, and an incident in a cell that its edge cuts
    for cell, severity, is_inside, area_id in rows.values_list("cell", "severity", "is_inside", "area_id"):
        for incident in by_cell[cell]:
            if severity >= incident.severity:
                if is_inside:
                    found[incident.pk].add(area_id)
                else:
                    doubtful.append((area_id, incident))
    for area_id, incident in _really_in(doubtful):
        found[incident.pk].add(area_id)


def _really_in(doubtful: Sequence[tuple[int, Incident]]) -> list[tuple[int, Incident]]:
    """Those of the pairs that are so, tested exactly, all at once: JSON is read, and points are tested, in C."""
    if not doubtful:
        return []
    areas = AreaOfInterest.objects.filter(pk__in={area_id for area_id, _ in doubtful})
    texts = dict(areas.annotate(text=Cast("geometry", TextField())).values_list("pk", "text"))
    pairs = [(area_id, incident) for area_id, incident in doubtful if area_id in texts]
    shapes = dict(zip(texts, read_shapes(list(texts.values())), strict=True))
    points = [(incident.lon, incident.lat) for _, incident in pairs]
    inside = covered([shapes[area_id] for area_id, _ in pairs], points)
    return [pair for pair, is_in in zip(pairs, inside, strict=True) if is_in]


def incidents_in(area: AreaOfInterest) -> dict[int, int]:
    """The open incidents that this area is alerted of, with their severities. Reads the area's geometry, not its cells."""
    inside: list[int] = []
    cut: list[int] = []
    for cell in cover(area.geometry):
        (inside if cell.is_inside else cut).append(cell.number)
    candidates = Incident.objects.open().at_least(area.severity)
    found = dict(candidates.in_cells(inside).values_list("pk", "severity")) if inside else {}
    shape = shape_of(area.geometry)
    doubtful = candidates.in_cells(cut).values_list("pk", "severity", "lon", "lat") if cut else []
    found.update((pk, severity) for pk, severity, lon, lat in doubtful if covers(shape, lon, lat))
    return found


def index(areas: Iterable[AreaOfInterest]) -> None:
    """Write the cells of these areas anew: those of active ones only, so that matching need not ask."""
    areas = list(areas)
    AreaCell.objects.filter(area__in=areas).delete()
    AreaCell.objects.bulk_create(
        [
            AreaCell(area=area, cell=number, severity=area.severity, is_inside=is_inside)
            for area in areas
            if area.is_active
            for number, is_inside in cover(area.geometry)
        ],
        batch_size=1_000,
    )
