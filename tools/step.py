"""`python -m tools.step NAME -- COMMAND…`: runs one step of make; quiet on success, its whole output on failure.

With `--show PATTERN` the last line of the output that contains the pattern is shown on success too.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tools.progress import step

LOGS = Path(__file__).parents[1] / ".run" / "steps"


def main(arguments: list[str] | None = None) -> int:
    """Run the step; returns the exit code of its command."""
    parser = argparse.ArgumentParser(prog="python -m tools.step", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--show", help="show the last line of the output that contains this")
    parser.add_argument("--advice", default="", help="what to do when it fails")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (re.sub(r"[^a-z0-9]+", "-", options.name.lower()) + ".log")
    with log.open("w") as output:
        try:
            with step(options.name):
                subprocess.run(options.command, stdout=output, stderr=subprocess.STDOUT, check=True)
        except subprocess.CalledProcessError as error:
            sys.stdout.write(log.read_text(errors="replace"))
            sys.stdout.write(f"\n{options.name} failed (the output above is in {log}). {options.advice}\n")
            return error.returncode
    if options.show:
        found = [line for line in log.read_text(errors="replace").splitlines() if options.show in line]
        sys.stdout.write("".join(f"        {line}\n" for line in found[-1:]))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
