"""What Flux and Helm wait for: kstatus itself, over every kind in every state that the planners write."""

import json
import subprocess

from tests.builders.states import STATES
from tools.controlplane.binaries import find_or_build

EXPECTED = {"Healthy": "Current", "Degraded": "Failed", "Progressing": "InProgress", "Suspended": "InProgress"}
"""By the health that Argo CD shows. kstatus knows no pause: what waits for people is in progress."""
OTHERWISE = {
    "a run that is being deleted": "Terminating",
    "an Action that takes no runs": "Current",
    "an object without a status": "Current",
}
"""The last is none of ours once the API server has it: their CRDs give each a status that says Unknown."""


def test_what_kstatus_says_of_every_state() -> None:
    program = find_or_build(["kstatus"])["kstatus"]
    bodies = [{"apiVersion": "pratique.dev/v1alpha1", **body} for body, _ in STATES.values()]
    answer = subprocess.run(
        [program], input=json.dumps(bodies), capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    said = dict(zip(STATES, json.loads(answer.stdout), strict=True))
    expected = {state: OTHERWISE.get(state, EXPECTED[health]) for state, (_, health) in STATES.items()}
    assert said == expected
