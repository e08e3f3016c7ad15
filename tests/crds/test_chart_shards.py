"""The chart with shards: a Deployment and a budget for each, rights to their Leases; and nothing of it without."""

import pytest
from tests.crds.test_chart import Manifest, Release, rendered, templated
from tests.integration.test_sharding import LEASES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
HERE = "pratique-system"


def named(release: Release, kind: str) -> list[str]:
    return sorted(key.split("/")[1] for key in release if key.startswith(f"{kind} {HERE}/"))


def args(release: Release, name: str) -> list[str]:
    pod: Manifest = release[f"Deployment {HERE}/{name}"]["spec"]["template"]["spec"]
    return list(pod["containers"][0]["args"])


def test_one_is_what_it_was_without() -> None:
    release = rendered()
    assert rendered({"sharding": {"shards": 1}}) == release
    assert named(release, "Deployment") == named(release, "PodDisruptionBudget") == ["pratique"]
    assert "pratique-shards" not in named(release, "Role")
    assert not [arg for arg in args(release, "pratique") if arg.startswith("--shard")]


def test_each_shard_has_its_deployment_its_pods_and_its_budget() -> None:
    release = rendered({"sharding": {"shards": 3}, "metrics": {"prometheusRule": {"enabled": True}}})
    names = ["pratique-1", "pratique-2", "pratique-3"]
    assert named(release, "Deployment") == named(release, "PodDisruptionBudget") == names
    for number, name in enumerate(names, 1):
        assert f"--shard={number}/3" in args(release, name)
        deployment = release[f"Deployment {HERE}/{name}"]["spec"]
        selector = deployment["selector"]["matchLabels"]
        assert selector["pratique.dev/shard"] == str(number)
        assert selector.items() <= deployment["template"]["metadata"]["labels"].items()
        (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
        assert spread["labelSelector"]["matchLabels"] == selector
        assert release[f"PodDisruptionBudget {HERE}/{name}"]["spec"]["selector"]["matchLabels"] == selector
    groups = release[f"PrometheusRule {HERE}/pratique"]["spec"]["groups"]
    exprs = {each["alert"]: each["expr"] for group in groups for each in group["rules"] if "alert" in each}
    assert exprs["PratiqueNoLeader"] == "(sum(pratique_leader) or vector(0)) < 3"


def test_shards_may_keep_their_leases() -> None:
    release = rendered({"sharding": {"shards": 2}, "serviceAccount": {"name": "clearance"}})
    assert release[f"Role {HERE}/pratique-shards"]["rules"] == LEASES["rules"]
    (subject,) = release[f"RoleBinding {HERE}/pratique-shards"]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "clearance", "namespace": HERE}


def test_what_selects_all_pods_of_the_operator_still_does() -> None:
    release = rendered({"sharding": {"shards": 2}, "networkPolicy": {"enabled": True}})
    labels = release[f"Deployment {HERE}/pratique-2"]["spec"]["template"]["metadata"]["labels"]
    for key in (f"Service {HERE}/pratique-metrics", f"NetworkPolicy {HERE}/pratique"):
        spec = release[key]["spec"]
        selector = spec.get("selector") or spec["podSelector"]["matchLabels"]
        assert "pratique.dev/shard" not in selector and selector.items() <= labels.items(), key


def test_where_traces_go_is_told_by_the_standard_variables() -> None:
    values = {"traces": {"endpoint": "http://collector.monitoring:4318", "headersSecret": "traces"}}
    pod = rendered(values)[f"Deployment {HERE}/pratique"]["spec"]["template"]["spec"]
    env = {each["name"]: each for each in pod["containers"][0]["env"]}
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"] == "http://collector.monitoring:4318"
    assert env["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"]["secretKeyRef"] == {"name": "traces", "key": "headers"}
    alone = templated({"traces": {"headersSecret": "traces"}})
    assert alone.returncode and "set both, or neither" in alone.stderr
