"""Attacks on Environments and through them: longer, more, elsewhere, in the place of what is there."""

from typing import Any

from tests.attacks.denials import (
    ENVIRONMENT,
    ENVIRONMENT_MARKS,
    IN_GIT,
    NO_NOTICE,
    OWN_NAMESPACE,
    RESTORED_ENVIRONMENT,
    TIME_IS_UP,
    canary,
    crd,
    creates_nothing,
    may_not_extend,
    not_allowed,
    schema,
)
from tests.attacks.model import SPACE, Attack, Denial, Twin, apply, create, patch
from tests.attacks.world import MALLORY
from tests.builders import manifests as make
from tests.builders.manifests import changed

from pratique.api.v1alpha1.environment_rules import label_rule, limits_rules, quota_rules, target_rules

RULES = (*quota_rules(), *limits_rules(), *target_rules())

EXTEND = Twin("admin", "extends it, holding the verb", patch("environments/env", {"spec": {"ttl": "10d"}}))


ENV_LABEL = Twin(
    "mallory", "sets a label that is not ours", patch("environments/env", {"metadata": {"labels": {"team": "b"}}})
)


MAKE = Twin("admin", "makes an Environment", create(make.environment(SPACE, "fresh")))


ENVIRONMENTS = [
    Attack(
        "extend-without-the-verb",
        7,
        "mallory",
        "somebody who may patch Environments extends one past its gate",
        patch("environments/env", {"spec": {"ttl": "10d"}}),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "extend-when-time-is-up",
        16,
        "admin",
        "an extension that arrives too late is to look as if it was taken",
        patch("environments/past", {"spec": {"ttl": "10d"}}),
        TIME_IS_UP,
        EXTEND,
    ),
    Attack(
        "end-without-a-warning",
        16,
        "admin",
        "who may extend lowers the ttl below its age, as the apply of an old manifest does",
        patch("environments/env", {"spec": {"ttl": "1s"}}),
        NO_NOTICE,
        Twin("admin", "leaves it time enough for a warning", patch("environments/env", {"spec": {"ttl": "1h"}})),
    ),
    Attack(
        "extend-what-git-holds",
        16,
        "admin",
        "somebody extends an Environment that Git holds, and Git takes it back at its next look",
        patch("environments/applied", {"spec": {"ttl": "10d"}}, fieldManager="kubectl-edit"),
        IN_GIT,
        Twin(
            "admin",
            "does so as what applies it",
            patch("environments/applied", {"spec": {"ttl": "10d"}}, fieldManager="argocd-controller"),
        ),
    ),
    Attack(
        "shorten-without-the-verb",
        16,
        "mallory",
        "somebody who may patch Environments shortens one",
        patch("environments/env", {"spec": {"ttl": "1h"}}),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "silence-warnings",
        7,
        "mallory",
        "somebody takes the warnings away",
        patch("environments/env", {"spec": {"warnings": []}}),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "extend-by-apply",
        7,
        "mallory",
        "somebody extends by server-side apply with force",
        apply("environments/env", {"spec": {"ttl": "10d"}}, force="true"),
        may_not_extend(MALLORY),
        EXTEND,
    ),
    Attack(
        "environment-finalizer",
        7,
        "admin",
        "cluster-admin takes the operator's finalizer's place",
        patch("environments/env", {"metadata": {"finalizers": ["pratique.dev/environment"]}}),
        ENVIRONMENT_MARKS,
        ENV_LABEL,
    ),
    Attack(
        "environment-label",
        7,
        "mallory",
        "somebody sets a label of ours on an Environment",
        patch("environments/env", {"metadata": {"labels": {"pratique.dev/run-uid": "x"}}}),
        ENVIRONMENT_MARKS,
        ENV_LABEL,
    ),
    Attack(
        "environment-canary",
        9,
        "admin",
        "cluster-admin says that an Environment is a canary, to be let through",
        create(changed(make.environment(SPACE, "fresh"), {"metadata.labels": {"pratique.dev/canary": "true"}})),
        canary(ENVIRONMENT),
        MAKE,
    ),
    Attack(
        "operator-makes-environment",
        7,
        "operator",
        "the operator's own account makes an Environment",
        create(make.environment(SPACE, "fresh")),
        creates_nothing(ENVIRONMENT, "Environments"),
        MAKE,
    ),
]


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


def want(slug: str, what: str, changes: dict[str, Any], rule: str, told: str = "", **more: Any) -> Attack:
    """Return an Environment that is refused."""
    manifest = changed(make.environment(SPACE, "fresh"), changes)
    return Attack(slug, 7, "admin", what, create(manifest), crd("environments", rule, told), MAKE, **more)


def rule_that(begins: str) -> str:
    """Return the message of the rule of a target that begins so: some are long lists."""
    return next(each.message for each in RULES if each.message.startswith(begins))


def bend(slug: str, what: str, spec: dict[str, Any], rule: str, **more: Any) -> Attack:
    """Return a change of an Environment that even who may extend it is refused; what never changes, by the policy."""
    answer = Denial(ENVIRONMENT, rule) if "cannot be changed" in rule else crd("environments", rule)
    return Attack(slug, 7, "admin", what, patch("environments/env", {"spec": spec}), answer, EXTEND, **more)


WANTED = [
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
    want(
        "quota-that-limits-nothing",
        "an Environment has a quota that only looks like one",
        {"spec/target/quota": {"request.cpu": "4"}},
        rule_that("a key limits nothing: there are cpu, memory, ephemeral-storage, requests"),
        "quota has the key request.cpu, which limits nothing: did you mean requests.cpu?",
    ),
    want(
        "limit-that-limits-nothing",
        "an Environment has a limit that only looks like one",
        {"spec.target.limits": {"max": {"ram": "1Gi"}}},
        rule_that("a key limits nothing: there are cpu, memory, ephemeral-storage; extended"),
        "max has the key ram, which limits nothing: did you mean memory?",
    ),
    want(
        "endless-quota",
        "an Environment has a quota beyond all numbers, of which Kubernetes makes another",
        {"spec.target.quota": {"pods": "1e999"}},
        rule_that("a quantity is none"),
        "quota: pods is 1e999: that is more than Kubernetes can count",
    ),
    want(
        "limits-that-contradict",
        "an Environment has limits that cannot be made, and would leave what they guard open",
        {"spec.target.limits": {"default": {"cpu": "1"}, "max": {"cpu": "500m"}}},
        rule_that("limits contradict"),
        "default of cpu is 1, above max, 500m: a container that sets no limit would not be let in",
    ),
    want(
        "default-above-the-quota",
        "an Environment gives a container more than the whole quota",
        {"spec.target.limits": {"defaultRequest": {"cpu": "5"}}},
        rule_that("a default of limits is above"),
        "limits.defaultRequest of cpu is 5, above the quota of requests.cpu: a container that sets nothing would not be"
        " let in",
    ),
    want(
        "access-twice",
        "an Environment gives access to the same user twice",
        {"spec.target.access": [{"user": "a"}, {"user": "a", "role": "edit"}]},
        rule_that("access names somebody twice"),
    ),
    want(
        "label-that-is-none",
        "an Environment has a label that no namespace can have",
        {"spec/target/namespace/labels": {"a b": "c"}},
        label_rule().message,
        "labels: a b or its value is no label: letters, digits, -, _ and . are allowed, and at the ends letters and digits",
        behind=(label("a b"),),
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


RESTORED = [
    Attack(
        "environment-out-of-a-backup",
        16,
        "admin",
        "a tool restores an Environment that has ended, and its time begins anew",
        create(changed(make.environment(SPACE, "fresh"), {"metadata.labels": {"velero.io/restore-name": "nightly"}})),
        RESTORED_ENVIRONMENT,
        MAKE,
    ),
]


ATTACKS = [*ENVIRONMENTS, *WANTED, *ALLOWED, *RESTORED]
