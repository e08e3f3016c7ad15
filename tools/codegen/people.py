"""Ready-made roles for people, and for machines that ask: to bind cluster-wide, or by a RoleBinding in one namespace.

Pure data. Each role is aggregated from those with its label, so that a platform team extends it by a role of its own. The
verbs `run`, `approve` and `break-glass` are for all Actions here; for single ones, name them in a role of your own.
"""

from typing import Any

from pratique.api.v1alpha1 import GROUP, KINDS
from tools.codegen.rbac import READ, cluster_role, rule

Manifest = dict[str, Any]

_CHANGE = ["create", "update", "patch", "delete"]


def aggregation_label(role: str) -> str:
    """Return the label by which a role becomes part of `pratique-ROLE`."""
    return f"rbac.{GROUP}/aggregate-to-{role}"


def people_roles() -> list[Manifest]:
    """Return each role, followed by the part of it that is ours."""
    return [manifest for name, rules in _RULES.items() for manifest in (_aggregated(name), _part(name, rules))]


_RULES = {
    # cluster-scoped, so a RoleBinding cannot give it: bound to everybody who should see what there is to ask for
    "catalogue": [rule(GROUP, ["actions"], READ)],
    "viewer": [
        rule(GROUP, [kind.plural for kind in KINDS], READ),
        rule("", ["events"], READ),  # `kubectl describe actionrun` shows what happened
    ],
    # GitOps controllers patch, and update to take their finalizers away; what may be changed, and by whom, the policies say
    "requester": [
        rule(GROUP, ["actionruns"], ["create", "update", "patch", "delete"]),
        rule(GROUP, ["actions"], ["run"]),
        rule(GROUP, ["approvals"], ["patch"]),  # to accept what was offered instead: nothing else of it is theirs
        rule(GROUP, ["environments"], ["delete"]),  # to end one's own: the policy asks others for the verb `end`
    ],
    "approver": [
        rule(GROUP, ["approvals"], ["patch"]),
        rule(GROUP, ["actions", "approvals"], ["approve"]),  # of Approvals: those that no Action asked for
    ],
    # cluster-scoped, so a RoleBinding cannot give it: for who approves anywhere, to name who decides while they are away
    "delegator": [rule(GROUP, ["delegations"], [*READ, "create", "patch", "delete"])],
    # no part of approving: who is on call at night breaks the glass of what they need not be able to approve
    "on-call": [
        rule(GROUP, ["approvals"], ["patch"]),
        rule(GROUP, ["actions"], ["break-glass"]),
    ],
    # the ServiceAccount of a pipeline that waits for people: what it creates it may take back, and then delete
    "pipeline": [rule(GROUP, ["approvals"], [*READ, "create", "patch", "delete"])],
    "admin": [
        rule(GROUP, ["actions", "notificationchannels", "environments"], _CHANGE),
        rule(GROUP, ["actionruns"], ["create", "patch", "delete"]),
        rule(GROUP, ["actions"], ["run", "withdraw"]),
        rule(GROUP, ["environments"], ["extend", "end", "protect"]),
        rule(GROUP, ["delegations"], ["delete", "withdraw"]),  # in an incident; nobody redirects one
    ],
}
_ALSO = {"viewer": ("requester", "approver", "on-call", "admin")}
"""Whoever asks, decides or administers must see."""


def _aggregated(name: str) -> Manifest:
    # the controller manager writes its rules
    role = cluster_role(f"pratique-{name}", [])
    del role["rules"]
    selector = {"matchLabels": {aggregation_label(name): "true"}}
    return role | {"aggregationRule": {"clusterRoleSelectors": [selector]}}


def _part(name: str, rules: list[Manifest]) -> Manifest:
    role = cluster_role(f"pratique-{name}-rules", rules)
    labels = {aggregation_label(each): "true" for each in (name, *_ALSO.get(name, ()))}
    return role | {"metadata": {**role["metadata"], "labels": role["metadata"]["labels"] | labels}}
