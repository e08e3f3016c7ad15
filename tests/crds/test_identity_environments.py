"""What an Environment may ask for: the installation's lists, in the API server, for everybody who may create one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.own_plane import own_plane
from tools.codegen.manifests import install
from tools.codegen.values import Environments, Values

pytestmark = pytest.mark.cluster
SPACE = "lists"
WHO = "who installs Pratique can change that (chart value environments"
TARGET = "spec.target"
BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "name": (
        {f"{TARGET}.namespace.name": "team-b"},
        f"spec.target.namespace.name is team-b: it must begin with env-; {WHO}.namespacePrefix)",
    ),
    "almost the prefix": (
        {f"{TARGET}.namespace.name": "env"},
        f"spec.target.namespace.name is env: it must begin with env-; {WHO}.namespacePrefix)",
    ),
    "privileged": (
        {f"{TARGET}.podSecurity": "privileged"},
        f"spec.target.podSecurity is privileged: allowed are restricted, baseline; {WHO}.podSecurity)",
    ),
    "labels": (
        {f"{TARGET}.namespace.labels": {"istio-injection": "disabled"}},
        f"spec.target.namespace.labels has istio-injection: none is allowed; {WHO}.labels)",
    ),
}


def denied(answer: Answer, sentence: str) -> None:
    """Expect this sentence."""
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An installation whose lists are not the default ones."""
    lists = Environments(
        roles=("view",), pod_security=("baseline", "privileged"), labels=("team",), namespace_prefix=""
    )
    with own_plane(SPACE, tmp_path_factory.mktemp("lists"), values=Values(environments=lists)) as (_, cluster):
        denied_once = changed(make.environment(SPACE), {"metadata.name": "waits"})

        def in_force() -> bool:
            answer = cluster.apply("admin", denied_once, "--dry-run=server", check=False)
            return "chart value environments" in answer.err

        wait_for("the policy is in force", in_force)
        yield cluster


@pytest.mark.parametrize("what", BEYOND)
def test_what_is_beyond_the_lists_is_denied(cluster: Cluster, namespace: str, what: str) -> None:
    """Also to cluster-admin; the twin is the same Environment without the one change."""
    changes, sentence = BEYOND[what]
    manifest = make.environment(namespace)
    answer = cluster.apply("admin", changed(manifest, changes), check=False)
    denied(answer, sentence)
    for way in (("create",), ("apply", "--server-side"), ("create", "--dry-run=server")):
        text = json.dumps(changed(manifest, changes))
        assert cluster.kubectl("admin", *way, "-f", "-", input=text, check=False).code != 0
    cluster.apply("admin", manifest)


def test_what_the_lists_allow(cluster: Cluster, namespace: str) -> None:
    for role in ("view", "edit", "admin"):
        access = [{"user": "developer@example.com", "role": role}, {"group": "developers", "role": role}]
        access.append({"user": "system:serviceaccount:team-a:deployer", "role": role})
        for level in ("restricted", "baseline"):
            changes = {f"{TARGET}.access": access, f"{TARGET}.podSecurity": level}
            cluster.apply("admin", changed(make.environment(namespace), changes), "--dry-run=server")


def test_other_lists(other: Cluster) -> None:
    base = changed(
        make.environment(SPACE),
        {f"{TARGET}.access": [{"group": "developers", "role": "view"}], f"{TARGET}.podSecurity": "privileged"},
    )
    allowed = changed(base, {f"{TARGET}.namespace": {"name": "anything", "labels": {"team": "a"}}})
    other.apply("admin", allowed, "--dry-run=server")
    sentences: dict[str, dict[str, Any]] = {
        f"spec.target.access gives the role edit: allowed are view; {WHO}.roles)": {
            f"{TARGET}.access": [{"group": "developers", "role": "edit"}]
        },
        "spec.target.namespace.labels has teams: allowed are team;": {f"{TARGET}.namespace.labels": {"teams": "a"}},
        "spec.target.podSecurity is restricted: allowed are baseline, privileged;": {
            f"{TARGET}.podSecurity": "restricted"
        },
    }
    for sentence, changes in sentences.items():
        denied(other.apply("admin", changed(base, changes), check=False), sentence)


def test_one_from_before_the_lists_were_tightened_is_extended_and_ends(other: Cluster) -> None:
    mine = changed(
        make.environment(SPACE, "older"),
        {f"{TARGET}.access": [{"group": "developers", "role": "view"}], f"{TARGET}.podSecurity": "privileged"},
    )
    other.apply("admin", mine)
    policies = [each for each in install() if each["metadata"]["name"] == "pratique-environment"]
    other.kubectl("admin", "apply", "--server-side", "--force-conflicts", "-f", "-", input=_list(policies))
    fresh = changed(mine, {"metadata.name": "newer"})

    def tightened() -> bool:
        return "podSecurity is privileged" in other.apply("admin", fresh, "--dry-run=server", check=False).err

    wait_for("the new lists are in force", tightened)
    other.apply("admin", changed(mine, {"spec.ttl": "4d"}))
    one = ("patch", "environment", "older", "-n", SPACE, "--type=merge", "-p")
    for finalizers in (["pratique.dev/environment"], None):
        other.kubectl("operator", *one, json.dumps({"metadata": {"finalizers": finalizers}}))
    other.kubectl("admin", "delete", "environment", "older", "-n", SPACE)


def test_one_from_before_a_rule_of_its_crd_is_extended_and_ends(other: Cluster) -> None:
    (crd,) = (each for each in install() if each["metadata"]["name"] == "environments.pratique.dev")
    lax = json.loads(json.dumps(crd))
    spec = lax["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    target = spec["properties"]["target"]
    del target["x-kubernetes-validations"], target["properties"]["limits"]["x-kubernetes-validations"]
    replace = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    other.kubectl("admin", *replace, input=_list([lax]))
    changes = {
        f"{TARGET}.quota": {"cpus": "4", "pods": "1.5"},
        f"{TARGET}.limits": {"default": {"cpu": "100m"}, "defaultRequest": {"cpu": "500m"}},
        f"{TARGET}.access": [{"user": "a", "role": "view"}, {"user": "a", "role": "view"}],
    }
    unsound = changed(make.environment(SPACE, "unsound"), changes)

    wait_for("it is taken", lambda: other.apply("admin", unsound, check=False).code == 0)
    other.kubectl("admin", *replace, input=_list([crd]))
    fresh = changed(unsound, {"metadata.name": "fresh"})

    def strict() -> bool:
        return "did you mean cpu?" in other.apply("admin", fresh, "--dry-run=server", check=False).err

    wait_for("the rules are in force", strict)
    other.apply("admin", changed(unsound, {"spec.ttl": "4d"}))
    one = ("patch", "environment", "unsound", "-n", SPACE, "--type=merge", "-p")
    other.kubectl("operator", *one, json.dumps({"status": {"phase": "Active"}}), "--subresource=status")
    for finalizers in (["pratique.dev/environment"], None):
        other.kubectl("operator", *one, json.dumps({"metadata": {"finalizers": finalizers}}))
    other.kubectl("admin", "delete", "environment", "unsound", "-n", SPACE)


def _list(items: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
