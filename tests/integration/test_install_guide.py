"""docs/guides/install.md: its first ten minutes, as they stand on the page, against an API server and an operator."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.support.own_plane import own_plane
from tools.controlplane.binaries import find_or_build
from tools.installation import ROOT, OperatorProcess

pytestmark = pytest.mark.cluster
PAGE = (ROOT / "docs" / "guides" / "install.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)


def test_the_first_ten_minutes_go_as_the_page_says(tmp_path: Path) -> None:
    with own_plane("team-b", tmp_path, people=()) as (plane, cluster):
        operator = OperatorProcess(plane.kubeconfig("operator"), tmp_path / "operator.log")
        operator.start()
        operator.wait_ready()
        kubectl = find_or_build(["kubectl"])["kubectl"]
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "kubectl").symlink_to(kubectl)
        environ = os.environ | {
            "KUBECONFIG": str(plane.kubeconfig("admin")),
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        for block in BLOCKS:
            command = ["bash", "-euo", "pipefail", "-c", block]
            done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        assert "load-test" in done.stdout and "10d" in done.stdout
        made = cluster.get("environment", "load-test", "team-a")
        assert made is not None and made["status"]["namespace"] == "env-team-a-load-test"
        operator.stop()
    assert len(BLOCKS) == 4
