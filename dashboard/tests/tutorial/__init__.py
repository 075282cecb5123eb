"""The chat of the Channels tutorial (https://channels.readthedocs.io/en/stable/tutorial/), as it is written there.

`make(directory)` starts a project as the tutorial does and puts these files in. Nothing in them knows the dashboard.
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DASHBOARD = HERE.parent.parent

# What the tutorial has people add to mysite/settings.py.
TUTORIAL = """
INSTALLED_APPS = ["daphne", "chat", *INSTALLED_APPS]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNEL_LAYERS = {layers!r}
"""

# What the dashboard has people add: an app and a URL.
DROPPED_IN = """
INSTALLED_APPS += ["dashboard"]
"""


def make(directory: Path, layers: dict) -> None:
    """The finished tutorial, then the dashboard dropped into it."""
    subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", str(directory)], check=True)
    (directory / "chat" / "templates" / "chat").mkdir(parents=True)
    for source, target in [
        ("asgi.txt", "mysite/asgi.py"),
        ("urls.txt", "mysite/urls.py"),
        ("consumers.txt", "chat/consumers.py"),
        ("routing.txt", "chat/routing.py"),
    ]:
        shutil.copy(HERE / source, directory / target)
    (directory / "chat" / "__init__.py").touch()
    shutil.copytree(DASHBOARD, directory / "dashboard", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + TUTORIAL.format(layers=layers) + DROPPED_IN)
    urls = directory / "mysite" / "urls.py"
    urls.write_text(
        urls.read_text().replace("urlpatterns = [", 'urlpatterns = [\n    path("dashboard/", include("dashboard.urls")),')
    )
