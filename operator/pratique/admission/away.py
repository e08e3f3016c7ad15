"""`pratique-away`: who makes a Delegation is who the API server says they are, for themselves, and for a time.

Only they end it or make it shorter, and nobody redirects it, whatever RBAC says. Who holds the verb `withdraw` may delete
one, since that gives nobody anything: new gates do without it. What needs no caller is a rule of the model. Whether
whom somebody names is away as well needs the other Delegations: that is a policy of its own, `pratique-away-chain`.
"""

from typing import Any

from pratique.admission.language import (
    GROUPS,
    JANITORS,
    ME,
    Check,
    Manifest,
    Match,
    Stamp,
    asked_by_caller,
    has_room,
    may,
    ours,
    same_person,
    validating,
)
from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.delegations import LONGEST_DAYS

NAME = "pratique-away"
CHAIN = f"{NAME}-chain"

_TO = "object.spec.to"
_BORN = "timestamp(object.metadata.creationTimestamp)"
_UNTIL = "timestamp(object.spec.until)"
_OWNER = "has(oldObject.spec.from) && oldObject.spec.from.username == variables.me"


def away_stamp() -> Stamp:
    """Return what stamps spec.from, and keeps it where somebody sends the object without it."""
    return Stamp(
        NAME,
        Match(("delegations",), ("CREATE", "UPDATE")),
        {
            "unset": """
                has(object.spec) && type(object.spec) == map && !('from' in object.spec) &&
                (request.operation == 'CREATE' || 'from' in oldObject.spec)
            """
        },
        {"me": ME, "groups": GROUPS},
        """
        request.operation == 'CREATE'
        ? [JSONPatch{op: "add", path: "/spec/from",
                     value: {"username": dyn(variables.me), "groups": dyn(variables.groups)}}]
        : [JSONPatch{op: "add", path: "/spec/from", value: oldObject.spec.from}]
        """,
    )


def away() -> list[Manifest]:
    """Return the policies that guard Delegations, which also check what was stamped."""
    variables = {
        "me": ME,
        "groups": GROUPS,
        "creating": "request.operation == 'CREATE'",
        "keeper": f"variables.me in {list(JANITORS)!r}",
        "owner": f"oldObject != null && ({_OWNER})",
    }
    checks = (*_made(), *_for_a_time(), *_changed(), has_room("a Delegation"))
    told = "(has(object.spec.from) ? string(object.spec.from.username) : 'not stamped')"
    match = (Match(("delegations",), ("CREATE", "UPDATE", "DELETE")),)
    return [*validating(NAME, match, variables, checks, canary=told), *_chain()]


def _made() -> tuple[Check, ...]:
    return (
        Check(
            f"!variables.creating || ({asked_by_caller('object.spec.from')})",
            "spec.from is set by the API server to the authenticated caller: leave it out of the manifest",
        ),
        Check(
            "!variables.creating || !variables.me.startsWith('system:')",
            "a machine is never away, and names no stand-in",
        ),
        Check(
            f"!variables.creating || !{same_person(_TO, 'variables.me')}",
            "you cannot stand in for yourself: name somebody else in spec.to",
        ),
        Check(
            f"""
            !variables.creating || ((\n{ours("object.metadata")}).size() == 0 &&
              (!has(object.metadata.finalizers) || object.metadata.finalizers.size() == 0) &&
              (!has(object.metadata.ownerReferences) || object.metadata.ownerReferences.size() == 0))
            """,
            "a Delegation has no finalizers, no ownerReferences, and no labels or annotations of pratique.dev: leave them"
            " out",
        ),
    )


def _for_a_time() -> tuple[Check, ...]:
    return (
        Check(
            f"!variables.creating || {_UNTIL} > {_BORN}",
            "until is over already: name a moment after now in spec.until",
        ),
        Check(
            f"!variables.creating || {_UNTIL} - {_BORN} <= duration('{LONGEST_DAYS * 24}h')",
            f"until is more than {LONGEST_DAYS} days from now: your groups are kept as they are today, so make it earlier",
        ),
    )


def _changed() -> tuple[Check, ...]:
    withdraw = may("withdraw", "delegations", "oldObject.metadata.name")
    whose = "(has(oldObject.spec.from) ? string(oldObject.spec.from.username) : 'unknown')"
    fields = ("finalizers", "ownerReferences")
    same = " && ".join(
        f"(has(object.metadata.{field}) ? object.metadata.{field} : []) =="
        f" (has(oldObject.metadata.{field}) ? oldObject.metadata.{field} : [])"
        for field in fields
    )
    return (
        Check(
            "request.operation != 'UPDATE' || variables.keeper || variables.owner",
            "only who made a Delegation changes it",
            f"'only who made this Delegation, ' + {whose} + ', changes it'",
        ),
        Check(
            f"request.operation != 'UPDATE' || variables.keeper || ({same})",
            "finalizers and ownerReferences of a Delegation stay as they are: deleting it must end it",
        ),
        Check(
            f"request.operation != 'DELETE' || variables.keeper || variables.owner || {withdraw}",
            "only who made a Delegation deletes it, or who holds the RBAC verb withdraw on delegations.pratique.dev",
            f"'only who made this Delegation, ' + {whose} + ', deletes it, or who holds the RBAC verb withdraw on"
            " delegations.pratique.dev'",
        ),
    )


def _chain() -> list[Manifest]:
    """Return the policy that holds a new Delegation beside each of those that there are.

    The API server follows them by a watch, so of two in one instant neither may be seen: what a gate makes of that,
    `core.gates.away` decides, and hands nothing on.
    """
    begin = "(has({0}.spec.notBefore) ? timestamp({0}.spec.notBefore) : timestamp({0}.metadata.creationTimestamp))"
    theirs = "(has(params.spec.from) ? string(params.spec.from.username) : '')"
    at_once = f"""
        {begin.format("params")} < {_UNTIL} && {begin.format("object")} < timestamp(params.spec.until) &&
        !has(params.metadata.deletionTimestamp)
    """
    checks = (
        Check(
            f"!(variables.atOnce && variables.theirs == {ME})",
            "you are away already at that time: delete your other Delegation, or shorten it",
            "'you are away already at that time: delete your other Delegation, ' + params.metadata.name + ', or shorten"
            " it'",
        ),
        Check(
            f"!(variables.atOnce && {same_person('variables.theirs', _TO)})",
            "whom you name is away as well at that time, and nothing is handed on: name somebody else",
            f"string({_TO}) + ' is away as well at that time, and nothing is handed on: name somebody else'",
        ),
    )
    match = (Match(("delegations",), ("CREATE",)),)
    policy, binding = validating(CHAIN, match, {"theirs": theirs, "atOnce": at_once}, checks)
    spec: dict[str, Any] = policy["spec"]
    # no canary of its own: it would only be answered while there are Delegations
    spec["variables"] = [each for each in spec["variables"] if each["name"] != "canary"]
    spec["validations"] = spec["validations"][1:]
    spec["paramKind"] = {"apiVersion": API_VERSION, "kind": "Delegation"}
    binding["spec"]["paramRef"] = {"selector": {}, "parameterNotFoundAction": "Allow"}
    return [policy, binding]
