"""A run acts on an object that exists, or chose one: for who may read it, in the state that was approved, and no other."""

import json
from functools import partial
from typing import Any

import pytest
from tests.builders.manifests import Manifest, run
from tests.support.cluster import wait_for
from tests.support.desk import Desk
from tests.support.runs import document_of

pytestmark = pytest.mark.cluster

DEVELOPER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "developer@example.com"}
PLANTED = "cGxhbnRlZC12YWx1ZS0xMjM0"
CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "${run.name}-made", "namespace": "${run.namespace}"},
}
OPEN = "target.data.state == 'open' && target.metadata.namespace == run.namespace"


def subject(desk: Desk, name: str = "it", **data: str) -> Manifest:
    """Return the object that is acted on."""
    data = {"state": "open", "size": "3", **data}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": desk.namespace},
        "data": data,
    }


def let_read(desk: Desk, *names: str) -> None:
    """Let the developer and the account get these ConfigMaps and Secrets, and nobody else."""
    rule = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get"], "resourceNames": list(names)}
    role: Manifest = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "reads", "namespace": desk.namespace},
    }
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"}
    account = {"kind": "ServiceAccount", "name": "maker", "namespace": desk.namespace}
    bound = {**role, "kind": "RoleBinding", "roleRef": ref, "subjects": [DEVELOPER, account]}
    desk.cluster.apply("admin", [{**role, "kind": "Role", "rules": [rule]}, bound])


def offer(desk: Desk, name: str, template: Manifest, acts_on: Manifest, *, free: bool = True, **spec: Any) -> str:
    """Apply an Action that acts on an object; return its name."""
    patch = not template["metadata"]["name"].startswith("${run.name}")
    made = desk.action(name, {"id": "it", "patch": patch, "template": template}, free=free)
    made["spec"] |= {"actsOn": {"apiVersion": "v1", "kind": "ConfigMap", **acts_on}, **spec}
    desk.cluster.apply("admin", made)
    return str(made["metadata"]["name"])


def ask(desk: Desk, name: str, action: str, target: Manifest | None, who: str = "developer", **spec: Any) -> None:
    made = run(name, desk.namespace, action, inputs={})
    made["spec"] |= spec | ({"targetRef": target} if target is not None else {})
    desk.cluster.apply(who, made)


def same(desk: Desk, **data: str) -> Manifest:
    named = {"name": "${target.metadata.name}", "namespace": "${target.metadata.namespace}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": data}


def test_who_may_get_it_may_have_it_changed_and_nobody_else(desk: Desk) -> None:
    """One sentence for what is not there and for what is not theirs, and one for each mistake."""
    desk.cluster.apply("admin", subject(desk))
    desk.cluster.apply("admin", subject(desk, "closed", state="closed"))
    desk.cluster.apply("admin", subject(desk, "theirs"))
    let_read(desk, "it", "closed", "gone")
    grow = offer(desk, "grow", same(desk, size="${string(int(target.data.size) + 1)}"), {"filter": OPEN})
    named = offer(desk, "named", same(desk, size="9"), {"filter": "target.metadata.name == 'x'", "message": "Only x"})
    none = desk.offer({"id": "it", "template": CONFIG}, name="none", free=True)
    absent = offer(desk, "absent", same(desk), {"apiVersion": "example.com/v1", "kind": "Gadget"})
    where = f"ConfigMap {desk.namespace}"
    hidden = f"spec.targetRef: there is no {where}/{{}}, or you may not read it: it takes the RBAC verb get"
    refused = {
        "gone": (grow, {"name": "gone"}, "developer", hidden.format("gone")),
        "theirs": (grow, {"name": "theirs"}, "developer", hidden.format("theirs")),
        "not-mine": (grow, {"name": "it"}, "developer-2", hidden.format("it")),
        "elsewhere": (
            grow,
            {"name": "it", "namespace": "default"},
            "developer",
            "there is no ConfigMap default/it, or you",
        ),
        "odd": (grow, {"name": "../../secrets/it"}, "developer", "cannot be part of the name of an object"),
        "closed": (
            grow,
            {"name": "closed"},
            "developer",
            f"closed is not what this Action is for, as it is now: its filter is false: {OPEN}",
        ),
        "said": (named, {"name": "it"}, "developer", "spec.targetRef: Only x"),
        "missing": (grow, None, "developer", f"spec.targetRef: is required: the Action {grow} acts on a ConfigMap"),
        "too-much": (
            none,
            {"name": "it"},
            "developer",
            f"spec.targetRef: the Action {none} acts on no object: leave it out",
        ),
        "unknown": (
            absent,
            {"name": "it"},
            "developer",
            "spec.targetRef: the cluster has no kind Gadget in example.com/v1",
        ),
    }
    for name, (action, target, who, _) in refused.items():
        ask(desk, name, action, target, who)
    for name, (*_, why) in refused.items():
        assert why in desk.ends(name, "Refused")["message"], name
    ask(desk, "tried", grow, {"name": "it"}, dryRun=True)
    answer = desk.ends("tried", "Succeeded")
    assert 'data.size "3" → "4"' in answer["message"]
    ask(desk, "grown", grow, {"name": "it"})
    uid = (desk.get("configmap", "it") or {})["metadata"]["uid"]
    status = desk.ends("grown", "Succeeded")
    frozen = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": desk.namespace, "name": "it", "uid": uid}
    planned = document_of(desk.cluster, status, desk.namespace)["target"]
    assert planned.items() >= frozen.items() and [each["rule"] for each in planned["rechecks"]] == [OPEN]
    assert (desk.get("configmap", "it") or {})["data"]["size"] == "4"
    ready = wait_for("the Action is looked at", partial(said, desk, absent))
    assert "spec.actsOn.apiVersion: the cluster has no example.com/v1" in ready


def said(desk: Desk, action: str) -> str | None:
    found = (desk.cluster.get("action", action) or {}).get("status", {}).get("conditions", [])
    return next((each["message"] for each in found if each["type"] == "Ready" and each["status"] == "False"), None)


def test_what_was_approved_for_one_state_of_one_object_starts_on_no_other(desk: Desk) -> None:
    """Swapped, changed so that a rule says something else, or out of sight of who asked: each ends as Superseded."""
    names = ("swapped", "closed", "grown", "unseen", "same")
    for name in names:
        desk.cluster.apply("admin", subject(desk, name))
    let_read(desk, *names)
    rules = {"inputs": {"rules": [{"rule": "int(target.data.size) < 5", "message": "Five are enough"}]}}
    mark = offer(desk, "mark", CONFIG, {"filter": OPEN}, free=False, **rules)
    gates = {}
    for name in names:
        ask(desk, name, mark, {"name": name})
        gates[name] = desk.ends(name, "WaitingForApproval")["approvals"][0]["name"]
        assert desk.get("configmap", f"{name}-made") is None
    desk.admin("delete", "configmap", "swapped")
    desk.cluster.apply("admin", subject(desk, "swapped"))
    for name, data in (("closed", {"state": "closed"}), ("grown", {"size": "7"}), ("same", {"size": "4"})):
        desk.admin("patch", "configmap", name, "--type=merge", "-p", json.dumps({"data": data}))
    let_read(desk, *(name for name in names if name != "unseen"))
    for gate in gates.values():
        desk.approve(gate)
    where, ended = f"ConfigMap {desk.namespace}", "It was approved for something else: "
    assert desk.superseded("swapped") == f"{ended}{where}/swapped was deleted and made again"
    assert desk.superseded("grown") == f"{ended}{where}/grown has changed: Five are enough"
    assert desk.superseded("closed").startswith(
        f"{ended}{where}/closed has changed: {where}/closed is not what this Action"
    )
    assert desk.superseded("unseen").startswith(
        f"{ended}spec.targetRef: there is no {where}/unseen, or you may not read it"
    )
    desk.ends("same", "Succeeded")
    assert desk.get("configmap", "same-made") is not None


def held_by(desk: Desk, run_name: str) -> str | None:
    """Return why a run cannot be judged, once that is said."""
    status = (desk.get("actionrun", run_name) or {}).get("status", {})
    is_held = any(each["reason"] == "EvaluationFailed" for each in status.get("conditions", []))
    return status.get("message") if is_held else None


def test_no_value_of_a_secret_comes_out_of_it(desk: Desk) -> None:
    """Expressions see its keys, and a word for each value; a template that would hold that word is refused by its field."""
    meta = {"name": "it", "namespace": desk.namespace}
    desk.cluster.apply("admin", {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"password": PLANTED}})
    let_read(desk, "it")
    leaks = {
        "whole": "${json.encode(target)}",
        "value": "${target.data.password}",
        "error": "${string(int(target.data.password))}",
    }
    for name, text in leaks.items():
        action = offer(desk, name, {**CONFIG, "data": {"all": text}}, {"kind": "Secret"})
        ask(desk, name, action, {"name": "it"})
    held = {name: str(wait_for("it is held", partial(held_by, desk, name))) for name in leaks}
    for name in ("whole", "value"):
        assert "template.data.all: reads a value of a Secret, which is hidden" in held[name]
        assert "a template must not hold values of a Secret" in held[name]
    assert not any(desk.get("configmap", f"{name}-made") for name in leaks)
    keys = offer(
        desk, "keys", {**CONFIG, "data": {"all": "${target.data.map(key, key).join(' ')}"}}, {"kind": "Secret"}
    )
    ask(desk, "keys", keys, {"name": "it"})
    desk.ends("keys", "Succeeded")
    assert (desk.get("configmap", "keys-made") or {})["data"] == {"all": "password"}
    shown = [desk.get("actionrun", name) for name in leaks] + [desk.get("configmap", f"{name}-made") for name in leaks]
    events = desk.cluster.kubectl("admin", "get", "events", "-n", desk.namespace, "-o", "json").out
    assert not any(each in json.dumps(shown) + events for each in (PLANTED, "planted-value"))


def entries(desk: Desk, *names: str, **data: str) -> None:
    """Put entries into the catalogue: ConfigMaps of this namespace."""
    for name in names:
        made = subject(desk, name, cpu="2", **data)
        made["metadata"]["labels"] = {"catalogue": "sizes"}
        desk.cluster.apply("admin", made)


def let_list(desk: Desk, *verbs: str) -> None:
    """Let the account list what there is to choose from, and the developer do this with it."""
    subjects = {
        "maker": [{"kind": "ServiceAccount", "name": "maker", "namespace": desk.namespace}],
        "asks": [DEVELOPER],
    }
    for name, who in subjects.items():
        role: Manifest = {"apiVersion": RBAC, "metadata": {"name": f"{name}-lists", "namespace": desk.namespace}}
        held = ["list"] if name == "maker" else list(verbs)
        rule = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": held}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"{name}-lists"}
        bound = {**role, "kind": "RoleBinding", "roleRef": ref, "subjects": who}
        desk.cluster.apply("admin", [{**role, "kind": "Role", "rules": [rule]}, bound])


RBAC = "rbac.authorization.k8s.io/v1"
SIZE = {"type": "object", "properties": {"size": {"type": "string"}}}


CPU = "${chosen.size.data.cpu}"


def choose(desk: Desk, name: str, *, free: bool = True, kind: str = "ConfigMap", data: str = CPU) -> str:
    """Apply an Action with a field that offers objects of this namespace; return its name."""
    source = {"apiVersion": "v1", "kind": kind, **({"selector": {"catalogue": "sizes"}} if kind == "ConfigMap" else {})}
    options = {"from": source, "filter": "object.data.state == 'open'", "label": "object.data.cpu + ' CPU'"}
    if kind != "ConfigMap":
        options = {"from": source}
    made = desk.action(name, {"id": "it", "template": {**CONFIG, "data": {"cpu": data}}}, free=free)
    rules = [{"rule": "!has(chosen.size) || chosen.size.data.?cpu.orValue('2') != '64'", "message": "64 are too many"}]
    made["spec"]["inputs"] = {"schema": SIZE, "fields": {"size": {"options": options}}, "rules": rules}
    desk.cluster.apply("admin", made)
    return str(made["metadata"]["name"])


def test_a_form_offers_objects_to_who_may_list_them_and_holds_what_was_chosen(desk: Desk) -> None:
    """By who asks, and at the start again: withdrawn, replaced, changed or out of sight ends as Superseded."""
    entries(desk, "gone", "swapped", "closed", "dear", "same")
    entries(desk, "late", state="closed")
    cluster, where = desk.cluster, desk.namespace
    let_list(desk, "list")
    offer_free, offer_held = choose(desk, "free"), choose(desk, "held", free=False)
    ask(desk, "mine", offer_free, None, inputs={"size": "same"})
    ask(desk, "theirs", offer_free, None, "developer-2", inputs={"size": "same"})
    ask(desk, "late-one", offer_free, None, inputs={"size": "late"})
    ask(desk, "asked", offer_held, None, dryRun=True, inputs={"size": "dear"})
    hidden = f"spec.inputs.size: it offers objects of kind ConfigMap in namespace {where}, which you may not list: it"
    assert hidden in desk.ends("theirs", "Refused")["message"]
    there = "closed (2 CPU), dear (2 CPU), gone (2 CPU), same (2 CPU), swapped (2 CPU)"
    assert f'"late" is not offered to you; there is: {there}' in desk.ends("late-one", "Refused")["message"]
    desk.ends("mine", "Succeeded")
    assert (desk.get("configmap", "mine-made") or {})["data"] == {"cpu": "2"}
    assert desk.ends("asked", "Succeeded")["message"].startswith("Dry run: nobody is asked")
    names, gates = ("gone", "swapped", "closed", "dear", "same"), {}
    for name in names:
        ask(desk, name, offer_held, None, inputs={"size": name})
        gates[name] = desk.ends(name, "WaitingForApproval")["approvals"][0]["name"]
    shown = (cluster.get("approval", gates["same"], where) or {})["spec"]["inputs"]
    assert shown == [{"name": "size", "title": "size", "value": "2 CPU (same)"}]
    desk.admin("delete", "configmap", "gone", "swapped")
    entries(desk, "swapped")
    for name, data in (("closed", {"state": "x"}), ("dear", {"cpu": "64"}), ("same", {"other": "1"})):
        desk.admin("patch", "configmap", name, "--type=merge", "-p", json.dumps({"data": data}))
    for gate in gates.values():
        desk.approve(gate)
    for name in ("gone", "swapped", "closed"):
        ended = (
            f'It was approved for something else: spec.inputs.size: "{name}" is not offered any more, as {where}/{name}'
        )
        assert desk.superseded(name).startswith(ended)
    assert desk.superseded("dear") == "It was approved for something else: 64 are too many"
    desk.ends("same", "Succeeded")
    ask(desk, "unseen", offer_held, None, inputs={"size": "same"})
    gate = desk.ends("unseen", "WaitingForApproval")["approvals"][0]["name"]
    let_list(desk, "get")
    desk.approve(gate)
    assert hidden in desk.superseded("unseen")


def test_who_may_list_one_object_is_offered_what_it_holds_and_no_other(desk: Desk) -> None:
    """A right on a name is enough, for who asks and for the account; of a name without one nothing is said."""
    text = "- {name: small, cpu: 2}"
    for name in ("mine", "theirs"):
        desk.cluster.apply("admin", {**subject(desk, name), "data": {"sizes": text}})
    account = {"kind": "ServiceAccount", "name": "maker", "namespace": desk.namespace}
    for name, subjects in (("mine", [account, DEVELOPER]), ("theirs", [account])):
        role: Manifest = {"apiVersion": RBAC, "metadata": {"name": f"lists-{name}", "namespace": desk.namespace}}
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"], "resourceNames": [name]}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"lists-{name}"}
        bound = {**role, "kind": "RoleBinding", "roleRef": ref, "subjects": subjects}
        desk.cluster.apply("admin", [{**role, "kind": "Role", "rules": [rule]}, bound])
        made = desk.action(
            name, {"id": "it", "template": {**CONFIG, "data": {"cpu": "${string(chosen.size.cpu)}"}}}, free=True
        )
        source = {"apiVersion": "v1", "kind": "ConfigMap", "name": name}
        options = {"from": source, "entries": "yaml.decode(object.data.sizes)", "value": "each.name"}
        made["spec"]["inputs"] = {"schema": SIZE, "fields": {"size": {"options": options}}}
        desk.cluster.apply("admin", made)
        ask(desk, name, made["metadata"]["name"], None, inputs={"size": "small"})
    desk.ends("mine", "Succeeded")
    assert (desk.get("configmap", "mine-made") or {})["data"] == {"cpu": "2"}
    hidden = f"spec.inputs.size: it offers ConfigMap theirs in namespace {desk.namespace}, which you may not list: it"
    assert hidden in desk.ends("theirs", "Refused")["message"]


def test_a_secret_is_chosen_by_its_name_and_never_by_what_is_in_it(desk: Desk) -> None:
    let_list(desk, "list")
    meta = {"name": "it", "namespace": desk.namespace}
    desk.cluster.apply("admin", {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"cpu": PLANTED}})
    leaks = choose(desk, "leaks", kind="Secret")
    named = choose(desk, "named", kind="Secret", data="${chosen.size.metadata.name}")
    ask(desk, "leaks", leaks, None, inputs={"size": "it"})
    ask(desk, "named", named, None, inputs={"size": "it"})
    assert "template.data.cpu: reads a value of a Secret" in str(
        wait_for("it is held", partial(held_by, desk, "leaks"))
    )
    desk.ends("named", "Succeeded")
    assert (desk.get("configmap", "named-made") or {})["data"] == {"cpu": "it"}
    events = desk.cluster.kubectl("admin", "get", "events", "-n", desk.namespace, "-o", "json").out
    assert PLANTED not in json.dumps([desk.get("actionrun", "leaks"), desk.get("actionrun", "named")]) + events
