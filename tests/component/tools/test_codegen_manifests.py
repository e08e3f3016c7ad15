"""What an installation consists of: no wildcard, nothing unguarded, nothing stale."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.codegen import __main__ as codegen
from tools.codegen.chart import chart_files
from tools.codegen.manifests import install
from tools.codegen.people import people_roles
from tools.codegen.reference import reference_files
from tools.codegen.values import Impersonation, Values

from pratique.admission.away import CHAIN
from pratique.api.v1alpha1 import KINDS
from pratique.guarding.canaries import canaries

LENT = Values(impersonate=(Impersonation("pratique-actions", ("environment-maker",)),))
ROOT = Path(__file__).parents[3]


def _of(*kinds: str, values: Values = LENT) -> list[dict[str, Any]]:
    return [each for each in install(values) if each["kind"] in kinds]


def test_no_rule_has_a_wildcard() -> None:
    for role in _of("Role", "ClusterRole"):
        for rule in role.get("rules", ()):
            assert "*" not in json.dumps(rule), role["metadata"]["name"]


def test_every_role_of_the_operator_is_bound_to_it_and_no_role_of_people_is() -> None:
    bound = {(each["roleRef"]["kind"], each["roleRef"]["name"]) for each in _of("RoleBinding", "ClusterRoleBinding")}
    subjects = {json.dumps(each["subjects"]) for each in _of("RoleBinding", "ClusterRoleBinding")}
    assert subjects == {'[{"kind": "ServiceAccount", "name": "pratique", "namespace": "pratique-system"}]'}
    roles = {(each["kind"], each["metadata"]["name"]) for each in _of("Role", "ClusterRole")}
    to_bind = {each["metadata"]["name"] for each in people_roles()} | {"pratique-metrics-reader"}
    assert roles - bound == {("ClusterRole", name) for name in to_bind}


def test_every_role_of_people_is_made_of_its_own_part_and_of_what_all_see() -> None:
    parts = {each["metadata"]["name"]: each for each in people_roles() if "rules" in each}
    whole = {each["metadata"]["name"]: each for each in people_roles() if "rules" not in each}
    named = ("catalogue", "viewer", "requester", "approver", "delegator", "on-call", "pipeline", "admin")
    assert set(whole) == {f"pratique-{name}" for name in named}
    for name, role in whole.items():
        (selector,) = role["aggregationRule"]["clusterRoleSelectors"]
        chosen = {
            part
            for part, each in parts.items()
            if selector["matchLabels"].items() <= each["metadata"]["labels"].items()
        }
        seeing = (
            set()
            if name in ("pratique-catalogue", "pratique-delegator", "pratique-pipeline")
            else {"pratique-viewer-rules"}
        )
        assert chosen == {f"{name}-rules"} | seeing


def test_no_role_of_ours_becomes_part_of_kubernetes_own() -> None:
    """Nobody sees or may more because Pratique was installed; docs/guides/rbac.md has the one line that changes it."""
    assert "rbac.authorization.k8s.io/aggregate-to" not in json.dumps(people_roles())


def test_the_operator_becomes_only_whom_the_values_name() -> None:
    rules = [
        rule for role in _of("Role", "ClusterRole") for rule in role.get("rules", ()) if "impersonate" in rule["verbs"]
    ]
    assert rules == [
        {
            "apiGroups": [""],
            "resources": ["serviceaccounts"],
            "verbs": ["impersonate"],
            "resourceNames": ["environment-maker"],
        }
    ]
    assert not any("impersonate" in json.dumps(each) for each in _of("Role", "ClusterRole", values=Values()))


def test_no_example_wants_the_same_object_as_an_installation() -> None:
    """Helm takes over nothing that somebody else made, so the chart could not be installed after the example."""
    files = sorted((ROOT / "examples").rglob("*.yaml"))
    documents = [each for path in files for each in yaml.safe_load_all(path.read_text()) if each]
    theirs = [
        each for each in documents if "name" in each.get("metadata", {})
    ]  # else it is a file of a pipeline, or generated
    spaces = {each["metadata"].get("namespace", "") for each in theirs} - {""}
    lent = Values(impersonate=tuple(Impersonation(each, ("anybody",)) for each in sorted(spaces)))

    def names(manifests: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
        return {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in manifests}

    assert theirs and names(theirs) & names(install(lent)) == set()


def test_the_guard_comes_before_the_rights() -> None:
    kinds = [each["kind"] for each in install()]
    assert kinds[0] == "Namespace"
    last_policy = max(index for index, kind in enumerate(kinds) if "AdmissionPolicy" in kind)
    assert last_policy < kinds.index("ServiceAccount")
    assert kinds.index("CustomResourceDefinition") < kinds.index("ValidatingAdmissionPolicy")


def test_every_policy_is_bound_and_fails_closed() -> None:
    for kind in ("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"):
        names = {each["metadata"]["name"] for each in _of(kind)}
        assert names == {each["spec"]["policyName"] for each in _of(f"{kind}Binding")}
    for each in _of("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"):
        assert each["spec"]["failurePolicy"] == "Fail"
        for rule in each["spec"]["matchConstraints"]["resourceRules"]:
            assert rule["apiVersions"] == ["*"]
    assert all(each["spec"]["validationActions"] == ["Deny"] for each in _of("ValidatingAdmissionPolicyBinding"))


def test_every_denial_is_a_sentence() -> None:
    for policy in _of("ValidatingAdmissionPolicy"):
        first, *others = policy["spec"]["validations"]
        if policy["metadata"]["name"] != CHAIN:  # it answers only where there are Delegations
            assert first["message"] == f"pratique canary: {policy['metadata']['name']}"
        for validation in (first, *others):
            assert validation["reason"] == "Forbidden"
            assert validation["message"] and "\n" not in validation["message"]


def test_every_policy_has_a_canary() -> None:
    """But for the one that only helps people to name somebody who is there: no trust rests on it."""
    policies = {each["metadata"]["name"] for each in _of("ValidatingAdmissionPolicy")}
    assert policies - {canary.policy for canary in canaries(Values().operator)} == {CHAIN}


def test_the_status_of_every_kind_is_guarded() -> None:
    (policy,) = [each for each in _of("ValidatingAdmissionPolicy") if each["metadata"]["name"] == "pratique-status"]
    guarded = {name for rule in policy["spec"]["matchConstraints"]["resourceRules"] for name in rule["resources"]}
    assert {f"{kind.plural}/status" for kind in KINDS} <= guarded


def test_another_namespace_and_account_reach_the_policies() -> None:
    text = json.dumps(install(Values(namespace="elsewhere", service_account="clearance")))
    assert "system:serviceaccount:elsewhere:clearance" in text
    assert "system:serviceaccount:pratique-system:pratique" not in text


def test_no_placeholder_is_left_in_the_chart() -> None:
    for path, text in chart_files().items():
        assert not re.search(r"@@[A-Z-]+@@", text), path


def test_every_field_is_in_the_reference() -> None:
    pages = {path.stem: text for path, text in reference_files().items()}
    assert set(pages) == {kind.singular for kind in KINDS}
    assert (
        "| `decisions[*].verdict` | `Approve` \\| `Decline` \\| `Undecided` \\| `BreakGlass` \\| `Offer` | required |"
        in pages["approval"]
    )
    assert "ttl is longer than maxTTL allows" in pages["environment"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_is_fresh(elsewhere: Path) -> None:
    assert codegen.main([]) == 0
    assert codegen.main(["--check"]) == 0


def test_a_stale_a_missing_and_a_left_over_file_are_named(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codegen.main([])
    (elsewhere / "crds" / "actions.yaml").write_text("stale")
    (elsewhere / "charts/pratique/templates/generated/rights.yaml").unlink()
    (elsewhere / "crds" / "ships.yaml").write_text("left over")
    assert codegen.main(["--check"]) == 1
    told = capsys.readouterr().err
    for name in ("crds/actions.yaml", "charts/pratique/templates/generated/rights.yaml", "crds/ships.yaml"):
        assert f"{name} is stale: run `make generate` and commit what it writes" in told
    assert (elsewhere / "crds" / "actions.yaml").read_text() == "stale"
    assert codegen.main([]) == 0
    assert codegen.main(["--check"]) == 0
    assert not (elsewhere / "crds" / "ships.yaml").exists()


def test_the_committed_files_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert codegen.main(["--check"]) == 0
