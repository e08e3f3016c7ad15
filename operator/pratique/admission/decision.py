"""`pratique-decision`: people decide under their own name, in time, if they are asked; all else of a gate is frozen.

The clock inside admission: the API server writes into managedFields when a field was set. In the very request that
sets a person's verdict, the time of the entry that owns it is the time of the decision. Read later it is worth
nothing, since two people who use the same tool share an entry. Who changes their mind: `changing`.

The seal: the API server counts the decisions that are there by the frozen rule, as `core.gates.tally.count` does, and takes
no further one once they decide. So an end depends neither on when the operator looks nor on the order within a second.
"""

from pratique.admission import delegating, glass, offering, standalone, talking
from pratique.admission.asked import LISTED_GROUPS, VARIABLES, is_excluded, only_asked
from pratique.admission.changing import DECIDING, ENTRY, HAS_ROOM, HISTORY, MINE_CHANGES, has_its_history, kept, stays
from pratique.admission.language import (
    GROUPS,
    JANITORS,
    ME,
    Check,
    Manifest,
    Match,
    Stamp,
    may,
    same_person,
    validating,
)
from pratique.admission.seal import SEAL

NAME = "pratique-decision"

_OF_THE_OPERATOR = {"labels": "{}", "annotations": "{}", "finalizers": "[]", "ownerReferences": "[]"}
"""What of the metadata people leave alone, and what stands for its absence: a gate can neither be hung on something nor
be filled up until it has no room for its own status."""

_THEIRS = "['decisions', 'delegations', 'messages', 'consent', 'withdrawn']"
"""What of the spec is not frozen: rules of their own say who writes what there."""

_CLAIMS = """
    (!('f:{0}' in m.fieldsV1['f:spec']) ||
     m.fieldsV1['f:spec']['f:{0}'].all(k, k == '.' || (k.startsWith('f:') && k.substring(2) in variables.{1})))
"""
_CLAIMED = f"""
    !has(m.fieldsV1) || !('f:spec' in m.fieldsV1) ||
    ({_CLAIMS.format("decisions", "new")} && {_CLAIMS.format("delegations", "lentNow")} &&
     {_CLAIMS.format("messages", "saidNow")} &&
     (!('f:consent' in m.fieldsV1['f:spec']) || has(object.spec.consent)))
"""
"""Whether an entry `m` of managedFields speaks of decisions, stand-ins, messages and an answer that are there, alone.

Whoever could claim a colleague's key in advance would make two owners of it, and the colleague could not decide any more.
"""


def decision(operator: str) -> list[Manifest]:
    """Return the policy that guards Approvals, which also checks what was stamped."""
    return _guard(operator)


def decision_stamp() -> Stamp:
    """Return what stamps a decision with its time and groups."""
    return Stamp(
        NAME,
        Match(("approvals",), ("CREATE", "UPDATE")),
        {"mine-changes": MINE_CHANGES},
        {"me": ME, "groups": GROUPS, **ENTRY, "listedGroups": LISTED_GROUPS},
        f"""
        variables.owners.size() == 1 && {HAS_ROOM}
        ? [
            JSONPatch{{op: "add", value: variables.owners[0].time,
                      path: "/spec/decisions/" + jsonpatch.escapeKey(variables.me) + "/decidedAt"}},
            JSONPatch{{op: "add", value: variables.listedGroups,
                      path: "/spec/decisions/" + jsonpatch.escapeKey(variables.me) + "/groups"}}
          ] + ({HISTORY.strip()})
        : []
        """,
    )


def _variables(operator: str) -> dict[str, str]:
    """Return what the checks are written in, each after those that it reads."""
    return {
        "me": ME,
        "groups": GROUPS,
        "creating": "request.operation == 'CREATE'",
        "updating": "request.operation == 'UPDATE'",
        "janitor": f"variables.me in {list(JANITORS)!r}",
        "keeper": f"variables.me == '{operator}' || variables.janitor",
        **ENTRY,
        "state": "oldObject != null && has(oldObject.status) && has(oldObject.status.state)"
        " ? string(oldObject.status.state) : 'Pending'",
        "byOperator": f"variables.me == '{operator}'",
        "listed": "object != null && has(object.spec.policy.approvers.groups) ? object.spec.policy.approvers.groups : []",
        **standalone.VARIABLES,
        **VARIABLES,
        "deciding": DECIDING,
        "signing": "object != null && has(object.spec.purpose) && object.spec.purpose == 'Review'",
        **delegating.VARIABLES,
        "stamped": """
            variables.owners.size() == 1 && has(variables.mine.decidedAt) &&
            variables.mine.decidedAt == variables.owners[0].time
        """,
        **SEAL,
        **glass.VARIABLES,
        **offering.VARIABLES,
        **talking.VARIABLES,
        "frozen": f"""
            object.spec.all(k, k in {_THEIRS} || (k in oldObject.spec && object.spec[k] == oldObject.spec[k])) &&
            oldObject.spec.all(k, k in {_THEIRS} || k in object.spec)
        """,
        "moved": """
            variables.new != variables.old || variables.lentNow != variables.lentBefore ||
            variables.saidNow != variables.saidBefore ||
            variables.withdrawn != variables.wasWithdrawn || variables.answering ||
            has(object.spec.consent) != has(oldObject.spec.consent)
        """,
        "sameMetadata": _same_metadata(),
        "managedNow": "has(object.metadata.managedFields) ? object.metadata.managedFields : []",
        "managedBefore": "has(oldObject.metadata.managedFields) ? oldObject.metadata.managedFields : []",
    }


def _guard(operator: str) -> list[Manifest]:
    return validating(
        NAME,
        (Match(("approvals",), ("CREATE", "UPDATE", "DELETE")),),
        _variables(operator),
        (
            *standalone.on_create(),
            *_frozen(),
            *standalone.on_update(),
            *_own_name(),
            *delegating.naming(),
            glass.for_oneself(),
            *delegating.standing_in(),
            *_entitled(),
            *offering.offering(),
            *_in_time(),
            *offering.accepting(),
            *talking.talking(),
            *_unclaimed(),
        ),
        canary="(variables.stamped ? 'stamped' : 'not stamped')",
    )


def _frozen() -> tuple[Check, ...]:
    return (
        Check(
            """
            request.operation != 'DELETE' || variables.janitor || variables.state != 'Pending' ||
            (namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp))
            """,
            "a pending Approval cannot be deleted: withdraw its run, or it where it has none (spec.withdrawn), or decline",
            """
            has(oldObject.spec.purpose) && oldObject.spec.purpose == 'Review'
            ? 'a review cannot be deleted before somebody has signed it, or objected: spec.decisions[you], by one of those'
              + ' who were skipped'
            : 'a pending Approval cannot be deleted: withdraw its run, or it where it has none (spec.withdrawn), or decline'
            """,
        ),
        Check(
            f"""
            request.operation != 'DELETE' || variables.janitor || variables.state == 'Pending' ||
            (variables.theirs && variables.state == 'Withdrawn') ||
            (namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp)) ||
            {may("purge", "approvals", "oldObject.metadata.name", "oldObject.metadata.namespace")}
            """,
            "an Approval is the record of what was decided: it goes with its namespace, or by who holds the RBAC verb"
            " purge on approvals.pratique.dev",
            "variables.me + ' may not delete this Approval, which is ' + variables.state + ': it is the record of what was"
            " decided, and goes with its namespace, or by who holds the RBAC verb purge on approvals.pratique.dev'",
        ),
        Check("!variables.creating || variables.new.size() == 0", "an Approval starts without decisions"),
        Check(
            "!variables.updating || variables.frozen",
            "what is being approved, by whom and until when is frozen: only spec.decisions[you] may be added",
        ),
        Check(
            "!variables.updating || variables.keeper || variables.sameMetadata",
            "labels, annotations, finalizers and ownerReferences of an Approval belong to the operator:"
            " only spec.decisions[you] may be added",
        ),
    )


def _same_metadata() -> str:
    return " &&\n".join(
        f"(has(object.metadata.{field}) ? object.metadata.{field} : {none}) =="
        f" (has(oldObject.metadata.{field}) ? oldObject.metadata.{field} : {none})"
        for field, none in _OF_THE_OPERATOR.items()
    )


def _own_name() -> tuple[Check, ...]:
    return (
        *stays(),
        Check(
            "!variables.updating || variables.new.all(k, k in variables.old || k == variables.me)",
            "a decision can be recorded only under your own user name",
            "'a decision can be recorded only under your own user name: ' + variables.me",
        ),
    )


def _entitled() -> tuple[Check, ...]:
    return (
        Check(
            f"!variables.deciding || variables.breaking ||"
            f" !{same_person('variables.me', 'object.spec.requestedBy.username')}",
            "you cannot decide your own request",
        ),
        Check(
            f"""
            !variables.deciding || variables.breaking || !has(object.spec.onBehalfOf) ||
            !{same_person("variables.me", "object.spec.onBehalfOf.username")}
            """,
            "you cannot decide a request that was made on your behalf",
        ),
        Check(
            f"!variables.deciding || !{is_excluded('variables.me')}",
            "you cannot decide this stage: you decided an earlier one of this request, or its rule excludes you"
            " (spec.excluded); it needs somebody else",
        ),
        Check(
            f"!variables.deciding || !variables.old.exists(k, k != variables.me && {same_person('k', 'variables.me')})",
            "you have decided, under your name in other letter case: one person counts once",
        ),
        *only_asked(),
        *glass.only_who_may(),
        Check(
            f"!variables.deciding || variables.breaking || variables.signing || !has(object.spec.subject.kind) ||"
            f" {delegating.MAY_APPROVE}",
            "you may not approve this Action: it needs the RBAC verb approve on actions.pratique.dev",
            "variables.me + ' may not approve Action ' + string(object.spec.action) + ' in namespace ' +"
            " object.metadata.namespace + ': it needs the RBAC verb approve on actions.pratique.dev'",
        ),
        Check(
            f"!variables.deciding || variables.breaking || !variables.signing || {delegating.MAY_APPROVE} ||"
            f" {may('break-glass', 'actions', 'object.spec.action', 'object.metadata.namespace')}",
            "you may not sign this review: it needs one of the RBAC verbs approve and break-glass on actions.pratique.dev",
            "variables.me + ' may not sign the review of Action ' + string(object.spec.action) + ' in namespace ' +"
            " object.metadata.namespace + ': it needs one of the RBAC verbs approve and break-glass on"
            " actions.pratique.dev'",
        ),
        Check(
            f"!variables.deciding || variables.breaking || has(object.spec.subject.kind) || {delegating.MAY_DECIDE}",
            "you may not decide an Approval without a run: it needs the RBAC verb approve on approvals.pratique.dev",
            "variables.me + ' may not decide Approval ' + object.metadata.name + ' in namespace ' +"
            " object.metadata.namespace + ': it needs the RBAC verb approve on approvals.pratique.dev'",
        ),
    )


def _in_time() -> tuple[Check, ...]:
    return (
        Check(
            "!variables.deciding || variables.state == 'Pending'",
            "this Approval has ended",
            "'this Approval has ended: ' + variables.state",
        ),
        Check(
            "!variables.deciding || variables.sealed == ''",
            "this Approval is decided: no further decision is taken",
            "'this Approval is decided: ' + variables.sealed + '; no further decision is taken'",
        ),
        *kept(),
        Check(
            "!variables.deciding || variables.stamped",
            "decidedAt is set by the API server: do not send it, nor managedFields",
        ),
        Check(
            "!variables.deciding || (has(variables.mine.groups) && variables.mine.groups == variables.listedGroups)",
            "the groups of a decision are set by the API server: leave them out",
        ),
        has_its_history(),
        Check(
            """
            !variables.deciding || !has(object.spec.policy.deadline) || (variables.owners.size() == 1 &&
              timestamp(variables.owners[0].time) < timestamp(object.spec.policy.deadline))
            """,
            "the deadline has passed",
            "'the deadline ' + string(object.spec.policy.deadline) + ' has passed'",
        ),
    )


def _unclaimed() -> tuple[Check, ...]:
    # who changes nothing leaves no trace either: each trace takes room, and there is no end of field managers
    return (
        Check(
            """
            !variables.updating || variables.keeper || !variables.frozen || variables.moved ||
            object.spec == oldObject.spec
            """,
            "an Approval is changed only by who decides, names a stand-in, says something, answers a counter-offer or"
            " withdraws it, and not by empty fields",
        ),
        Check(
            f"""
            !variables.updating || variables.keeper || (
              (variables.deciding || object.spec != oldObject.spec || !variables.sameMetadata ||
               variables.managedNow == variables.managedBefore) &&
              variables.managedNow.all(m, {_CLAIMED})
            )
            """,
            "managedFields of an Approval belong to the API server: send your decision and nothing else",
        ),
    )
