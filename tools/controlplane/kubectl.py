"""Runs kubectl as one of the identities, leaving no trace outside the project.

kubectl is how users do everything here, so tests and demo use it too. Called by tests, playground, demo, foreign.py.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tools.controlplane.binaries import find_or_build
from tools.controlplane.errors import KubectlError

_TIMEOUT = 60.0


@dataclass
class Kubectl:
    """kubectl with its caches in a folder of ours, not in the home of whoever runs this."""

    cache: Path
    _program: Path | None = field(default=None, repr=False)

    @property
    def program(self) -> Path:
        """The kubectl of this machine, or the one from the wheel."""
        if self._program is None:
            self._program = find_or_build(["kubectl"])["kubectl"]
        return self._program

    def environ(self) -> dict[str, str]:
        """Return an environment in which the user's own kubectl settings play no part."""
        environ = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
        return environ | {"KUBECACHEDIR": str(self.cache), "KUBERC": "off"}

    def __call__(
        self,
        kubeconfig: Path,
        *args: str,
        input: str | None = None,
        check: bool = True,
        timeout: float = _TIMEOUT,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; with `check`, a failure is a KubectlError that shows the command and what it said."""
        try:
            result = subprocess.run(
                [str(self.program), "--kubeconfig", str(kubeconfig), *args],
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
                env=self.environ(),
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(
                f"kubectl {' '.join(args)} as {kubeconfig.name}: no answer within {timeout:g} s;"
                f" so far: {error.stdout!r} {error.stderr!r}"
            ) from error
        if check and result.returncode:
            raise KubectlError(
                f"kubectl {' '.join(args)} as {kubeconfig.name}: {(result.stderr or result.stdout).strip()}"
            )
        return result
