"""Attacks that a rule beside a field stops: gates that could never hold or never open, Environments of others."""

from typing import Any

from tests.attacks.deciding import DECIDE
from tests.attacks.denials import OWN_NAMESPACE, crd, not_allowed, own_name, schema
from tests.attacks.gate_removed import OPEN
from tests.attacks.model import SPACE, Attack, Denial, Twin, create, patch
from tests.attacks.power import EXTEND, LEND, MAKE
from tests.attacks.world import APPROVE, MALLORY, berth, gate
from tests.support import manifests as make
from tests.support.manifests import changed

_STAGE = "spec.approval.stages.0"
_PEOPLE = (
    "approvers.groups must name people: system:authenticated, system:unauthenticated and"
    " system:serviceaccounts… are not allowed"
)
_QUORUM = "required is larger than the number of users in approvers.users: this could never be approved"
_SOMEBODY = "approvers needs at least one user or group"


def prefix(name: str) -> Denial:
    """Return the answer to a namespace of another name."""
    return not_allowed(
        "spec.target.namespace.name does not begin as the namespaces of Environments do here",
        f"spec.target.namespace.name is {name}: it must begin with env-",
        "namespacePrefix",
    )


def label(key: str) -> Denial:
    """Return the answer to a label that is not on the list."""
    return not_allowed(
        "spec.target.namespace.labels has a label that is not allowed here",
        f"spec.target.namespace.labels has {key}: none is allowed",
        "labels",
    )


def offer(slug: str, point: int, what: str, changes: dict[str, Any], rule: str, **more: Any) -> Attack:
    """Return an Action that is refused."""
    return Attack(
        slug, point, "author", what, create(changed(berth("fresh"), changes)), crd("actions", rule), LEND, **more
    )


def want(slug: str, what: str, changes: dict[str, Any], rule: str, **more: Any) -> Attack:
    """Return an Environment that is refused."""
    manifest = changed(make.environment(SPACE, "fresh"), changes)
    return Attack(slug, 7, "admin", what, create(manifest), crd("environments", rule), MAKE, **more)


def bend(slug: str, what: str, spec: dict[str, Any], rule: str, **more: Any) -> Attack:
    """Return a change of an Environment that even who may extend it is refused."""
    return Attack(
        slug, 7, "admin", what, patch("environments/env", {"spec": spec}), crd("environments", rule), EXTEND, **more
    )


ACTIONS = [
    offer(
        "approver-everybody",
        14,
        "an author lets everybody who is authenticated approve",
        {f"{_STAGE}.approvers": {"groups": ["system:authenticated"]}},
        _PEOPLE,
    ),
    offer(
        "approver-machines",
        14,
        "an author lets all machines of a namespace approve",
        {f"{_STAGE}.approvers": {"groups": ["system:serviceaccounts:team-a"]}},
        _PEOPLE,
    ),
    offer(
        "approver-nobody",
        4,
        "an author names no approver",
        {f"{_STAGE}.approvers": {"users": []}},
        _SOMEBODY,
        behind=(crd("actions", _QUORUM),),
    ),
    offer(
        "impossible-quorum",
        4,
        "an author asks for more approvals than there are approvers",
        {f"{_STAGE}.required": 2},
        _QUORUM,
    ),
    offer(
        "no-time",
        15,
        "an author gives approvers no time at all",
        {f"{_STAGE}.deadline": "0s"},
        "deadline must be longer than 0s",
    ),
    offer(
        "no-time-to-start",
        5,
        "an author makes every approval too old to be used",
        {"spec.execution.startDeadline": "0s"},
        "startDeadline must be longer than 0s: no approval could ever be used",
    ),
    Attack(
        "zero-required",
        4,
        "author",
        "an author asks for no approval at a gate",
        create(changed(berth("fresh"), {f"{_STAGE}.required": 0})),
        schema("spec.approval.stages[0].required in body should be greater than or equal to 1"),
        LEND,
    ),
]

GATES = [
    Attack(
        "gate-for-machines",
        14,
        "operator",
        "the operator's own account opens a gate to all machines",
        create(gate("fresh", spec__policy__approvers={"groups": ["system:serviceaccounts"]})),
        crd("approvals", _PEOPLE),
        OPEN,
    ),
    Attack(
        "gate-for-a-machine",
        14,
        "operator",
        "the operator's own account opens a gate on behalf of a machine",
        create(gate("fresh", spec__onBehalfOf={"username": "system:serviceaccount:team-a:robot"})),
        crd("approvals", "onBehalfOf names a person: user names of the system (system:…) are none"),
        OPEN,
    ),
    Attack(
        "endless-user-name",
        17,
        "mallory",
        "somebody writes a user name of a thousand characters into the decisions",
        patch("approvals/gate", {"spec": {"decisions": {"x" * 1000: APPROVE}}}),
        crd("approvals", "a user name in decisions may have 253 characters at most"),
        DECIDE,
        behind=(own_name(MALLORY),),
    ),
    Attack(
        "crowd-of-deciders",
        17,
        "mallory",
        "somebody fills the decisions, so that nobody else has room",
        patch("approvals/gate", {"spec": {"decisions": {f"user-{n}": APPROVE for n in range(65)}}}),
        schema("spec.decisions: Too many: 65: must have at most 64 items"),
        DECIDE,
    ),
]

ENVIRONMENTS = [
    want(
        "take-kube-system",
        "an Environment names a namespace of Kubernetes",
        {"spec.target.namespace.name": "kube-system"},
        "name must not be default, pratique-system or start with kube-",
        behind=(prefix("kube-system"),),
    ),
    want(
        "take-pratique-system",
        "an Environment names the operator's own namespace",
        {"spec.target.namespace.name": "pratique-system"},
        "name must not be default, pratique-system or start with kube-",
        behind=(OWN_NAMESPACE, prefix("pratique-system")),
    ),
    want(
        "open-pod-security",
        "an Environment loosens Pod Security by a label",
        {"spec/target/namespace/labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
        "labels of kubernetes.io, k8s.io and pratique.dev are not free to set",
        behind=(label("pod-security.kubernetes.io/enforce"),),
    ),
    want(
        "plant-our-label",
        "an Environment gives its namespace a label of ours",
        {"spec/target/namespace/labels": {"pratique.dev/environment-uid": "x"}},
        "labels of kubernetes.io, k8s.io and pratique.dev are not free to set",
        behind=(label("pratique.dev/environment-uid"),),
    ),
    want(
        "access-for-masters",
        "an Environment gives access to a group of the system",
        {"spec.target.access": [{"group": "system:authenticated", "role": "edit"}]},
        "groups of the system cannot be given access",
    ),
    want(
        "access-for-a-controller",
        "an Environment gives access to a user of the system",
        {"spec.target.access": [{"user": "system:kube-scheduler", "role": "edit"}]},
        "users of the system cannot be given access, but for a ServiceAccount, named in full:"
        " system:serviceaccount:NAMESPACE:NAME",
    ),
    want(
        "access-for-both",
        "an Environment gives access to a user and a group at once, one of them overlooked",
        {"spec.target.access": [{"user": "a", "group": "b", "role": "edit"}]},
        "give either user or group",
    ),
    want(
        "access-for-nobody",
        "an Environment gives access to nobody in particular",
        {"spec.target.access": [{"role": "edit"}]},
        "give either user or group",
    ),
    want(
        "longer-than-allowed",
        "an Environment lives longer than its own limit",
        {"spec.ttl": "30d"},
        "ttl is longer than maxTTL allows",
    ),
    want("no-life", "an Environment lives no time at all", {"spec.ttl": "0s"}, "ttl must be longer than 0s"),
    bend("extend-past-the-limit", "who may extend passes the limit", {"ttl": "3w"}, "ttl is longer than maxTTL allows"),
    bend(
        "raise-the-limit",
        "who may extend raises the limit",
        {"maxTTL": "52w"},
        "maxTTL cannot be changed: create another Environment",
    ),
    bend(
        "drop-the-limit",
        "who may extend drops the limit",
        {"maxTTL": None},
        "maxTTL cannot be changed: create another Environment",
    ),
    bend(
        "more-access",
        "who may extend gives more people access",
        {"target": {"access": [{"user": "x", "role": "edit"}]}},
        "target cannot be changed: create another Environment",
    ),
    bend(
        "other-namespace",
        "who may extend points it at another namespace, which would be deleted in its place",
        {"target": {"namespace": {"name": "quay"}}},
        "target cannot be changed: create another Environment",
        behind=(prefix("quay"),),
    ),
    bend(
        "more-quota",
        "who may extend raises the quota",
        {"target": {"quota": {"requests.cpu": "400"}}},
        "target cannot be changed: create another Environment",
    ),
    bend(
        "other-owner",
        "who may extend changes for whom it is",
        {"requestedBy": "mallory@example.com"},
        "requestedBy cannot be changed",
    ),
    Attack(
        "cluster-admin-role",
        7,
        "admin",
        "an Environment gives the role cluster-admin",
        create(
            changed(make.environment(SPACE, "fresh"), {"spec.target.access": [{"user": "a", "role": "cluster-admin"}]})
        ),
        schema('Unsupported value: "cluster-admin"'),
        MAKE,
    ),
]

ALLOWED = [
    Attack(
        "namespace-of-any-name",
        7,
        "admin",
        "an Environment takes a name that old bindings may still point to",
        create(changed(make.environment(SPACE, "fresh"), {"spec.target.namespace.name": "billing"})),
        prefix("billing"),
        MAKE,
    ),
    Attack(
        "label-that-policies-trust",
        7,
        "admin",
        "an Environment puts a label on its namespace that other policies may trust",
        create(changed(make.environment(SPACE, "fresh"), {"spec.target.namespace.labels": {"team": "billing"}})),
        label("team"),
        MAKE,
    ),
    Attack(
        "role-admin",
        7,
        "admin",
        "an Environment gives a role that the installation does not allow",
        create(changed(make.environment(SPACE, "fresh"), {"spec.target.access": [{"user": "a", "role": "admin"}]})),
        not_allowed(
            "spec.target.access gives a role that is not allowed here",
            "spec.target.access gives the role admin: allowed are view, edit",
            "roles",
        ),
        MAKE,
    ),
    Attack(
        "privileged-pods",
        7,
        "admin",
        "an Environment asks for privileged pods",
        create(changed(make.environment(SPACE, "fresh"), {"spec.target.podSecurity": "privileged"})),
        not_allowed(
            "spec.target.podSecurity is not allowed here",
            "spec.target.podSecurity is privileged: allowed are restricted, baseline",
            "podSecurity",
        ),
        MAKE,
    ),
]

CHANNELS = [
    Attack(
        "channel-of-two",
        7,
        "admin",
        "a channel has two receivers, one of them overlooked",
        create(changed(make.channel("fresh"), {"spec.webhook": {"urlSecretRef": {"name": "a", "key": "b"}}})),
        crd("notificationchannels", "a channel has exactly one of slack, webhook"),
        Twin("admin", "makes a channel", create(make.channel("fresh"))),
    ),
    Attack(
        "channel-to-anothers-secret",
        7,
        "admin",
        "a channel names a Secret of another namespace",
        create(
            changed(make.channel("fresh"), {"spec.slack.webhookUrlSecretRef.namespace": "kube-system"}),
            fieldValidation="Strict",
        ),
        schema('unknown field "spec.slack.webhookUrlSecretRef.namespace"'),
        Twin("admin", "makes a channel", create(make.channel("fresh"), fieldValidation="Strict")),
    ),
]

ATTACKS = [*ACTIONS, *GATES, *ENVIRONMENTS, *ALLOWED, *CHANNELS]
