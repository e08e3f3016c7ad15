"""`python -m tools.chromium`: finds the browser that draws messages, or installs Debian's; quiet if it is there.

It decides which program is used, and must not install anything where it may not: then it says what to do. Called by make;
`program` by the tests in tests/pictures.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

from tools.progress import step

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-color-emoji")
OWN = "PRATIQUE_CHROMIUM"
ADVICE = (
    "Chromium is needed to see messages as people see them: install it (on Debian: apt-get install "
    f"--no-install-recommends {' '.join(PACKAGES)}), or name a Chrome or Chromium in {OWN}. "
    "All tests that need no browser: make verify unit integration"
)
_LOG = Path(__file__).parents[1] / ".run" / "steps" / "chromium.log"


def program() -> Path | None:
    """Return the browser: the one named in the environment, or the first that is in PATH."""
    named = os.environ.get(OWN)
    found = [shutil.which(name) for name in ((named,) if named else NAMES)]
    return next((Path(each) for each in found if each), None)


def main() -> int:
    """Install the browser if there is none and it may be; returns the exit code."""
    if program() is not None:
        return 0
    if not os.environ.get(OWN) and _may_install() and _installed() and program() is not None:
        return 0
    sys.stderr.write(ADVICE + "\n")
    return 1


def _may_install() -> bool:
    return shutil.which("apt-get") is not None and (os.geteuid() == 0 or _sudo("true"))


def _installed() -> bool:
    """Return whether apt-get did it; what it said is in a file."""
    environ = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet")
    _LOG.parent.mkdir(parents=True, exist_ok=True)
    with _LOG.open("w") as log:
        try:
            with step("chromium, from the packages of this machine", expect="about a minute"):
                _as_root(*environ, "update", log=log)
                _as_root(*environ, "install", "--yes", "--no-install-recommends", *PACKAGES, log=log)
        except subprocess.CalledProcessError:
            sys.stderr.write(f"apt-get could not install it (its output is in {_LOG}).\n")
            return False
    return True


def _as_root(*command: str, log: IO[str]) -> None:
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    subprocess.run([*sudo, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=True)


def _sudo(*command: str) -> bool:
    if shutil.which("sudo") is None:
        return False
    done = subprocess.run(["sudo", "-n", *command], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
