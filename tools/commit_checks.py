"""`python -m tools.commit_checks FILES…`: no private key, no token and nothing large gets into a commit.

Called by the hooks of `.pre-commit-config.yaml`, and over the whole repository by a test.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 300_000
_LARGER = {"deploy/install.yaml": 600_000}
"""What is written for people by a tool, and is read by no one in one piece."""
_SECRETS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64,}"),
    "a token of Slack": re.compile(rb"xox[abpr]-[0-9]{8,}-[0-9]{8,}-[A-Za-z0-9]{16,}"),
    "a token of GitHub": re.compile(rb"gh[pousr]_[A-Za-z0-9]{36}"),
    "a key of AWS": re.compile(rb"AKIA[0-9A-Z]{16}"),
    "a token of a ServiceAccount": re.compile(rb"eyJhbGciOiJSUzI1NiI[A-Za-z0-9_-]{40,}[.][A-Za-z0-9_-]{40,}[.]"),
}


def problems(path: Path) -> Iterator[str]:
    """Yield what keeps a file from being committed, with the remedy."""
    content = path.read_bytes()
    most = next((size for name, size in _LARGER.items() if path.as_posix().endswith(name)), MAX_BYTES)
    if len(content) > most:
        yield f"{path}: has {len(content)} bytes, {most} are the most: keep it elsewhere, or make it smaller"
    for what, pattern in _SECRETS.items():
        if pattern.search(content):
            yield f"{path}: has {what}: take it out, and revoke it if it was ever in use"


def main(arguments: list[str]) -> int:
    """Check the files; return 1 if something is wrong with one."""
    found = [each for name in arguments if Path(name).is_file() for each in problems(Path(name))]
    sys.stderr.write("".join(f"{each}\n" for each in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
