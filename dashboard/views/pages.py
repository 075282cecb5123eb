"""The pages. Each is one function that collects plain data: the same for the page, for its live part and as JSON."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_safe

from dashboard import alerts
from dashboard.conf import option
from dashboard.models import StaffAction
from dashboard.permissions import ACTIONS, requires, rights_of
from dashboard.queries import channels as channel_queries
from dashboard.queries import connections as connection_queries
from dashboard.queries import doctor as doctor_queries
from dashboard.queries import groups as group_queries
from dashboard.queries import history as history_queries
from dashboard.queries import ledger as ledger_queries
from dashboard.queries import overview as overview_queries
from dashboard.queries import processes as process_queries
from dashboard.queries import redis as redis_queries
from dashboard.store import Store, Unreachable, store

Facts = dict[str, Any]
Collect = Callable[..., Facts]  # (query parameters, rights of who looks, **arguments of the page)
Points = Callable[[Store, Facts, int], list[Facts]]  # (store, arguments of the page, how many)

AUDITED = 50  # rows on a page

SECTIONS = [
    ("overview", _("Overview"), "gauge"),
    ("groups", _("Groups"), "groups"),
    ("connections", _("Connections"), "connections"),
    ("processes", _("Processes"), "processes"),
    ("channels", _("Channels"), "channels"),
    ("ledger", _("Ledger"), "ledger"),
    ("redis", _("Redis"), "redis"),
    ("history", pgettext_lazy("dashboard", "History"), "history"),
    ("doctor", _("Doctor"), "doctor"),
    ("audit", _("Audit"), "audit"),
]


COLUMNS = [
    ("name", _("Group")),
    ("members", _("Members")),
    ("sends", _("Sent/s")),
    ("deliveries", _("Delivered/s")),
    ("bytes", _("Bytes/s")),
    ("last", pgettext_lazy("time", "Last")),
]


@dataclass(frozen=True)
class Page:
    """A page that is live: `collect` is called once for the page, and again whenever its live part is made anew."""

    name: str
    collect: Collect
    seconds: float  # between two live parts
    points: Points | None = None  # of its charts

    def context(self, rights: Collection[str], parameters: Any, arguments: Facts) -> Facts:
        """Everything the templates need. Unreachable is told by the page, not raised."""
        shared = {"page": self, "rights": {action: action in rights for action in ACTIONS}}
        try:
            return {**shared, **self.collect(parameters, rights, **arguments)}
        except Unreachable as error:
            return {**shared, "unreachable": str(error)}

    def live_html(self, context: Facts) -> str:
        template = "dashboard/_unreachable.html" if "unreachable" in context else f"dashboard/_{self.name}.html"
        return render_to_string(template, context)


PAGES: dict[str, Page] = {}


def page(
    name: str, *, seconds: float = 2.0, points: Points | None = None
) -> Callable[[Collect], Callable[..., HttpResponseBase]]:
    """Make a view of a function that collects facts."""

    def decorate(collect: Collect) -> Callable[..., HttpResponseBase]:
        described = PAGES[name] = Page(name, collect, seconds, points)

        @require_safe
        @requires("view")
        @wraps(collect)
        def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            context = described.context(rights_of(request.user), request.GET, arguments)
            if request.GET.get("format") == "json":
                return JsonResponse(plain(context), json_dumps_params={"default": str})
            return render(request, f"dashboard/{name}.html", context | frame(request, described, arguments))

        return view

    return decorate


def frame(request: HttpRequest, current: Page, arguments: Facts) -> Facts:
    """What stands around every page."""
    parameters = request.GET.copy()
    parameters["page_name"] = current.name
    for name, value in arguments.items():
        parameters[f"argument_{name}"] = str(value)
    is_live = hasattr(request, "scope")  # not under WSGI
    return {
        "base_template": option("BASE_TEMPLATE"),
        "home_url": option("HOME_URL"),
        "sections": [
            {
                "name": name,
                "label": label,
                "glyph": glyph,
                "url": reverse(f"dashboard:{name}"),
                "is_current": name == section(current),
            }
            for name, label, glyph in SECTIONS
        ],
        "stream_url": f"{reverse('dashboard:stream')}?{parameters.urlencode()}" if is_live else "",
        "live_html": current.live_html,
        "draft": request.session.pop(f"dashboard draft {arguments.get('group')}", None),
    }


def section(current: Page) -> str:
    return "groups" if current.name == "group" else current.name


def plain(context: Facts) -> Facts:
    """The facts without what only templates need."""
    hidden = {"page", "rights", "query", "links", "listing", "columns", "previous_page", "next_page", "pages"}
    found = {name: value for name, value in context.items() if name not in hidden}
    if listing := context.get("listing"):
        found |= {name: value for name, value in asdict(listing).items() if name != "query"}
    return found


def series_of_group(where: Store, arguments: Facts, number: int) -> list[Facts]:
    """The last minute of one group, which only the processes know. Their latest second is two seconds old."""
    series = group_queries.group(where, arguments["group"])["series"]
    end = int(where.now()) - 2
    names = {"sent": "sends", "delivered": "deliveries", "lost": "lost"}
    length = len(series["sends"])
    points = [
        {"t": end - length + 1 + index, **{name: series[field][index] for name, field in names.items()}}
        for index in range(length)
    ]
    return points[-number:]


@page("overview", seconds=1.0, points=lambda where, arguments, number: overview_queries.points(where, number=number))
def overview(parameters: Any, rights: Collection[str]) -> Facts:
    where = store()
    hottest, number = group_queries.hottest(where)
    return {
        **overview_queries.overview(where, number),
        "hottest": hottest[:8],
        "alerts": [
            {**alert, "name": name, "text": alerts.sentence({**alert, "name": name})}
            for name, alert in (where.recall("alerts") or {}).items()
        ],
    }


@page("groups")
def group_list(parameters: Any, rights: Collection[str]) -> Facts:
    query = group_queries.Query.of(parameters)
    listing = group_queries.groups(store(), query)
    return {
        "query": query,
        "listing": listing,
        "columns": COLUMNS,
        "previous_page": query.page - 1,
        "next_page": query.page + 1,
    }


@page("group", seconds=1.0, points=series_of_group)
def group_detail(parameters: Any, rights: Collection[str], group: str) -> Facts:
    return {"group": group_queries.group(store(), group, with_values="peek" in rights)}


@page("connections")
def connection_list(parameters: Any, rights: Collection[str]) -> Facts:
    return connection_queries.connections(store(), parameters)


@page("processes", seconds=1.0)
def process_list(parameters: Any, rights: Collection[str]) -> Facts:
    return {"processes": process_queries.processes(store())}


@page("channels")
def channel_list(parameters: Any, rights: Collection[str]) -> Facts:
    return {"channels": channel_queries.channels(store())}


@page("ledger")
def ledger(parameters: Any, rights: Collection[str]) -> Facts:
    return {"ledger": ledger_queries.ledger(store())}


@page("redis", seconds=5.0)
def redis(parameters: Any, rights: Collection[str]) -> Facts:
    return {"redis": redis_queries.facts(store())}


@page("history", seconds=10.0)
def history(parameters: Any, rights: Collection[str]) -> Facts:
    name = parameters.get("range", "1h")
    return {
        "range": name if name in history_queries.RANGES else "1h",
        "ranges": [(key, label) for key, (_step, _number, label) in history_queries.RANGES.items()],
        "happened": history_queries.happened(store()),
    }


@page("doctor", seconds=5.0)
def doctor(parameters: Any, rights: Collection[str]) -> Facts:
    findings = [asdict(finding) for finding in doctor_queries.diagnose(store())]
    return {"findings": findings, "rules": len(doctor_queries.RULES)}


@page("audit", seconds=5.0)
def audit(parameters: Any, rights: Collection[str]) -> Facts:
    number = parameters.get("page", "1")
    listed = Paginator(StaffAction.objects.all(), AUDITED).get_page(number)
    columns = ("at", "username", "action", "target", "reason", "result")
    return {"actions": [{name: getattr(row, name) for name in columns} for row in listed], "pages": listed}


@require_safe
@requires("view")
def history_points(request: HttpRequest) -> HttpResponseBase:
    """What the charts of the history are drawn from."""
    try:
        return JsonResponse(history_queries.history(store(), request.GET.get("range", "1h")))
    except Unreachable as error:
        return JsonResponse({"points": [], "marks": [], "away": str(error)}, status=503)
