"""Makes `.venv` for `manage.py demo` and `manage.py test` on a machine that has only Python.

It needs nothing but the standard library, and acts only when the packages cannot be imported: in a virtual environment, in a
container, on a server it does nothing. SUITE_NO_BOOTSTRAP=1 turns it off. `python3 bootstrap.py` makes `.venv` for tests and
stops.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
RUN, TEST = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"  # the second holds all of the first
WORDS = {"demo": RUN, "test": TEST}
PROBES = {RUN: ["django", "channels", "msgspec"], TEST: ["django", "channels", "msgspec", "pytest", "playwright", "babel"]}
# How a line of pip's begins for each package: found, found here, already there, not for this Python.
PACKAGE = ("Collecting ", "Processing ", "Requirement already satisfied", "Ignoring ")
# Wheels only, so that no compiler is needed, and only those the lock file knows.
LOCKED = ["--require-hashes", "--only-binary", ":all:", "--no-compile", "-r"]


def enter(arguments: list[str]) -> None:
    """Return if this Python can run `manage.py <arguments>`; else go on in `.venv`, or say in a sentence what to do."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"This needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}.")
    requirements = WORDS.get(arguments[0] if arguments else "")
    if os.environ.get("SUITE_NO_BOOTSTRAP") == "1" or has_packages(requirements or RUN):
        return
    if requirements:
        make_venv(requirements)
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *arguments])
    if PYTHON.exists():
        sys.exit(f"This Python has no Django: use .venv/bin/python manage.py {' '.join(arguments)}".rstrip())
    sys.exit("This Python has no Django: `python3 bootstrap.py` makes a .venv that has it.")


def has_packages(requirements: Path) -> bool:
    return all(find_spec(name) for name in PROBES[requirements])


def make_venv(requirements: Path) -> None:
    """Bring `.venv` in step with the requirements and this Python. Takes no time when it is."""
    if any(is_stamped(installed) for installed in {requirements, TEST}):
        return
    installer = find_installer()
    stamp_of(requirements).unlink(missing_ok=True)
    if not is_this_python(PYTHON):
        say(f"Making .venv with Python {sys.version.split()[0]}.")
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)])
    say(f"Installing the packages of {requirements.name} into .venv (once).")
    started = monotonic()
    if installer[0] == str(PYTHON):
        run([str(PYTHON), "-m", "ensurepip"])
    run([*installer, *LOCKED, str(requirements)], packages=len(re.findall(r"^\S+==", requirements.read_text(), re.MULTILINE)))
    stamp_of(requirements).write_text(stamp(requirements))
    say(f"Installed in {monotonic() - started:.0f} s.")


def is_stamped(requirements: Path) -> bool:
    """Whether the last install of these was finished, for this Python and these very versions."""
    return PYTHON.exists() and stamp_of(requirements).exists() and stamp_of(requirements).read_text() == stamp(requirements)


def stamp_of(requirements: Path) -> Path:
    return VENV / f"installed-{requirements.name}"


def stamp(requirements: Path) -> str:
    return f"{sys.version}\n{hashlib.sha256(requirements.read_bytes()).hexdigest()}\n"


def find_installer() -> list[str]:
    """The command that installs into `.venv`. Debian has `venv` without pip, hence the choice."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON), "install"]
    if find_spec("ensurepip"):
        return [str(PYTHON), "-m", "pip", "install"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", str(PYTHON)]
    sys.exit("Python here can install no packages: install python3-venv (or pip, or uv), for example `apt install python3-venv`.")


def is_this_python(python: Path) -> bool:
    """A `.venv` that was moved, half made or made by another Python is made anew."""
    try:
        told = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
    except OSError:
        return False
    return told.stdout.rstrip("\n") == sys.version


def run(command: list[str], packages: int = 0) -> None:
    """Run to the end, showing how far an install is. If it fails, show what it said last and give up."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_PROGRESS_BAR": "off"}
    said: list[str] = []
    count = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **quiet}
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            if line.startswith(PACKAGE):
                count += 1
                if count % 10 == 0:
                    say(f"  {count} of {packages} packages")
            elif line.startswith("Installing collected packages") and count:
                say("  unpacking")
    if process.returncode:
        sys.stderr.writelines(said[-20:])
        sys.exit(f"This failed: {' '.join(command)}")


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    make_venv(TEST)
