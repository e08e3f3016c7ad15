"""docs/guides/writing-actions.md: each of its files as it stands on the page, in turn, as a newcomer applies them."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import phase
from tools.installation import ROOT, OperatorProcess

pytestmark = pytest.mark.cluster
PAGE = (ROOT / "docs" / "guides" / "writing-actions.md").read_text()
FILES = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
SPACE = "team-a"


@pytest.fixture
def team(cluster: Cluster, operator: OperatorProcess) -> Iterator[Cluster]:
    cluster.kubectl("admin", "create", "namespace", SPACE, check=False)
    yield cluster
    cluster.kubectl("admin", "delete", "action", "order-cache")
    cluster.kubectl("admin", "delete", "namespace", SPACE, "--wait=false")


def test_its_files_work_in_the_order_of_the_page(team: Cluster) -> None:
    generations = 0
    for name, text in FILES:
        if name == "tests/cases.yaml":
            continue
        who = "developer" if name.startswith("run") else "admin"
        team.kubectl(who, "apply", "-f", "-", input=text)
        if name == "action.yaml":
            generations += 1
            wait_for(f"version {generations} to be ready", partial(_is_ready, team, generations))
        elif name == "run.yaml":
            assert phase(team, "orders", SPACE, "Succeeded")["message"].endswith("team-a/cache-orders")
    held = phase(team, "sale", SPACE, "WaitingForApproval")
    assert "A large cache is expensive" in held["message"]
    gate = team.get("approval", held["approvals"][0]["name"], SPACE) or {}
    assert gate["spec"]["plan"]["cost"] == "About 40 € a day"
    assert [name for name, _ in FILES].count("action.yaml") == generations == 3


def _is_ready(team: Cluster, generation: int) -> bool:
    status = (team.get("action", "order-cache") or {}).get("status", {})
    ready = {each["type"]: each for each in status.get("conditions", [])}.get("Ready", {})
    assert ready.get("status") != "False" or status.get("observedGeneration") != generation, ready
    return bool(status.get("observedGeneration") == generation and ready.get("status") == "True")
