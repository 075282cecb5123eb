"""The pages. Each is one function that collects plain data: the same for the page, for its live part and as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import permissions
from dashboard.conf import option
from dashboard.permissions import may, requires
from dashboard.queries import groups as group_queries
from dashboard.queries import overview as overview_queries
from dashboard.queries import processes as process_queries
from dashboard.store import Unreachable, store

Facts = dict[str, Any]
Collect = Callable[..., Facts]

SECTIONS = [
    ("overview", "Overview", "gauge"),
    ("groups", "Groups", "groups"),
    ("processes", "Processes", "processes"),
]


COLUMNS = [
    ("name", "Group"),
    ("members", "Members"),
    ("sends", "Sent/s"),
    ("deliveries", "Delivered/s"),
    ("bytes", "Bytes/s"),
    ("last", "Last"),
]


@dataclass(frozen=True)
class Page:
    """A page that is live: `collect` is called once for the page, and again whenever its live part is made anew."""

    name: str
    collect: Collect
    seconds: float  # between two live parts
    has_charts: bool = False

    def context(self, user: Any, parameters: Any, arguments: Facts) -> Facts:
        """Everything the templates need. Unreachable is told by the page, not raised."""
        shared = {"page": self, "rights": {action: may(user, action) for action in permissions.ACTIONS}}
        try:
            return {**shared, **self.collect(parameters, **arguments)}
        except Unreachable as error:
            return {**shared, "unreachable": str(error)}

    def live_html(self, context: Facts) -> str:
        template = "dashboard/_unreachable.html" if "unreachable" in context else f"dashboard/_{self.name}.html"
        return render_to_string(template, context)


PAGES: dict[str, Page] = {}


def page(name: str, *, seconds: float = 2.0, has_charts: bool = False) -> Callable[[Collect], Callable[..., HttpResponseBase]]:
    """Make a view of a function that collects facts."""

    def decorate(collect: Collect) -> Callable[..., HttpResponseBase]:
        described = PAGES[name] = Page(name, collect, seconds, has_charts)

        @require_safe
        @requires("view")
        @wraps(collect)
        def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            context = described.context(request.user, request.GET, arguments)
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
        "stream_url": f"{reverse('dashboard:stream')}?{parameters.urlencode()}",
        "live_html": current.live_html,
    }


def section(current: Page) -> str:
    return {"group": "groups", "process": "processes"}.get(current.name, current.name)


def plain(context: Facts) -> Facts:
    """The facts without what only templates need."""
    hidden = {"page", "rights", "query", "listing", "columns", "previous_page", "next_page"}
    found = {name: value for name, value in context.items() if name not in hidden}
    if listing := context.get("listing"):
        found |= {name: value for name, value in asdict(listing).items() if name != "query"}
    return found


@page("overview", seconds=1.0, has_charts=True)
def overview(parameters: Any) -> Facts:
    where = store()
    hottest = group_queries.groups(where, group_queries.Query(sort="deliveries"))
    return {**overview_queries.overview(where), "hottest": hottest.rows[:8]}


@page("groups")
def group_list(parameters: Any) -> Facts:
    query = group_queries.Query.of(parameters)
    listing = group_queries.groups(store(), query)
    return {
        "query": query,
        "listing": listing,
        "columns": COLUMNS,
        "previous_page": query.page - 1,
        "next_page": query.page + 1,
    }


@page("group", seconds=1.0)
def group_detail(parameters: Any, group: str) -> Facts:
    return {"group": group_queries.group(store(), group)}


@page("processes", seconds=1.0)
def process_list(parameters: Any) -> Facts:
    return {"processes": process_queries.processes(store())}
