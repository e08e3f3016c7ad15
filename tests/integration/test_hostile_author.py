"""The author of Actions as an attacker: may write Actions, and act as one account.

The operator must lend no more than that. Each attempt has its answer, and a twin that is allowed.
"""

import json
from typing import Any

import pytest
from tests.builders.manifests import Manifest, changed
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.runs import phase
from tools.installation import OperatorProcess

pytestmark = pytest.mark.cluster
RBAC = "rbac.authorization.k8s.io"


def object_of(api_version: str, kind: str, name: str = "made", space: str | None = None, **body: Any) -> Manifest:
    metadata = {"name": name} | ({"namespace": space} if space else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def test_the_account_is_the_authors_or_it_is_not_lent(author: Attempts) -> None:
    other = author.action("other", CONFIGMAP)
    for name, space in (("powerful", author.namespace), ("pratique", "pratique-system"), ("mine", "kube-system")):
        other["spec"]["execution"]["serviceAccountRef"] = {"namespace": space, "name": name}
        said = author.offer([other], check=False).err
        assert f"author@example.com may not impersonate ServiceAccount {space}/{name}" in said
    for name in ("mine\nX", "mine\r\nImpersonate-Group: system:masters", "mine:x", "../mine", "Mine"):
        other["spec"]["execution"]["serviceAccountRef"] = {"namespace": author.namespace, "name": name}
        assert "spec.execution.serviceAccountRef.name: Invalid value" in author.offer([other], check=False).err
    status = author.tried({"own": CONFIGMAP})["own"]
    assert status["phase"] == "Succeeded"


NOT_ITS_RIGHT = {
    "role": object_of(
        f"{RBAC}/v1",
        "RoleBinding",
        space="${run.namespace}",
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        subjects=[],
    ),
    "clusterrole": object_of(
        f"{RBAC}/v1",
        "ClusterRoleBinding",
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        subjects=[],
    ),
    "definition": object_of("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a.example.com", spec={}),
    "webhook": object_of("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=[]),
    "guard": object_of("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", spec={}),
    "account": object_of("v1", "ServiceAccount", space="${run.namespace}"),
    "ours": object_of("v1", "ConfigMap", space="pratique-system"),
    "kube": object_of("v1", "ConfigMap", space="kube-system"),
    "pod": object_of("v1", "Pod", space="${run.namespace}", spec={}),
    "space": object_of("v1", "Namespace"),
    "request": object_of("certificates.k8s.io/v1", "CertificateSigningRequest", spec={}),
    "review": object_of("authorization.k8s.io/v1", "SubjectAccessReview", spec={"user": "admin"}),
    "token": object_of("authentication.k8s.io/v1", "TokenReview", spec={"token": "x"}),
    "patch": {"patch": True, "template": object_of("v1", "ConfigMap", "kube-root-ca.crt", "kube-system", data={})},
    "run": {"patch": True, "template": object_of("v1", "Secret", "slack", "pratique-system", type="Opaque")},
}


def test_beyond_the_accounts_rights_the_api_server_says_no(author: Attempts) -> None:
    for name, status in author.tried(NOT_ITS_RIGHT).items():
        account = f"ServiceAccount {author.namespace}/mine"
        changed_first = name in ("patch", "run")  # a change is tried before anything is done
        assert status["phase"] == ("Refused" if changed_first else "Failed"), (name, status)
        who = f"As {account}: " if changed_first else f"(as {account})"
        assert who in status["message"], (name, status["message"])
        assert f'User "system:serviceaccount:{author.namespace}:mine" cannot' in status["message"], name


PLACE = {"namespace": "${run.namespace}"}
NOT_AN_OBJECT = {
    "pods-exec": (object_of("v1", "PodExecOptions", space="x"), "the cluster has no kind PodExecOptions in v1"),
    "token-request": (
        object_of("authentication.k8s.io/v1", "TokenRequest", space="x"),
        "the cluster has no kind TokenRequest in authentication.k8s.io/v1",
    ),
    "scale": (object_of("autoscaling/v1", "Scale", space="x"), "the cluster has no kind Scale in autoscaling/v1"),
    "eviction": (object_of("policy/v1", "Eviction", space="x"), "the cluster has no kind Eviction in policy/v1"),
    "list": (object_of("v1", "List", items=[CONFIGMAP]), "the cluster has no kind List in v1"),
    "maps": (object_of("v1", "ConfigMapList", items=[]), "the cluster has no kind ConfigMapList in v1"),
    "nowhere": (object_of("v1", "ConfigMap"), "ConfigMap made needs metadata.namespace"),
    "somewhere": (
        object_of(f"{RBAC}/v1", "ClusterRole", space="team-a"),
        "ClusterRole is not in a namespace: leave metadata.namespace out",
    ),
}


def test_only_objects_are_made_and_where_the_plan_says(author: Attempts) -> None:
    found = author.tried({name: template for name, (template, _) in NOT_AN_OBJECT.items()})
    for name, (_, sentence) in NOT_AN_OBJECT.items():
        assert found[name]["phase"] == "Failed", (name, found[name])
        assert sentence in found[name]["message"], found[name]["message"]


HELD = {
    "in-a-version": (object_of("v1/namespaces/kube-system", "ConfigMap"), "apiVersion: 'v1/namespaces/kube-system' is"),
    "up": (object_of("../../api/v1", "ConfigMap"), "apiVersion: '../../api/v1' is"),
    "ours-by-a-detour": (object_of("x/../pratique.dev/v1alpha1", "ActionRun"), "apiVersion: 'x/../pratique.dev"),
    "query": (object_of("v1?watch=true", "ConfigMap"), "apiVersion: 'v1?watch=true' is"),
    "fragment": (object_of("v1#", "ConfigMap"), "apiVersion: 'v1#' is"),
    "subresource": (object_of("v1", "pods/exec"), "kind: 'pods/exec' is"),
    "action": (object_of("pratique.dev/v1alpha1", "Action"), "of pratique.dev only an Environment can be made"),
    "run": (
        object_of("pratique.dev/v1alpha1", "ActionRun", **PLACE),
        "of pratique.dev only an Environment can be made",
    ),
    "approval": (
        {"patch": True, "template": object_of("pratique.dev/v1alpha1", "Approval", space="x")},
        "of pratique.dev only an Environment can be made",
    ),
    "secret": (object_of("v1", "Secret", space="x", stringData={"a": "b"}), "it must not hold the values of a Secret"),
    "owner": (changed(CONFIGMAP, {"metadata.ownerReferences": []}), "metadata.ownerReferences: cannot be set"),
    "finalizer": (changed(CONFIGMAP, {"metadata.finalizers": ["a/b"]}), "metadata.finalizers: cannot be set"),
    "managed": (changed(CONFIGMAP, {"metadata.managedFields": []}), "metadata.managedFields: cannot be set"),
    "marked": (changed(CONFIGMAP, {"metadata.labels": {"pratique.dev/run-uid": "x"}}), "pratique.dev/run-uid belongs"),
    "adopted": (
        object_of("v1", "Namespace") | {"metadata": {"name": "x", "labels": {"pratique.dev/environment-uid": "x"}}},
        "pratique.dev/environment-uid belongs to the operator",
    ),
    "any-kind": (changed(CONFIGMAP, {"kind": "${inputs.kind}"}), "kind: must be written out"),
    "any-version": (changed(CONFIGMAP, {"apiVersion": "${inputs.kind}"}), "apiVersion: must be written out"),
}
INPUTS = {
    "kind": "Secret",
    "slash": "a/../../b",
    "dots": "..",
    "percent": "%2e%2e",
    "token": "default/serviceaccounts/default/token?x=",
}


def test_what_would_lead_elsewhere_is_held_with_the_field(author: Attempts) -> None:
    found = author.tried({name: template for name, (template, _) in HELD.items()}, INPUTS)
    for name, (_, sentence) in HELD.items():
        assert found[name]["phase"] == "Pending", (name, found[name])
        assert f"Action {name}-{author.namespace}, spec.execution.resources[0].template" in found[name]["message"]
        assert sentence in found[name]["message"], found[name]["message"]


CHOSEN = {
    "slash": (changed(CONFIGMAP, {"metadata.name": "${inputs.slash}"}), "metadata.name: 'a/../../b' is not"),
    "dots": (changed(CONFIGMAP, {"metadata.name": "${inputs.dots}"}), "metadata.name: '..' is not"),
    "percent": (changed(CONFIGMAP, {"metadata.name": "${inputs.percent}"}), "metadata.name: '%2e%2e' is not"),
    "space": (changed(CONFIGMAP, {"metadata.namespace": "${inputs.slash}"}), "metadata.namespace: 'a/../../b' is not"),
    "token": (changed(CONFIGMAP, {"metadata.namespace": "${inputs.token}"}), "metadata.namespace: 'default/service"),
}


def test_a_name_that_a_requester_chose_to_lead_elsewhere_is_refused_with_the_input(author: Attempts) -> None:
    found = author.tried({name: template for name, (template, _) in CHOSEN.items()}, INPUTS)
    for name, (_, sentence) in CHOSEN.items():
        assert found[name]["phase"] == "Refused", (name, found[name])
        assert found[name]["message"].startswith(f"spec.inputs.{'slash' if name == 'space' else name}: spec.execution")
        assert sentence in found[name]["message"], found[name]["message"]


DEEP = json.loads('{"a":' * 40 + "1" + "}" * 40)


def test_an_action_that_no_list_could_be_read_with_is_refused(author: Attempts) -> None:
    flat = json.dumps(author.action("deep", {**CONFIGMAP, "data": {"x": "DEEP"}}))
    for levels in (40, 2000, 9000):
        deep = flat.replace('"DEEP"', '{"a":' * levels + "1" + "}" * levels)
        said = author.cluster.kubectl("author", "create", "-f", "-", input=deep, check=False).err
        assert "a template is nested deeper than 32 levels, or has a list of over 1000: make it flatter" in said, said[
            -500:
        ]
        form = json.dumps(author.action("deep", CONFIGMAP)).replace("true", '{"a":' * levels + "1" + "}" * levels)
        said = author.cluster.kubectl("author", "create", "-f", "-", input=form, check=False).err
        assert (
            "spec.inputs.schema is nested deeper than 32 levels, or has a list of over 1000: make it flatter" in said
        ), said[-500:]
    assert author.tried({"flat": CONFIGMAP})["flat"]["phase"] == "Succeeded"


MARKER = "c3VycHJpc2UtbWFya2Vy"


def test_a_secret_that_the_account_may_read_is_shown_to_nobody(author: Attempts, operator: OperatorProcess) -> None:
    secret = object_of("v1", "Secret", "theirs", author.namespace)
    author.cluster.apply("admin", {**secret, "data": {"password": MARKER}})
    found = {"patch": True, "template": secret}
    ways = {
        "output": {"outputs": {"x": "${resources.r0.data.password}"}},
        "whole": {"outputs": {"x": "${resources.r0}"}},
        "applied": {"outputs": {"x": "${string(resources.r0.metadata.annotations)}"}},
        "by-error": {"outputs": {"x": "${ttl(resources.r0.data.password)}"}},
    }
    waits = {
        "ready": "ttl(self.data.password) == ttl('1s')",
        "oracle": "self.data.password.startsWith('c3Vy')",
        "exists": "has(self.data.password) && size(self.data.password) > 0",
    }
    actions = [author.action(name, found, execution=execution) for name, execution in ways.items()]
    actions += [author.action(name, {**found, "readyWhen": rule}) for name, rule in waits.items()]
    author.offer(actions)
    author.ask({name: {} for name in (*ways, *waits)})
    status = author.settled((*ways, *waits))
    assert status["output"]["outputs"] == {"x": "(hidden)"}
    assert status["whole"]["outputs"]["x"]["data"] == {"password": "(hidden)"}
    assert status["ready"]["phase"] == status["oracle"]["phase"] == "Failed"
    assert status["exists"]["phase"] == "Succeeded"
    kinds = "actions,actionruns,approvals,environments,events"
    everything = author.cluster.kubectl("admin", "get", kinds, "-A", "-o", "json").json["items"]
    shown = [each for each in everything if each["kind"] != "Action"]
    assert MARKER not in json.dumps(shown) and "surprise-marker" not in json.dumps(shown)
    assert MARKER not in operator.log.read_text()


def test_a_time_beyond_any_calendar_is_just_long_and_no_time_is_none(author: Attempts) -> None:
    never = {**CONFIGMAP, "metadata": {"name": "${run.name}", "namespace": "${run.namespace}"}}
    waiting = {"template": never, "readyWhen": "has(self.data)"}
    stage = {"name": "leads", "deadline": "999999999w", "approvers": {"groups": ["platform-leads"]}}
    author.offer(
        [
            author.action("long", waiting, execution={"timeout": "999999999w"}),
            author.action("short", waiting, execution={"timeout": "0s"}),
            author.action("gate", CONFIGMAP, approval={"stages": [stage]}),
        ]
    )
    author.ask({"long": {}, "short": {}, "gate": {}})
    held = phase(author.cluster, "gate", author.namespace, "WaitingForApproval")
    assert "until 9999-12-31" in held["message"]
    assert phase(author.cluster, "long", author.namespace, "Running")["startedAt"]
    assert author.settled(["short"])["short"]["message"].startswith("Not ready within 0s: Waiting for ConfigMap")
