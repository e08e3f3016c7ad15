"""The state that the attacks meet: waiting and ended runs, gates of every kind, an Action, an Environment, a channel.

Made once per API server by those who may, with fixed names and times. No operator runs: its identity opens gates and
writes status, as it would.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import yaml
from tests.attacks.model import SPACE, Json, Live, Request, path_of
from tests.builders import manifests as make
from tests.builders.manifests import changed, decision
from tests.support.cluster import Cluster, wait_for
from tests.support.http import Callers, Reply
from tools.codegen.values import Environments, Values
from tools.controlplane.identities import known

from pratique.guarding.canaries import canaries

OPERATOR = "system:serviceaccount:pratique-system:pratique"
ROBOT = "system:serviceaccount:team-a:robot"
DEVELOPER, LEAD, LEAD_2 = "developer@example.com", "lead-1@example.com", "lead-2@example.com"
GITOPS = "system:serviceaccount:argocd:argocd-application-controller"
INSTALLATION = Values(submitters=(GITOPS,), environments=Environments(roles=("view", "edit")))
LEAD_UPPER = known("lead-1-upper").username
MALLORY, SECURITY, ONCALL = "mallory@example.com", "security@example.com", "oncall@example.com"
AUTHOR = "author@example.com"
"""Who is on call as well, in the namespace of the attacks, and no approver."""
OUTSIDE, INSIDE = "quay", "env-berth"
"""A namespace of others, and one that the operator made for an Environment."""
APPROVE = {"verdict": "Approve"}
MAG = "manual-approval-gate"
_MASTERS = "system:masters"
_OPEN, _PAST = "2100-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
STEP, NEXT_STEP = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
"""The moments of steps: one that has come, one that has not."""

# mallory was given every right on objects of ours that RBAC can give by mistake, but no verb on Actions; a lead and a
# developer may replace objects, which the ready-made roles do not give.
_RIGHTS = f"""
kind: ServiceAccount
apiVersion: v1
metadata: {{name: writer, namespace: {SPACE}}}
---
kind: Secret
apiVersion: v1
metadata: {{name: flag, namespace: pratique-system}}
---
kind: Role
metadata: {{name: mallory, namespace: {SPACE}}}
rules:
- apiGroups: [pratique.dev]
  resources: [actionruns, approvals, environments, actionruns/status, approvals/status, environments/status]
  verbs: [get, list, create, update, patch]
- apiGroups: [pratique.dev]
  resources: [actionruns, approvals, environments]
  verbs: [delete, deletecollection]
---
kind: Role
metadata: {{name: robot, namespace: {SPACE}}}
rules:
- {{apiGroups: [pratique.dev], resources: [actionruns, approvals], verbs: [create, get, patch]}}
- {{apiGroups: [pratique.dev], resources: [actions], verbs: [run, approve]}}
---
kind: Role
metadata: {{name: author, namespace: {SPACE}}}
rules:
- {{apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate], resourceNames: [writer]}}
---
kind: Role
metadata: {{name: replaces, namespace: {SPACE}}}
rules:
- {{apiGroups: [pratique.dev], resources: [actionruns, approvals], verbs: [update]}}
---
kind: ClusterRole
metadata: {{name: attacks-author}}
rules:
- apiGroups: [pratique.dev]
  resources: [actions, actions/status]
  verbs: [get, create, patch, update]
---
kind: ClusterRole
metadata: {{name: attacks-delegations}}
rules:
- apiGroups: [pratique.dev]
  resources: [delegations]
  verbs: [get, create, patch, update, delete]
---
kind: ClusterRole
metadata: {{name: attacks-namespaces}}
rules:
- {{apiGroups: [""], resources: [namespaces], verbs: [get, create, patch, update]}}
"""
_AWAY = (LEAD, LEAD_2, SECURITY)
_BINDINGS = (
    ("RoleBinding", "lead-replaces", "Role", "replaces", LEAD),
    ("RoleBinding", "developer-replaces", "Role", "replaces", "developer-2@example.com"),
    ("RoleBinding", "mallory", "Role", "mallory", MALLORY),
    ("RoleBinding", "robot", "Role", "robot", ROBOT),
    ("RoleBinding", "author", "Role", "author", AUTHOR),
    ("RoleBinding", "author-on-call", "ClusterRole", "pratique-on-call", AUTHOR),
    ("RoleBinding", "namespace-admin", "ClusterRole", "admin", "namespace-admin@example.com"),
    ("ClusterRoleBinding", "attacks-author", "ClusterRole", "attacks-author", AUTHOR),
    ("ClusterRoleBinding", "mallory-delegations", "ClusterRole", "attacks-delegations", MALLORY),
    ("ClusterRoleBinding", "lead-delegations", "ClusterRole", "attacks-delegations", LEAD),
    ("ClusterRoleBinding", "robot-delegations", "ClusterRole", "attacks-delegations", ROBOT),
    *(("ClusterRoleBinding", f"{n}-away", "ClusterRole", "pratique-delegator", who) for n, who in enumerate(_AWAY)),
    ("ClusterRoleBinding", "attacks-namespaces", "ClusterRole", "attacks-namespaces", MALLORY),
)


def gate(name: str, **changes: Any) -> Json:
    """Return a gate as the operator opens it: two leads must approve what the developer asked for."""
    base = changed(make.approval(SPACE, name), {"spec.policy.deadline": _OPEN, "spec.policy.required": 2})
    return changed(base, {key.replace("__", "."): value for key, value in changes.items()})


def alone(name: str = "alone", **changes: Any) -> Json:
    """Return a gate without a run as a pipeline writes it."""
    return changed(make.standalone(SPACE, name), {key.replace("__", "."): value for key, value in changes.items()})


def berth(name: str = "berth", account: str = "writer") -> Json:
    """Return an Action that acts as a ServiceAccount of this namespace."""
    return changed(make.action(name), {"spec.execution.serviceAccountRef": {"namespace": SPACE, "name": account}})


def voyage(name: str = "fresh", **changes: Any) -> Json:
    """Return a run as a developer writes it."""
    base = make.run(name, SPACE, "berth", reason="Load test")
    return changed(base, {key.replace("__", "."): value for key, value in changes.items()})


def _climbing(to: Json, at: str = STEP) -> dict[str, Any]:
    """Return a rule that a step adds people to."""
    return {"spec__policy__approvers": {"users": [SECURITY]}, "spec__policy__escalation": [{"at": at, "to": to}]}


def review(name: str, **changes: Any) -> Json:
    """Return the review of a glass that lead-2 broke, as the operator opens it."""
    signing = {"approvers": {"groups": ["platform-leads"]}, "required": 1, "due": _OPEN}
    marks = {"metadata.labels": {"pratique.dev/review": "open"}, "spec.excluded": [LEAD_2]}
    base = changed(gate(name), {"spec.purpose": "Review", "spec.policy": signing, **marks})
    return changed(base, {key.replace("__", "."): value for key, value in changes.items()})


def _glass(requester: str = "Forbid", **changes: Any) -> dict[str, Any]:
    """Return a gate whose glass may be broken by who is on call, and by a lead who holds no verb for it."""
    return {"spec__policy__breakGlass": {"users": [LEAD], "groups": ["sre-oncall"], "requester": requester}, **changes}


_LENDS: dict[str, Any] = {
    "spec__policy__delegation": "Allow",
    "spec__policy__approvers": {"users": [LEAD], "groups": ["platform-leads"]},
}


def _lent(to: str = LEAD_2, until: str = _OPEN, **entry: Any) -> dict[str, Any]:
    """Return a rule that takes stand-ins, and whom lead-1 has named."""
    loan = {"to": to, "until": until, "at": STEP, "groups": ["platform-leads"], **entry}
    return {**_LENDS, "spec__delegations": {LEAD: loan}}


_TAKES_OFFERS: dict[str, Any] = {
    "spec__policy__counterOffer": {
        "inputs": {"ttl": {"values": ["3d", "5d"]}, "cpu": {"minimum": 1, "maximum": 4, "whole": True}}
    }
}
_CONSENTS: dict[str, Any] = {
    "spec__purpose": "CounterOffer",
    "spec__policy__consent": "Required",
    "spec__offered": {"inputs": {"ttl": "5d"}, "by": LEAD, "stage": "platform"},
}
_OFFERS: dict[str, dict[str, Any]] = {
    "offers": _TAKES_OFFERS,
    "offers-own": {**_TAKES_OFFERS, "spec__requestedBy__username": LEAD},
    "offers-late": {**_TAKES_OFFERS, "spec__policy__deadline": _PAST},
    "offers-made": _TAKES_OFFERS,
    "consents": _CONSENTS,
    "consents-late": {**_CONSENTS, "spec__policy__deadline": _PAST},
    "consents-given": _CONSENTS,
    "consents-ended": _CONSENTS,
}
"""Gates in which something else may be offered, or has been, and what follows from it."""

_TALKS: dict[str, dict[str, Any]] = {
    "talks": {"spec__excluded": [MALLORY]},
    "talked": {},
    "talked-much": {},
    "talked-by-many": {},
    "talks-out": {"spec__excluded": [LEAD]},
    "talks-sealed": {"spec__policy__required": 1},
    "talks-ended": {},
    "talks-lent": {"spec__policy__delegation": "Allow", "spec__delegations": {LEAD: {"to": SECURITY, "until": _OPEN}}},
}
"""Gates in which people may ask something, or have."""

_STAND_INS: dict[str, dict[str, Any]] = {
    "own-none": {},
    "lends": {**_LENDS, "spec__excluded": [MALLORY]},
    "lends-own": {**_LENDS, "spec__requestedBy__username": LEAD},
    "lends-out": {**_LENDS, "spec__excluded": [LEAD]},
    "lends-unverbed": {**_LENDS, "spec__policy__approvers": {"users": [MALLORY, LEAD]}},
    "lends-late": {**_LENDS, "spec__policy__deadline": _PAST},
    "lends-night": {**_LENDS, **_glass()},
    "lent-night": {**_lent(ONCALL), **_glass()},
    "lends-robot": {**_LENDS, "spec__policy__approvers": {"users": [ROBOT, LEAD]}},
    "lent": _lent(notBefore=STEP),
    "lent-copied": _lent(until=make.in_days(30), source="Delegation/holiday"),
    "lent-named": {**_lent(), "spec__policy__approvers": {"users": [LEAD]}},
    "lent-used": {**_lent(), "spec__policy__required": 3},
    "lent-looked": _lent(),
    "lent-spoken": _lent(),
    "lent-own-word": _lent(),
    "lent-ended": _lent(),
    "lent-granted": {**_lent(), "spec__policy__required": 1},
    "lent-over": _lent(until="2021-01-01T00:00:00Z"),
    "lent-later": _lent(notBefore=NEXT_STEP),
    "lent-forbidden": {**_lent(), "spec__policy__delegation": "Forbid"},
    "lent-out": {**_lent(), "spec__excluded": [LEAD.upper()]},
    "lent-own": {**_lent(), "spec__requestedBy__username": LEAD.upper()},
    "lent-unverbed": _lent(MALLORY),
}
"""Gates in which lead-1 may name a stand-in, or has."""

_GATES: dict[str, dict[str, Any]] = {
    "gate": {},
    "half": {},
    "ended": {},
    "back": {},
    "often": {},
    "granted": {"spec__policy__required": 1},
    "turned-down": {},
    "late": {"spec__policy__deadline": _PAST},
    "own": {"spec__requestedBy__username": LEAD, "spec__policy__approvers__users": [LEAD]},
    "own-upper": {"spec__requestedBy__username": "LEAD-1@Example.com"},
    "own-admin": {"spec__requestedBy__username": "admin", "spec__policy__approvers__users": ["admin"]},
    "for-lead": {"spec__onBehalfOf": {"username": LEAD}},
    "for-lead-upper": {"spec__onBehalfOf": {"username": LEAD_2.upper()}},
    "unverbed": {"spec__policy__approvers__users": [MALLORY]},
    "left-out": {"spec__excluded": [LEAD]},
    "left-out-upper": {"spec__excluded": [LEAD_2.upper()]},
    "climbs": {
        "spec__policy__approvers": {"users": [SECURITY]},
        "spec__policy__escalation": [
            {"at": STEP, "to": {"users": [LEAD_2]}},
            {"at": NEXT_STEP, "to": {"users": [LEAD]}},
        ],
    },
    "climbs-later": _climbing({"groups": ["platform-leads"]}, NEXT_STEP),
    "climbed": _climbing({"groups": ["platform-leads"]}),
    "climbed-without": {**_climbing({"groups": ["platform-leads"]}), "spec__excluded": [LEAD]},
    "own-climbs": {**_climbing({"users": [LEAD, LEAD_2]}), "spec__requestedBy__username": LEAD},
    "own-climbed": {**_climbing({"groups": ["platform-leads"]}), "spec__requestedBy__username": LEAD},
    "robots": {"spec__policy__approvers": {"users": [ROBOT]}},
    "glass": _glass(),
    "glass-own": _glass(spec__requestedBy__username=ONCALL),
    "glass-own-upper": _glass(spec__requestedBy__username=ONCALL.upper()),
    "glass-own-allowed": _glass("Allow", spec__requestedBy__username=ONCALL),
    "glass-for": _glass(spec__onBehalfOf={"username": ONCALL}),
    "glass-declined": _glass(spec__policy__declineThreshold=2),
    "glass-late": _glass(spec__policy__deadline=_PAST),
    "glass-without": _glass(spec__excluded=[ONCALL]),
    "glass-silent": _glass(spec__policy__comment="Never"),
    "glass-broken": _glass(),
    "glass-last": {
        **_glass(),
        "spec__policy__required": 1,
        "spec__policy__approvers": {"users": [ONCALL, DEVELOPER]},
        "spec__policy__breakGlass": {"users": [ONCALL], "requester": "Forbid"},
    },
}


_ALONE: dict[str, dict[str, Any]] = {
    "alone": {},
    "alone-both": {"spec__policy__approvers": {"users": [LEAD, ROBOT]}},
    "alone-unverbed": {"spec__policy__approvers": {"users": [MALLORY]}},
    "alone-lends": {
        "spec__policy__approvers": {"users": [MALLORY, LEAD]},
        "spec__policy__delegation": "Allow",
    },
    "alone-withdrawn": {},
    "alone-ended": {},
}
"""Gates without a run, as `robot` opens them."""


class World:
    """The state, and those who act in it."""

    def __init__(self, cluster: Cluster, callers: Callers) -> None:
        self.cluster, self.callers = cluster, callers

    def live(self, target: str) -> Json:
        """Return an object as it is now."""
        reply = self.callers["admin"].send("GET", path_of(target))
        assert reply.ok, reply.message
        return dict(reply.body)

    def send(self, who: str, request: Request) -> Reply:
        """Send a request as somebody; `who` may say more in parentheses, for readers."""
        body = request.body
        filled = body(self.live) if callable(body) else body
        return self.callers[who.split(" ", maxsplit=1)[0]].send(
            request.method,
            request.path,
            filled,
            content_type=request.content_type,
            params=request.query,
            headers=request.headers,
        )

    def must(self, who: str, method: str, path: str, body: Any, content_type: str = "application/json") -> None:
        """Send what has to be accepted."""
        reply = self.callers[who].send(method, path, body, content_type=content_type)
        assert reply.ok, f"{who} {method} {path}: {reply.message}"


def build(cluster: Cluster, callers: Callers) -> World:
    """Make everything, and wait until the policies guard and the rights are known."""
    world = World(cluster, callers)
    _guarded(callers)
    for name in (SPACE, OUTSIDE):
        cluster.apply("admin", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    cluster.apply("admin", _rights())
    _objects(world)
    _statuses(world)
    return world


def _guarded(callers: Callers) -> None:
    """A policy is not in force right after its installation: wait until every canary is refused."""
    plurals = {"ActionRun": "actionruns", "Approval": "approvals", "Action": "actions", "Environment": "environments"}
    for canary in canaries(OPERATOR):
        kind, space = canary.manifest["kind"], canary.manifest["metadata"].get("namespace")
        scope = f"/namespaces/{space}" if space else ""
        plural = plurals.get(kind, f"{kind.lower()}s")
        root = "/api/v1" if kind == "Namespace" else f"/apis/{make.API_VERSION}"

        def refused(path: str = f"{root}{scope}/{plural}", canary: Any = canary) -> bool:
            reply = callers["operator"].send("POST", path, canary.manifest, params={"dryRun": "All"})
            return canary.expected in reply.message

        wait_for(f"{canary.policy} to guard", refused)


def _rights() -> str:
    documents = [json.loads(json.dumps(each)) for each in yaml.safe_load_all(_RIGHTS)]
    rbac = "rbac.authorization.k8s.io"
    for each in documents:
        each.setdefault("apiVersion", f"{rbac}/v1")
    for kind, name, role_kind, role, user in _BINDINGS:
        metadata = {"name": name} | ({"namespace": SPACE} if kind == "RoleBinding" else {})
        documents.append(
            {
                "apiVersion": f"{rbac}/v1",
                "kind": kind,
                "metadata": metadata,
                "roleRef": {"apiGroup": rbac, "kind": role_kind, "name": role},
                "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
            }
        )
    return yaml.safe_dump_all(documents)


def _objects(world: World) -> None:
    def post(who: str, plural: str, body: dict[str, Any]) -> None:
        world.must(who, "POST", path_of(plural), body)

    post("admin", "actions", berth())
    post("admin", "actions", berth("foreign", "other"))
    for name in ("waiting", "running", "done", "withdrawn", "lasting"):
        post("developer", "actionruns", voyage(name))
    for name in ("dry", "answered"):
        post("developer", "actionruns", voyage(name, spec__dryRun=True))
    for name, changes in (_GATES | _OFFERS | _STAND_INS | _TALKS).items():
        post("operator", "approvals", gate(name, **changes))
    post("operator", "approvals", review("review"))
    post("operator", "approvals", review("review-own", spec__requestedBy__username=LEAD, spec__excluded=[ONCALL]))
    by_name = {"spec__policy__approvers": {"users": [MALLORY, AUTHOR]}}
    post("operator", "approvals", review("review-by-name", **by_name))
    for name, changes in _ALONE.items():
        post("robot", "approvals", alone(name, **changes))
    post("admin", "environments", changed(make.environment(SPACE, "env"), {"metadata.labels": {"team": "a"}}))
    post("admin", "environments", changed(make.environment(SPACE, "past"), {"spec.ttl": "1s"}))
    held = {"metadata/annotations": {"argocd.argoproj.io/tracking-id": "apps:pratique.dev/Environment:harbour/applied"}}
    post("admin", "environments", changed(make.environment(SPACE, "applied"), held))
    post("admin", "environments", changed(make.environment(SPACE, "kept"), {"spec.protected": True}))
    post("admin", "environments", make.environment(SPACE, "ending"))
    post("admin", "notificationchannels", make.channel("signal"))
    post("lead-1", "delegations", make.delegation("holiday", LEAD_2))
    time.sleep(1)  # the time of one of them is up
    ours = {"name": INSIDE, "labels": {"pratique.dev/environment-uid": make.RUN_UID}}
    world.must("operator", "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": ours})


def _statuses(world: World) -> None:
    def merge(who: str, target: str, body: Any) -> None:
        world.must(who, "PATCH", path_of(target), body, "application/merge-patch+json")

    phases = {"waiting": "WaitingForApproval", "running": "Running", "done": "Succeeded", "answered": "Succeeded"}
    merge("operator", "actionruns/lasting", {"metadata": {"finalizers": ["pratique.dev/ends-objects"]}})
    phases["lasting"] = "Succeeded"
    for name, phase in (phases | {"withdrawn": "WaitingForApproval"}).items():
        merge("operator", f"actionruns/{name}/status", {"status": {"phase": phase}})
    merge("operator", "environments/ending/status", {"status": {"phase": "Deleting"}})
    merge("developer", "actionruns/withdrawn", {"spec": {"withdrawn": True}})
    for name in ("ended", "lent-ended", "alone-ended", "consents-ended", "talks-ended"):
        merge("operator", f"approvals/{name}/status", {"status": {"state": "Approved"}})
    merge("robot", "approvals/alone-withdrawn", {"spec": {"withdrawn": True}})
    merge("operator", "approvals/alone-withdrawn/status", {"status": {"state": "Withdrawn"}})
    for name in ("half", "granted"):
        merge("lead-1", f"approvals/{name}", json.loads(decision(LEAD, "Approve", "fine by me")))
    for name, verdicts in (("back", ("Approve", "Undecided")), ("often", ("Approve", "Undecided") * 2)):
        for verdict in verdicts:
            merge("lead-1", f"approvals/{name}", json.loads(decision(LEAD, verdict, "fine by me")))
    for name in ("turned-down", "glass-declined"):
        merge("lead-1", f"approvals/{name}", json.loads(decision(LEAD, "Decline", "no")))
    offered = {"verdict": "Offer", "comment": "too long", "proposal": {"ttl": "5d"}}
    merge("lead-1", "approvals/offers-made", {"spec": {"decisions": {LEAD: offered}}})
    merge("developer", "approvals/consents-given", {"spec": {"consent": {"answer": "Accept", "by": DEVELOPER}}})
    merge("oncall", "approvals/glass-broken", json.loads(decision(ONCALL, "BreakGlass", "it is down")))
    merge("oncall", "approvals/lent-night", {"spec": {"decisions": {ONCALL: {"verdict": "Undecided", "for": LEAD}}}})
    said = {"lent-used": "Approve", "lent-granted": "Approve", "lent-looked": "Undecided"}
    for name, verdict in said.items():
        entry = {"verdict": verdict, "comment": "fine by me", "for": LEAD}
        merge("lead-2", f"approvals/{name}", {"spec": {"decisions": {LEAD_2: entry}}})
    merge("lead-1", "approvals/talks-sealed", json.loads(decision(LEAD, "Approve", "fine by me")))
    merge("lead-1", "approvals/talked", {"spec": {"messages": {LEAD: {"text": "why ten days?"}}}})
    for number in range(8):
        merge("lead-1", "approvals/talked-much", {"spec": {"messages": {LEAD: {"text": f"and {number}?"}}}})
    for number in range(14):
        name = f"lead-{number}@harbour.example.com"
        as_them = [("Impersonate-User", name), ("Impersonate-Group", "platform-leads"), ("Impersonate-Group", _MASTERS)]
        word = {"spec": {"messages": {name: {"text": "well?"}}}}
        path, kind = path_of("approvals/talked-by-many"), "application/merge-patch+json"
        reply = world.callers["admin"].send("PATCH", path, word, content_type=kind, headers=as_them)
        assert reply.ok, reply.message
    merge("lead-1", "approvals/lent-spoken", json.loads(decision(LEAD, "Approve", "fine by me")))
    merge("lead-2", "approvals/lent-own-word", json.loads(decision(LEAD_2, "Approve", "fine by me")))


def until(seconds: float, probe: Callable[[], bool]) -> bool:
    """Ask until it is true; return whether it became so in time."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


__all__ = ["Live"]
