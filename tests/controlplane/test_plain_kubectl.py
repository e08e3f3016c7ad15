"""What tests do in kubectl's stead is what the program does: the same answer in the same words, and the same object."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import changed
from tests.support import plain_kubectl
from tests.support.cluster import Answer, Cluster

pytestmark = pytest.mark.cluster

Do = Callable[..., Answer]
Step = tuple[str, tuple[str, ...], Any]
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "é"}}
LIST = {"apiVersion": "v1", "kind": "List"}
WRONG = {**MAP, "metadata": {"name": "A_B", "labels": {"x": "é é"}}}


def patch(*args: str) -> tuple[str, ...]:
    return ("patch", "configmap", "a", "-n", args[0], "--type=merge", "-p", '{"data": {"k": "2"}}', *args[1:])


def steps(space: str) -> list[Step]:
    """Return commands, as whom, and what they are given; each of them meets what those before it left."""
    run, gate = make.run("held", space, reason="Load test"), make.approval(space)
    where, on, f = ("-n", space), "approval", ("-f", "-")
    name = gate["metadata"]["name"]
    merge = ("patch", on, name, *where, "--type=merge", "-p")
    yes = json.dumps({"spec": {"decisions": {"mallory@example.com": {"verdict": "Approve"}}}})
    return [
        ("admin", ("create", *f, "--dry-run=server"), {**MAP, "metadata": {"name": "dry", "namespace": space}}),
        ("admin", ("create", *where, *f, "-o", "json"), MAP),
        ("admin", ("create", *where, *f), MAP),
        ("admin", ("create", *where, *f), WRONG),
        ("admin", ("create", *where, *f), {**MAP, "metadata": {"name": "b", "generateName": "b-"}, "dat": {}}),
        ("mallory", ("create", *where, *f), MAP),
        ("admin", ("apply", *where, *f), {**LIST, "items": [{**MAP, "metadata": {"name": "c"}}]}),
        ("admin", ("apply", *where, *f), WRONG),
        ("developer", ("apply", *f), run),
        ("developer", ("apply", *f, "--dry-run=server"), {**run, "metadata": {**run["metadata"], "name": "dry"}}),
        ("developer", ("apply", *f), changed(make.run("forged", space), {"spec.requestedBy": "lead-1@example.com"})),
        ("developer", ("create", *f), changed(make.run("none", space), {"spec": None})),
        ("admin", ("apply", *f), changed(make.run("none", space), {"spec.reason": "x" * 2000, "spec.input": {}})),
        ("admin", ("create", *f), gate),
        ("operator", ("create", *f), gate),
        ("lead-1", (*merge, yes), None),
        ("lead-1", (*merge, yes.replace("mallory", "lead-1")), None),
        ("lead-1", (*merge, "{}"), None),
        ("lead-1", (*merge, "{}", "--dry-run=server"), None),
        ("admin", patch(space, "--dry-run=server"), None),
        ("admin", patch(space, "-o", "json"), None),
        ("lead-1", ("patch", on, "gone", *where, "--type", "merge", "-p", "{}"), None),
        ("nobody", (*merge, "{}"), None),
        ("lead-1", ("patch", on, name, *where, "--type=json", "-p", '[{"op": "test", "path": "/spec", "value": 1}]'), None),
        ("operator", ("patch", "actionrun", "held", *where, "--subresource=status", "--type=merge", "-p",
                      '{"status": {"phase": "WaitingForApproval"}}'), None),
        ("admin", ("get", "approvals", *where, "-o", "name"), None),
        ("admin", ("get", "configmaps", *where, "-o", "json"), None),
        ("admin", ("get", "actionrun", "held", *where, "-o", "json"), None),
        ("admin", ("get", "actionrun", "gone", *where, "-o", "json"), None),
        ("nobody", ("get", "actionruns", *where, "-o", "json"), None),
        ("developer-2", ("delete", "actionrun", "held", *where), None),
        ("developer", ("delete", "actionrun", "held", *where, "--wait=false"), None),
        ("admin", ("delete", "configmap", "a", "c", *where), None),
        ("admin", ("delete", "configmap/a", *where, "--ignore-not-found"), None),
        ("admin", ("delete", "configmap", "a", *where), None),
        ("admin", ("create", "namespace", f"{space}-more"), None),
        ("admin", ("create", "namespace", f"{space}-more"), None),
        ("admin", ("delete", "namespace", f"{space}-more", "--wait=false"), None),
    ]  # fmt: skip


def told(answer: Answer) -> tuple[int, Any, str]:
    """Return an answer without what differs from one object to the next, and from one kubectl to the next."""
    text, wrong = (re.sub(r"\bt-[0-9a-f]{8}(-other)?\b", "SPACE", each) for each in (answer.out, answer.err))
    text = text.replace(" from SPACE namespace", "")
    return answer.code, _settled(json.loads(text)) if text.startswith("{") else text, wrong


def _settled(body: Any) -> Any:
    """Return a body without uid, versions and times."""
    if isinstance(body, list):
        return [_settled(each) for each in body]
    if not isinstance(body, dict):
        return body
    unlike = ("uid", "resourceVersion", "creationTimestamp", "time", "lastTransitionTime", "requestUID", "ca.crt")
    return {key: _settled(value) for key, value in body.items() if key not in unlike}


def test_it_says_and_does_what_the_program_does(cluster: Cluster, namespace: str) -> None:
    other = f"{namespace}-other"
    cluster.program("admin", "create", "namespace", other)
    for (who, args, given), (_, same, also) in zip(steps(namespace), steps(other), strict=True):
        plain = plain_kubectl.done(cluster.callers[who], args, given and json.dumps(given))
        assert plain is not None, f"{args} is a plain command"
        answer = Answer(plain.code, *plain.texts)
        expected = cluster.program(who, *same, input=also and json.dumps(also), check=False)
        assert told(answer) == told(expected), args
    cluster.program("admin", "delete", "namespace", other, "--wait=false")


def test_what_is_not_plain_is_the_programs(cluster: Cluster, namespace: str) -> None:
    cluster.apply("admin", {**MAP, "metadata": {"name": "a", "namespace": namespace}})
    args = ("-n", namespace, "-f", "-")
    for other in (
        ("apply", *args),  # exists: a three-way merge
        ("apply", "--server-side", *args),
        ("create", *args, "--validate=false"),
        ("replace", *args),
        ("patch", "configmap", "a", "-n", namespace, "-p", "{}"),
        ("get", "configmap", "a", "-n", namespace),
        ("auth", "can-i", "create", "pods"),
    ):
        assert plain_kubectl.done(cluster.callers["admin"], other, json.dumps(MAP)) is None, other
    null = json.dumps(changed(make.run("none", namespace), {"spec.inputs": {"name": None}}))
    assert plain_kubectl.done(cluster.callers["admin"], ("apply", "-f", "-"), null) is None, "it leaves some nulls out"
    assert "unchanged" in cluster.apply("admin", {**MAP, "metadata": {"name": "a", "namespace": namespace}}).out
