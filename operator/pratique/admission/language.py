"""The frame of an admission policy, so that the policy modules hold nothing but rules and sentences.

Decides what all of ours share: they fail closed, match every version, deny with reason Forbidden, and refuse a canary
first of all, whoever sends it. Called by the modules beside it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from pratique.admission.stamp import CANARY_LABEL
from pratique.api.v1alpha1 import GROUP
from pratique.core.kernel.limits import MAX_METADATA_LENGTH

Manifest = dict[str, Any]

API = "admissionregistration.k8s.io/v1"
PREFIX = f"{GROUP}/"
LABELS = {"app.kubernetes.io/part-of": "pratique"}

CANARY = f"object != null && has(object.metadata.labels) && '{CANARY_LABEL}' in object.metadata.labels"
"""Whether the object is a canary: posted to prove that the policies are on, and refused by every one of them."""

ME = "request.userInfo.username"
GROUPS = "(has(request.userInfo.groups) ? request.userInfo.groups : []).filter(g, g != '')"

JANITORS = (
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:kube-controller-manager",
)
"""Kubernetes' own cleaners: they must be able to finish a deletion that somebody else was allowed to start."""


RESTORED_LABEL = "velero.io/restore-name"
"""On each object that Velero makes anew out of a backup."""


@dataclass(frozen=True)
class Check:
    """One rule: what must be true, and the sentence for the one who breaks it.

    `told` is CEL for a sentence with names in it; the API server falls back to `message` where it cannot be used.
    """

    expression: str
    message: str
    told: str | None = None


@dataclass(frozen=True)
class Match:
    """Which requests a policy looks at."""

    resources: tuple[str, ...]
    operations: tuple[str, ...]
    group: str = GROUP

    def rule(self) -> Manifest:
        """Return it as a resource rule of matchConstraints."""
        return {
            "apiGroups": [self.group],
            "apiVersions": ["*"],
            "resources": list(self.resources),
            "operations": list(self.operations),
            "scope": "*",
        }


@dataclass(frozen=True)
class Stamp:
    """What the API server writes into a request, or on clusters before 1.36 a webhook: when, and which JSON patch.

    `admission.stamp` is the webhook's half, in Python: the two must not differ.
    """

    name: str
    match: Match
    conditions: dict[str, str]
    variables: dict[str, str]
    patch: str


def code(text: str) -> str:
    """Return CEL without the indentation of the Python around it."""
    return dedent(text).strip()


def validating(
    name: str,
    matches: tuple[Match, ...],
    variables: dict[str, str],
    checks: tuple[Check, ...],
    *,
    conditions: dict[str, str] | None = None,
    canary: str | None = None,
) -> list[Manifest]:
    """Return a ValidatingAdmissionPolicy and its binding; `canary` is CEL for what its refusal of a canary adds."""
    first = Check(
        "!variables.canary",
        f"pratique canary: {name}",
        f"'pratique canary: {name} ' + {canary}" if canary else None,
    )
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": _constraints(matches),
        **({"matchConditions": named(conditions)} if conditions else {}),
        "variables": named({"canary": CANARY, **variables}),
        "validations": [_validation(check) for check in (first, *checks)],
    }
    return [
        _object("ValidatingAdmissionPolicy", name, spec),
        _object("ValidatingAdmissionPolicyBinding", name, {"policyName": name, "validationActions": ["Deny"]}),
    ]


def mutating(stamp: Stamp) -> list[Manifest]:
    """Return a MutatingAdmissionPolicy that stamps, and its binding."""
    spec = {
        "reinvocationPolicy": "IfNeeded",
        "failurePolicy": "Fail",
        "matchConstraints": _constraints((stamp.match,)),
        "matchConditions": named(stamp.conditions),
        "variables": named(stamp.variables),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": code(stamp.patch)}}],
    }
    return [
        _object("MutatingAdmissionPolicy", stamp.name, spec),
        _object("MutatingAdmissionPolicyBinding", stamp.name, {"policyName": stamp.name}),
    ]


def only_canaries(operator: str, what: str) -> Check:
    """Return the rule that the operator creates none of these itself."""
    # the operator holds the verb create only for its canaries, which are refused before this is asked
    return Check(
        f"request.operation != 'CREATE' || variables.me != '{operator}'",
        f"the operator itself creates no {what}: an Action does so under its own ServiceAccount",
    )


def ours(meta: str) -> str:
    """Return CEL for the labels, annotations and finalizers of ours on `meta`, as a list that can be compared."""
    parts = [
        f"(has({meta}.{field}) ? {meta}.{field}.filter(k, k.startsWith('{PREFIX}'))"
        f".map(k, '{field} ' + k + '=' + {meta}.{field}[k]) : [])"
        for field in ("labels", "annotations")
    ]
    finalizers = f"(has({meta}.finalizers) ? {meta}.finalizers.filter(f, f.startsWith('{PREFIX}')) : [])"
    return " +\n".join((*parts, finalizers))


def has_label(label: str, what: str = "object") -> str:
    """Return CEL for whether an object carries this label."""
    return f"({what} != null && has({what}.metadata.labels) && '{label}' in {what}.metadata.labels)"


def unless_absent(what: str, expression: str) -> str:
    """Return CEL for `expression`, a list read from `what`: there is no oldObject on CREATE, no object on DELETE."""
    return f"{what} == null ? [] : (\n{expression})"


def may(verb: str, resource: str, name: str, namespace: str | None = None, group: str = GROUP) -> str:
    """Return CEL that asks RBAC whether the caller holds `verb` on one object."""
    scope = f".namespace({namespace})" if namespace else ""
    return f"authorizer.group('{group}').resource('{resource}'){scope}.name({name}).check('{verb}').allowed()"


def names(listed: Iterable[str]) -> str:
    """Return CEL for a list of texts, written as the chart's `toJson` writes it, so that the two can be compared."""
    return json.dumps(list(listed), separators=(",", ":"))


def same_person(one: str, other: str) -> str:
    """Return CEL for two user names being the same but for letter case, beyond ASCII too: lowerAscii() ends there."""
    return rf"{one}.matches(r'(?i)^\Q' + {other}.replace(r'\E', r'\E\\E\Q') + r'\E$')"


def keeps_owners(resource: str, namespace: str | None = None, verb: str = "delete") -> str:
    """Return CEL for an update that hangs the object on nothing else, unless by those who may delete it, or hold `verb`.

    The garbage collector deletes what hangs on something that is gone: the right to patch would be the right to delete.
    """
    now, before = (
        f"(has({side}.metadata.ownerReferences) ? {side}.metadata.ownerReferences : [])"
        for side in ("object", "oldObject")
    )
    delete = may(verb, resource, "object.metadata.name", namespace)
    return f"request.operation != 'UPDATE' || {now} == {before} || {delete}"


def has_room(what: str) -> Check:
    """Return the rule that nobody fills an object up with metadata until its status cannot be written any more.

    An update that changes the spec passes: the last bit of room is not what keeps its people from using it.
    """
    return Check(
        f"""
        request.operation == 'DELETE' || variables.keeper ||
        (request.operation == 'UPDATE' && object.spec != oldObject.spec) ||
        '%s'.format([object.metadata]).size() <= {MAX_METADATA_LENGTH}
        """,
        f"the metadata of {what} is longer than {MAX_METADATA_LENGTH} characters: nothing would be left for its status",
    )


def same(one: str, other: str) -> str:
    """Return CEL for two lists having the same members."""
    return f"{one}.all(x, x in {other}) && {other}.all(x, x in {one})"


_FEW = 256
"""Up to so many groups may be written down in another order: to compare more would cost more than one rule may."""


def asked_by_caller(where: str = "object.spec.requestedBy") -> str:
    """Return CEL for this being the caller, as the stamp writes it. Needs `me` and `groups`."""
    parent, _, field = where.rpartition(".")
    return f"""
    has({parent}.{field}) &&
    {where}.username == variables.me &&
    has({where}.groups) && (
      {where}.groups == variables.groups || (
        variables.groups.size() <= {_FEW} &&
        {where}.groups.size() == variables.groups.size() &&
        {same(f"{where}.groups", "variables.groups")}
      )
    )
"""


ASKED_BY_CALLER = asked_by_caller()
"""Whether spec.requestedBy of what is created is the caller. Needs `me` and `groups`."""
FORGED_REQUESTER = "spec.requestedBy is set by the API server to the authenticated caller: leave it out of the manifest"

_MANY = 1000
"""Entries of one list or map: to walk through more of them takes the API server a time that grows with their square."""


def shallow(value: str, levels: int) -> str:
    """Return CEL that is true when no map or list lies deeper in `value` than `levels`, `value` being the first.

    Nor may any have more than a thousand entries.

    It stands in the API server because a client may not survive to tell: Python's JSON parser gives up at some depth, and
    an object that no list or watch can be read with would stop the operator for everybody. Comprehensions of two variables
    would say it shorter, but Kubernetes 1.30 does not know them.
    """
    if levels == 0:
        return _plain(value)
    few = f"({_plain(value)} || {value}.size() <= {_MANY})"
    return f"({few} && {_inside(value)}.all(v{levels}, {shallow(f'v{levels}', levels - 1)}))"


def _plain(value: str) -> str:
    return f"(type({value}) != map && type({value}) != list)"


def _inside(value: str) -> str:
    """Return CEL for the list of what is in `value`: Kubernetes 1.30 does not know comprehensions of two variables."""
    return f"(type({value}) == map ? {value}.map(k, {value}[k]) : type({value}) == list ? {value} : [])"


def _validation(check: Check) -> Manifest:
    told = {"messageExpression": code(check.told)} if check.told else {}
    return {"expression": code(check.expression), "message": check.message, **told, "reason": "Forbidden"}


def _constraints(matches: tuple[Match, ...]) -> Manifest:
    # what the API server would fill in is written out, so that an installed policy can be compared with this one
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [match.rule() for match in matches],
    }


def named(expressions: dict[str, str]) -> list[Manifest]:
    """Return expressions as the API lists them."""
    return [{"name": name, "expression": code(expression)} for name, expression in expressions.items()]


def _object(kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "labels": LABELS}, "spec": spec}
