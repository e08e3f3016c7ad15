"""These tests need no operator, only what it relies on: they start when the API server is seen to guard."""

import json
from dataclasses import replace

import pytest
from tests.support.cluster import Cluster, wait_for

from pratique.guarding.canaries import canaries

OPERATOR = "system:serviceaccount:pratique-system:pratique"


@pytest.fixture(scope="session")
def cluster(cluster: Cluster) -> Cluster:
    """The cluster; what is asked here is what the API server answers, so plain commands of kubectl are done at a tenth."""
    return replace(cluster, plain=True)


@pytest.fixture(scope="session", autouse=True)
def guarded(cluster: Cluster) -> None:
    """Wait until every canary is refused: right after its installation a policy is not yet in force."""
    for canary in canaries(OPERATOR):
        text = json.dumps(canary.manifest)

        def refused(text: str = text, expected: str = canary.expected) -> bool:
            args = ("create", "--dry-run=server", "-f", "-")
            return expected in cluster.kubectl("operator", *args, input=text, check=False).err

        wait_for(f"{canary.policy} to guard", refused)
