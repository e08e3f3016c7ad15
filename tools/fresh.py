"""`python -m tools.fresh`: what is generated and what is golden is what the code writes today, and nothing is left out.

Everything is written anew, and the folders are compared with what they were: on a clean checkout this is a check that the
tree is clean afterwards, and beside work in progress it minds nothing else. What differs stays written, for a review. Files
that git does not know yet fail too, and so do golden files that no test writes any more.

Written anew are: what `make generate` writes, and each golden file of a test that needs no cluster and no browser. The page
of attacks and the pictures have their own tests (`make attacks`, `make pictures`); what a release wrote stays as it is.
"""

import ast
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
GENERATED = ("crds", "charts", "deploy", "docs/reference", "operator/pratique/admission/crds.json")
GOLDEN = ("tests/golden",)
OF_RELEASES = ("tests/golden/crds", "tests/golden/outbox", "tests/golden/upgrade", "tests/golden/upgrade_fields")
"""Written once, with a release."""
_WRITES = ("assert_golden", "assert_golden_text")
_TESTS = (ROOT / "tests" / "unit", ROOT / "tests" / "component")


def main() -> int:
    """Write all of it anew; return 1 and say what is not fresh."""
    before, began = seen(), time.time_ns()
    run(sys.executable, "-m", "tools.codegen")
    run(sys.executable, "-m", "tools.codegen.plain", "--if-there")
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *golden_tests(), GOLDEN="1")
    after = seen()
    stale = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    for path in stale:
        sys.stderr.write(f"{path} was not what the code writes: it is now; read the difference and commit it\n")
    for path in unknown():
        sys.stderr.write(f"{path} is not known to git: git add it, or delete it\n")
    for path in orphans(after, began):
        sys.stderr.write(f"{path} is written by no test any more: delete it\n")
    return 1 if stale or unknown() or orphans(after, began) else 0


def orphans(files: Iterable[str], began: int) -> list[str]:
    """Return the golden files that nobody has written since then."""
    golden = [each for each in files if each.startswith(GOLDEN) and not each.startswith(OF_RELEASES)]
    return sorted(each for each in golden if (ROOT / each).stat().st_mtime_ns < began)


def seen() -> dict[str, str]:
    """Return a digest of each file that somebody writes, by its path."""
    tops = [ROOT / each for each in (*GENERATED, *GOLDEN)]
    files = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file()]
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def unknown() -> list[str]:
    """Return the files there that git does not know, and is not told to ignore."""
    listed = run("git", "ls-files", "--others", "--exclude-standard", "--", *GENERATED, *GOLDEN)
    return sorted(listed.split())


def golden_tests(*folders: Path) -> list[str]:
    """Return the tests in the folders that compare something with a golden file, as pytest names them."""
    paths = sorted(path for folder in folders or _TESTS for path in folder.rglob("test_*.py"))
    found = [f"{path}::{name}" for path in paths for name in _writers(path)]
    if not found:
        raise SystemExit(
            f"no test in {', '.join(map(str, folders or _TESTS))} has a golden file: tools/fresh.py looks for {_WRITES}"
        )
    return found


def _writers(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = [("", tree.body), *((f"{node.name}::", node.body) for node in tree.body if isinstance(node, ast.ClassDef))]
    for prefix, body in places:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                calls = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                if calls & set(_WRITES):
                    yield prefix + node.name


def run(*command: str, **variables: str) -> str:
    """Run a command here; its output goes to ours, or is returned, if it fails so does this."""
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} failed:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
