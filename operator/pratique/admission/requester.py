"""`pratique-requester`: who asks for a run is who the API server says it is, and a run never changes afterwards."""

from collections.abc import Iterable

from pratique.admission.language import (
    ASKED_BY_CALLER,
    FORGED_REQUESTER,
    GROUPS,
    JANITORS,
    ME,
    RESTORED_LABEL,
    Check,
    Manifest,
    Match,
    Stamp,
    has_label,
    has_room,
    may,
    names,
    ours,
    same,
    shallow,
    unless_absent,
    validating,
)
from pratique.admission.stamp import EDITED, FROZEN
from pratique.core.kernel.limits import MAX_INPUT_BYTES, MAX_INPUT_DEPTH
from pratique.core.plans.objects import ENDS_OBJECTS

NAME = "pratique-requester"
_MATCH = Match(("actionruns",), ("CREATE", "UPDATE"))
_ACTION = "object.spec.actionRef.name"
_CHANGED = f"""
    !has(object.spec) || type(object.spec) != map ? ['spec'] :
    {names(FROZEN)}.filter(k, (k in object.spec) != (k in oldObject.spec) ||
      (k in object.spec && object.spec[k] != oldObject.spec[k])) +
    (has(object.spec.withdrawn) && type(object.spec.withdrawn) != bool ? ['withdrawn'] : [])
"""
"""The fields of a run that an update would change."""
_EDITED = f"""
    ({_CHANGED}).filter(k, k != 'requestedBy' || 'requestedBy' in object.spec)
"""
"""Those of them that are an edit: a requester that is left out is only left out, and stamped."""
_OWNERS = "(has({0}.metadata.ownerReferences) ? {0}.metadata.ownerReferences : [])"


def requester(operator: str, submitters: Iterable[str]) -> list[Manifest]:
    """Return the policy that checks what was stamped as spec.requestedBy, and freezes the rest."""
    return _guard(operator, submitters)


def requester_stamp() -> Stamp:
    """Return what stamps spec.requestedBy, and puts an edited spec back, marked for the guard to refuse.

    Before the schema sees it: what a schema refuses is answered 422, which `kubectl apply --force` and Flux's `force` take
    for leave to delete the run and make it again, and so to execute it again. The guard answers 403.
    """
    return Stamp(
        NAME,
        _MATCH,
        # a new spec that is no object is left for the schema to refuse, which says so better than a failing policy
        {
            "unset-or-edited": f"""
                (has(object.spec) && type(object.spec) == map && !has(object.spec.requestedBy)) ||
                (request.operation == 'UPDATE' && ({_EDITED}).size() > 0)
            """
        },
        {"me": ME, "groups": GROUPS, "edited": f"request.operation == 'UPDATE' ? ({_EDITED}) : []"},
        f"""
        variables.edited.size() > 0
        ? [
            JSONPatch{{op: "add", path: "/spec", value: oldObject.spec}},
            has(object.metadata.annotations)
            ? JSONPatch{{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("{EDITED}"),
                        value: variables.edited.join(', ')}}
            : JSONPatch{{op: "add", path: "/metadata/annotations", value: {{"{EDITED}": variables.edited.join(', ')}}}}
          ]
        : request.operation == 'CREATE'
        ? [JSONPatch{{op: "add", path: "/spec/requestedBy",
                     value: {{"username": dyn(variables.me), "groups": dyn(variables.groups)}}}}]
        : (has(oldObject.spec.requestedBy)
           ? [JSONPatch{{op: "add", path: "/spec/requestedBy", value: oldObject.spec.requestedBy}}]
           : [])
        """,
    )


def _guard(operator: str, submitters: Iterable[str]) -> list[Manifest]:
    variables = {
        "me": ME,
        "groups": GROUPS,
        "creating": "request.operation == 'CREATE'",
        "updating": "request.operation == 'UPDATE'",
        "deleting": "request.operation == 'DELETE'",
        "submitters": names(submitters),
        "janitor": f"variables.me in {list(JANITORS)!r}",
        "keeper": f"variables.me == '{operator}' || variables.janitor",
        "theirs": """
            oldObject != null && (
              (has(oldObject.spec.requestedBy) && variables.me == oldObject.spec.requestedBy.username) ||
              (has(oldObject.spec.onBehalfOf) && variables.me == oldObject.spec.onBehalfOf.username)
            )
        """,
        "asker": """
            oldObject == null || !has(oldObject.spec.requestedBy) ? 'unknown' :
            (has(oldObject.spec.onBehalfOf) ? string(oldObject.spec.onBehalfOf.username) + ', or ' : '') +
            string(oldObject.spec.requestedBy.username)
        """,
        "oursNow": unless_absent("object", ours("object.metadata")),
        "oursBefore": unless_absent("oldObject", ours("oldObject.metadata")),
        "withdrawn": "has(object.spec.withdrawn) && object.spec.withdrawn",
        "wasWithdrawn": "oldObject != null && has(oldObject.spec.withdrawn) && oldObject.spec.withdrawn",
        "withdrawing": "variables.updating && variables.withdrawn && !variables.wasWithdrawn",
        "marked": f"""
            variables.updating && has(object.metadata.annotations) && '{EDITED}' in object.metadata.annotations
            ? string(object.metadata.annotations['{EDITED}']) : ''
        """,
        "changed": f"variables.marked != '' ? [variables.marked] : ({_CHANGED})",
        "phase": "oldObject != null && has(oldObject.status) && has(oldObject.status.phase)"
        " ? string(oldObject.status.phase) : 'Pending'",
        "tidies": f"variables.me == '{operator}' && has(oldObject.spec.dryRun) && oldObject.spec.dryRun",
        "ended": "!(variables.phase in ['Pending', 'WaitingForApproval', 'Running'])",
    }
    return validating(
        NAME,
        (Match(("actionruns",), ("CREATE", "UPDATE", "DELETE")),),
        variables,
        (*_on_update(operator), *_on_create(), *_on_delete(), has_room("an ActionRun")),
        canary="(has(object.spec.requestedBy) ? string(object.spec.requestedBy.username) : 'not stamped')",
    )


def _on_create() -> tuple[Check, ...]:
    return (
        Check(f"!variables.creating || ({ASKED_BY_CALLER})", FORGED_REQUESTER),
        Check(
            "!variables.creating || !has(object.spec.onBehalfOf) || variables.me in variables.submitters",
            "spec.onBehalfOf is for the submitters that the installation names (chart value submitters): leave it out",
            "variables.me + ' may not ask on behalf of others: spec.onBehalfOf is for the submitters that the"
            " installation names (chart value submitters), so leave it out'",
        ),
        Check(
            f"""
            !variables.creating || !has(object.spec.inputs) ||
            '%s'.format([object.spec.inputs]).size() <= {MAX_INPUT_BYTES}
            """,
            f"spec.inputs is longer than {MAX_INPUT_BYTES} characters: an object has to hold it, its plan and its records",
        ),
        Check(
            f"!variables.creating || !has(object.spec.inputs) || {shallow('object.spec.inputs', MAX_INPUT_DEPTH)}",
            f"spec.inputs is nested deeper than {MAX_INPUT_DEPTH} levels: make it flatter",
        ),
        Check(
            "!variables.creating || !variables.withdrawn",
            "spec.withdrawn takes a waiting run back: a new run cannot start with it",
        ),
        Check(
            f"!variables.creating || {may('run', 'actions', _ACTION, 'request.namespace')}",
            "you may not run this Action: it needs the RBAC verb run on actions.pratique.dev",
            f"variables.me + ' may not run Action ' + string({_ACTION}) + ' in namespace ' + request.namespace"
            " + ': it needs the RBAC verb run on actions.pratique.dev'",
        ),
        Check(
            f"!variables.creating || !{has_label(RESTORED_LABEL)}",
            f"this run comes out of a backup (label {RESTORED_LABEL}): what was asked for then is not done a second time."
            " Leave runs out of the restore, and ask again for what is still needed",
        ),
        Check(
            f"variables.deleting || variables.keeper || ({same('variables.oursNow', 'variables.oursBefore')})",
            "labels, annotations and finalizers of pratique.dev on an ActionRun belong to the operator: leave them out",
        ),
    )


def _kept() -> str:
    """Return CEL for an update that leaves all metadata as it is but for the finalizer of ours."""
    same_maps = [
        f"(has(object.metadata.{field}) ? object.metadata.{field} : {{}}) =="
        f" (has(oldObject.metadata.{field}) ? oldObject.metadata.{field} : {{}})"
        for field in ("labels", "annotations")
    ]
    owners = f"{_OWNERS.format('object')} == {_OWNERS.format('oldObject')}"
    others = [
        f"(has({side}.metadata.finalizers) ? {side}.metadata.finalizers.filter(f, f != '{ENDS_OBJECTS}') : [])"
        for side in ("object", "oldObject")
    ]
    return " &&\n".join((*same_maps, owners, " == ".join(others)))


def _on_update(operator: str) -> tuple[Check, ...]:
    return (
        Check(
            """
            !variables.updating || (
              variables.marked == '' &&
              object.spec.all(k, k == 'withdrawn' || (k in oldObject.spec && object.spec[k] == oldObject.spec[k])) &&
              oldObject.spec.all(k, k == 'withdrawn' || k in object.spec)
            )
            """,
            "a run is one execution, so its spec cannot be changed, but for withdrawn: create another ActionRun",
            "variables.changed.join(', ') + ' cannot be changed: a run is one execution; create another ActionRun'",
        ),
        Check(
            "!variables.updating || !variables.wasWithdrawn || variables.withdrawn",
            "withdrawn cannot be taken back: create another ActionRun",
        ),
        Check(
            f"""
            !variables.withdrawing || variables.theirs ||
            {may("withdraw", "actions", _ACTION, "request.namespace")}
            """,
            "only the requester may withdraw a run",
            "'only the requester, ' + variables.asker + ', may withdraw this run'",
        ),
        Check(
            "!variables.withdrawing || variables.phase == 'WaitingForApproval'",
            "only a waiting run can be withdrawn",
            "'only a waiting run can be withdrawn; this one is ' + variables.phase",
        ),
        Check(
            f"""
            !variables.updating || variables.keeper ||
            {_OWNERS.format("object")} == {_OWNERS.format("oldObject")}
            """,
            "ownerReferences of an ActionRun cannot be changed: the garbage collector would delete by them",
        ),
        Check(
            f"!variables.updating || variables.me != '{operator}' || (\n{_kept()}\n)",
            f"the operator changes nothing of an ActionRun but the finalizer {ENDS_OBJECTS}",
        ),
    )


def _on_delete() -> tuple[Check, ...]:
    """Deleting a run that has not ended withdraws it; one that has is the record of it. Both are its requester's.

    A dry run that was answered is a record of nothing: the operator removes it.
    """
    withdraw = may("withdraw", "actions", "oldObject.spec.actionRef.name", "request.namespace")
    allowed = f"""
        variables.janitor || variables.theirs || {withdraw} ||
        (namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp))
    """
    return (
        Check(
            f"!variables.deleting || variables.ended || {allowed.strip()}",
            "only the requester may delete a run that has not ended: that would withdraw it",
            "'only the requester, ' + variables.asker + ', may delete this run while it is ' + variables.phase +"
            " ': that would withdraw it'",
        ),
        Check(
            f"!variables.deleting || !variables.ended || variables.tidies || {allowed.strip()}",
            "only the requester may delete a run that has ended, or who holds the RBAC verb withdraw on its Action:"
            " it is the record of what was asked for",
            "'only the requester, ' + variables.asker + ', may delete this run, which is ' + variables.phase +"
            " ', or who holds the RBAC verb withdraw on its Action: it is the record of what was asked for'",
        ),
    )
