"""Approvals without a run: whoever may create one is its requester, for a time that the API server counts.

The rules are part of `pratique-decision`, the stamp is one of its own. What such a gate says of what will happen is its
creator's word; what of an Approval belongs to the operator alone, nobody else fills in.
"""

from pratique.admission.language import (
    ASKED_BY_CALLER,
    FORGED_REQUESTER,
    GROUPS,
    ME,
    Check,
    Match,
    Stamp,
    may,
    names,
    ours,
    same_person,
    unless_absent,
)
from pratique.admission.stamp import NO_TIME
from pratique.api.v1alpha1.approval import ApprovalSpec, GatePolicy
from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.spelling import seconds

NAME = "pratique-standalone"

LONGEST = 90
"""Days that a gate without a run may be decided at most."""
_FIELDS = ("subject", "requestedBy", "reason", "message", "excluded", "inputs", "policy", "decisions")
_OF_POLICY = (
    "approvers",
    "required",
    "requireFrom",
    "declineThreshold",
    "comment",
    "delegation",
    "timeout",
    "deadline",
)


def _others(model: type[ApiModel], known: tuple[str, ...]) -> list[str]:
    """Return the fields that belong to the operator: all that are not its creator's, or the API server's."""
    fields = (field.alias or name for name, field in model.model_fields.items())
    return [each for each in fields if each not in known]


_FOREIGN = f"""
    {names(_others(ApprovalSpec, _FIELDS))}.filter(k, k in object.spec) +
    {names(_others(GatePolicy, _OF_POLICY))}.filter(k, k in object.spec.policy).map(k, 'policy.' + k)
"""
_TIMEOUT = "object.spec.policy.timeout"
_SECONDS = f"({seconds(_TIMEOUT)})"
_IS_DURATION = f"{_TIMEOUT}.matches('^[1-9][0-9]{{0,7}}[smhdw]$')"
_SUBJECT = (
    "has(object.spec) && type(object.spec) == map && has(object.spec.subject) && type(object.spec.subject) == map"
)
_SKEW = 60
"""Seconds between the times that one request is given: of its fields, and of the object."""
_TAKEN = "'-[0-9a-f]{10}(-[0-9]+)?(-review(-[0-9]+)?)?$'"
"""How the names of the gates of runs end, and of their reviews: `core.gates.entries`, `core.gates.review`."""


def standalone_stamp() -> Stamp:
    """Return what stamps who asks, and until when; what cannot be counted gets a time that the guard refuses."""
    return Stamp(
        NAME,
        Match(("approvals",), ("CREATE",)),
        {"without-a-run": f"{_SUBJECT} && !('kind' in object.spec.subject)"},
        {
            "me": ME,
            "groups": GROUPS,
            "times": """
                has(object.metadata.managedFields)
                ? object.metadata.managedFields.filter(m, has(m.time)).map(m, m.time) : []
            """,
            "open": "'policy' in object.spec && type(object.spec.policy) == map && !('deadline' in object.spec.policy)",
            "counted": f"""
                variables.open && 'timeout' in object.spec.policy && type({_TIMEOUT}) == string && {_IS_DURATION} &&
                variables.times.size() == 1
            """,
        },
        f"""
        ('requestedBy' in object.spec ? [] :
         [JSONPatch{{op: "add", path: "/spec/requestedBy",
                    value: {{"username": dyn(variables.me), "groups": dyn(variables.groups)}}}}]) +
        (!variables.open ? [] :
         [JSONPatch{{op: "add", path: "/spec/policy/deadline", value: variables.counted
                    ? string(timestamp(variables.times[0]) + duration(string({_SECONDS}) + 's')) : '{NO_TIME}'}}])
        """,
    )


VARIABLES = {
    "opening": "variables.creating && !variables.byOperator",
    "foreign": unless_absent("object", _FOREIGN),
    "theirs": """
        oldObject != null && !has(oldObject.spec.subject.kind) && variables.me == oldObject.spec.requestedBy.username
    """,
    "withdrawn": "object != null && has(object.spec.withdrawn) && object.spec.withdrawn",
    "wasWithdrawn": "oldObject != null && has(oldObject.spec.withdrawn) && oldObject.spec.withdrawn",
}
"""CEL that the rules below share; needs `me`, `creating` and `byOperator`."""


def on_create() -> tuple[Check, ...]:
    """Return what must be true of a gate that is opened by somebody who is not the operator."""
    return (*_said_by_creator(), *_timed(), *_satisfiable())


def _said_by_creator() -> tuple[Check, ...]:
    return (
        Check(
            "!variables.opening || !has(object.spec.subject.kind)",
            "only the operator opens the gate of a run: create an ActionRun, or leave kind out and give a title instead",
        ),
        Check(f"!variables.opening || ({ASKED_BY_CALLER})", FORGED_REQUESTER),
        Check(
            "!variables.opening || variables.foreign.size() == 0",
            "an Approval without a run has fields that only the operator fills in: leave them out",
            "'an Approval without a run has no ' + variables.foreign.join(', ') + ': only the operator fills that in;"
            " leave it out'",
        ),
        Check(
            f"!variables.opening || !object.metadata.name.matches({_TAKEN})",
            "names that end in - and ten hexadecimal digits belong to the gates of runs: choose another, or generateName",
        ),
        Check(
            f"""
            !variables.opening || (({ours("object.metadata")}).size() == 0 &&
              (!has(object.metadata.finalizers) || object.metadata.finalizers.size() == 0) &&
              (!has(object.metadata.ownerReferences) || object.metadata.ownerReferences.size() == 0))
            """,
            "an Approval is the record of what was decided: it has no finalizers, no ownerReferences, and no labels or"
            " annotations of pratique.dev; leave them out",
        ),
    )


def _timed() -> tuple[Check, ...]:
    return (
        Check(
            f"!variables.opening || (has({_TIMEOUT}) && {_IS_DURATION} && {_SECONDS} <= {LONGEST * 86400})",
            f"an Approval without a run needs spec.policy.timeout, such as 24h: {LONGEST}d at most",
        ),
        Check(
            f"""
            !variables.opening || !has({_TIMEOUT}) || !{_IS_DURATION} ||
            [timestamp(object.spec.policy.deadline) - timestamp(object.metadata.creationTimestamp)].all(d,
              d <= duration(string({_SECONDS} + {_SKEW}) + 's') && d >= duration(string({_SECONDS} - {_SKEW}) + 's'))
            """,
            "spec.policy.deadline is set by the API server, from spec.policy.timeout: leave it out of the manifest",
        ),
    )


def _satisfiable() -> tuple[Check, ...]:
    return (
        Check(
            f"""
            !variables.opening || variables.listed.size() > 0 || variables.users.filter(u,
              !{same_person("u", "variables.me")} &&
              !(has(object.spec.excluded) && object.spec.excluded.exists(x, {same_person("u", "x")}))
            ).size() >= object.spec.policy.required
            """,
            "this could never be approved: spec.policy.required is larger than the number of spec.policy.approvers.users"
            " who may decide, and who asks or is excluded may not",
        ),
        Check(
            """
            !variables.opening || !has(object.spec.policy.requireFrom) || object.spec.policy.requireFrom.all(f,
              f.group in variables.listed && f.count <= object.spec.policy.required)
            """,
            "each group of spec.policy.requireFrom must be one of spec.policy.approvers.groups, and its count no larger"
            " than spec.policy.required",
        ),
    )


def on_update() -> tuple[Check, ...]:
    """Return who takes such a gate back, and when."""
    withdrawing = "variables.updating && variables.withdrawn && !variables.wasWithdrawn"
    return (
        Check(
            "!variables.updating || !variables.withdrawn || !has(object.spec.subject.kind)",
            "a gate of a run is withdrawn by its run: spec.withdrawn of the ActionRun",
        ),
        Check(
            "!variables.updating || !variables.wasWithdrawn || variables.withdrawn",
            "withdrawn cannot be taken back: create another Approval",
        ),
        Check(
            f"""
            !({withdrawing}) || variables.theirs ||
            {may("withdraw", "approvals", "object.metadata.name", "object.metadata.namespace")}
            """,
            "only who created an Approval may withdraw it, or who holds the RBAC verb withdraw on approvals.pratique.dev",
        ),
        Check(
            f"!({withdrawing}) || variables.state == 'Pending'",
            "only an open Approval can be withdrawn",
            "'only an open Approval can be withdrawn; this one is ' + variables.state",
        ),
    )
