"""`python -m tools.codegen.plain`: writes deploy/install.yaml, the chart with its defaults, for those who do not use Helm.

Rendered by Helm itself, as for Kubernetes 1.36, with an image that is to be named. Without Helm's own marks, and without
its test. `make generate` calls it; a test holds the file to the chart.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tools.codegen.rbac import LABELS
from tools.codegen.text import to_yaml
from tools.controlplane.binaries import find, find_or_build
from tools.controlplane.cache import cache_folder
from tools.controlplane.catalog import ALL

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "install.yaml"
NAMESPACE = "pratique-system"
IMAGE = "localhost/pratique"
"""Found by nobody, so that nothing is pulled that somebody else calls pratique."""
_HEADER = (
    "# Generated from charts/pratique by `make generate`; edit that, not this file. For Kubernetes 1.36 and later.\n"
)


def main(arguments: list[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m tools.codegen.plain", description=__doc__)
    parser.add_argument("--if-there", action="store_true", help="do nothing where Helm is not built yet")
    options = parser.parse_args(arguments)
    there = find(ALL["helm"], cache_folder(os.environ), os.environ)
    if there is None and options.if_there:
        return 0
    FILE.write_text(text(rendered(there or find_or_build(["helm"])["helm"])), encoding="utf-8")
    return 0


def rendered(helm: Path) -> list[Manifest]:
    """Return all objects of an installation with the chart's defaults, its namespace first."""
    where = ("--namespace", NAMESPACE, "--kube-version", "1.36.0", "--set", f"image.repository={IMAGE}", "--no-hooks")
    command = [str(helm), "template", "pratique", str(ROOT / "charts" / "pratique"), *where]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    return [_namespace(), *sorted((_without_helm(each) for each in found), key=_turn)]


def text(manifests: list[Manifest]) -> str:
    """Return them as the file has them."""
    return _HEADER + to_yaml(manifests)


def _turn(manifest: Manifest) -> int:
    """Return when it is applied: kinds, what guards them, rights, and then what runs."""
    if manifest["kind"] == "CustomResourceDefinition":
        return 0
    if manifest["apiVersion"].startswith("admissionregistration"):
        return 1
    return 2 if manifest["kind"] == "ServiceAccount" or manifest["apiVersion"].startswith("rbac.") else 3


def _namespace() -> Manifest:
    labels = LABELS | {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def _without_helm(manifest: Manifest) -> Manifest:
    metadata = dict(manifest["metadata"])
    ours = {key: value for key, value in metadata.get("labels", {}).items() if not _of_helm(key)}
    notes = {key: value for key, value in metadata.pop("annotations", {}).items() if not _of_helm(key)}
    return manifest | {"metadata": metadata | {"labels": ours} | ({"annotations": notes} if notes else {})}


def _of_helm(key: str) -> bool:
    return key.startswith("helm.sh/") or key == "app.kubernetes.io/managed-by"


if __name__ == "__main__":
    sys.exit(main())
