"""The layering of STYLE.md, checked from the source: `config -> apps -> realtime -> django, channels`."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.once

ROOT = Path(settings.BASE_DIR)
FILES_OF_AN_APP = ["README.md", "admin.py", "apps.py", "consumers.py", "events.py", "models.py", "routing.py", "urls.py"]

# Inside an app, a module of one layer may import those before it, never those after it.
LAYERS = ["models", "events", "services", "views", "urls"]


def sources(package):
    return [path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]


def imports_of(path):
    """The modules that a file imports, in dotted form, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offences(package, is_forbidden):
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(package)
        for module in imports_of(path)
        if is_forbidden(path, module)
    ]


@pytest.mark.parametrize("app", settings.SUITE_APPS)
def test_apps_do_not_import_each_other(app):
    others = {other for other in settings.SUITE_APPS if other != app} | {"config"}
    assert offences(app, lambda path, module: module.split(".")[0] in others) == []


def test_realtime_imports_no_app():
    apps = {*settings.SUITE_APPS, "config"}
    outside_tests = lambda path, module: "tests" not in path.parts and module.split(".")[0] in apps  # noqa: E731
    assert offences("realtime", outside_tests) == []


@pytest.mark.parametrize("app", settings.SUITE_APPS)
def test_every_app_has_the_same_shape(app):
    missing = [name for name in FILES_OF_AN_APP if not (ROOT / app / name).exists()]
    assert missing == []


@pytest.mark.parametrize("app", settings.SUITE_APPS)
def test_layers_import_downwards_only(app):
    def is_upwards(path, module):
        own = path.relative_to(ROOT / app).parts[0].removesuffix(".py")
        other = module.removeprefix(f"{app}.").split(".")[0]
        if not module.startswith(f"{app}.") or own not in LAYERS or other not in LAYERS:
            return False
        return LAYERS.index(other) > LAYERS.index(own)

    assert offences(app, is_upwards) == []


@pytest.mark.parametrize("app", settings.SUITE_APPS)
def test_only_services_broadcast(app):
    def is_elsewhere(path, module):
        place = path.relative_to(ROOT / app).parts[0]
        return module.startswith("realtime.broadcast") and place not in {"services", "services.py", "tests"}

    assert offences(app, is_elsewhere) == []


def test_only_services_write_and_broadcast_through_the_layer():
    """What the dashboard hooks into has that name too: it is in `layers`."""
    senders = [path for app in settings.SUITE_APPS for path in sources(app) if ".group_send" in path.read_text()]
    places = {path.relative_to(ROOT / path.relative_to(ROOT).parts[0]).parts[0] for path in senders}
    assert places <= {"tests", "layers", "services", "services.py"}
