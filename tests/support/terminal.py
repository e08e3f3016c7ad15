"""A person at a terminal: `pratique` and the lines that it prints, run with their kubeconfig as they would run them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.installation import ROOT

from tests.support.cluster import Answer, Cluster


@dataclass(frozen=True)
class Terminal:
    """The terminal of one person, `columns` wide."""

    kubeconfig: Path
    kubectl: Path
    cache: Path
    columns: int = 100

    @classmethod
    def of(cls, cluster: Cluster, who: str) -> "Terminal":
        """Return the terminal of one of the test identities."""
        return cls(cluster.identities.kubeconfig(who), cluster.runner.program, cluster.runner.cache)

    def pratique(self, *args: str) -> Answer:
        """Run `pratique` with these arguments."""
        return self._run([sys.executable, "-m", "pratique.main", *args])

    def shell(self, line: str) -> Answer:
        """Run a line as it was printed."""
        return self._run(["sh", "-c", line])

    def inbox(self, *args: str) -> dict[str, Any]:
        """Return the inbox, parsed."""
        answer = self.pratique("inbox", "-o", "json", *args)
        assert answer.code == 0, answer.err
        found: dict[str, Any] = answer.json
        return found

    def _run(self, command: list[str]) -> Answer:
        own = {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.cache), "KUBERC": "off"}
        own |= {"PATH": f"{self.kubectl.parent}:{os.environ['PATH']}", "COLUMNS": str(self.columns)}
        own |= {"PYTHONPATH": str(ROOT / "operator")}
        done = subprocess.run(
            command, env=os.environ | own, capture_output=True, text=True, check=False, timeout=60, cwd="/"
        )
        return Answer(done.returncode, done.stdout, done.stderr)
