"""`python -m tools.codegen`: writes what is generated; `--check` says what is stale and writes nothing."""

import argparse
import sys
from pathlib import Path

from pratique.admission.expected import CRDS, without_prose
from tools.codegen.chart import chart_files
from tools.codegen.chart_values import values_page
from tools.codegen.crds import crds
from tools.codegen.reference import reference_files
from tools.codegen.text import HEADER, to_json, to_yaml


def generated() -> dict[Path, str]:
    """Return every generated file with its content, by its path in the repository."""
    files = {Path("crds") / f"{crd['spec']['names']['plural']}.yaml": HEADER + to_yaml([crd]) for crd in crds()}
    files[Path("operator/pratique/admission") / CRDS.name] = to_json([without_prose(crd) for crd in crds()])
    return files | chart_files() | reference_files() | values_page()


def main(arguments: list[str] | None = None) -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    options = parser.parse_args(arguments)
    files = generated()
    folders = {path.parent for path in files if path.parent.name in ("crds", "reference", "generated")}
    known = {path for folder in folders for path in folder.glob("*") if path.is_file()}
    stale = [path for path, content in files.items() if not path.exists() or path.read_text() != content]
    left_over = sorted(known - set(files))
    if options.check:
        for path in [*stale, *left_over]:
            sys.stderr.write(f"{path} is stale: run `make generate` and commit what it writes\n")
        return 1 if stale or left_over else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path])
    for path in left_over:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
