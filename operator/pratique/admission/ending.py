"""The part of `pratique-environment` that says who ends an Environment before its time, and who keeps it from its end.

RBAC is asked first, and cannot tell one's own from others': so roles give `delete` on all, and this policy leaves of it
what is one's own. Whoever shall end those of others holds the verb `end` besides. Called by `environment`.
"""

from collections.abc import Iterable

from pratique.admission.language import JANITORS, Check, may

_NAME, _SPACE = "oldObject.metadata.name", "request.namespace"


def ending(operator: str) -> dict[str, str]:
    """Return the variables of a deletion, and of what protects from it."""
    return {
        "protected": "object != null && has(object.spec.protected) && object.spec.protected",
        "wasProtected": "oldObject != null && has(oldObject.spec.protected) && oldObject.spec.protected",
        # what goes anyhow: its namespace is being deleted, it is itself, or nothing is left of it
        "goesAnyhow": f"""
            (namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp)) ||
            has(oldObject.metadata.deletionTimestamp) || variables.me == '{operator}'
        """,
        "nothingLeft": "has(oldObject.status) && has(oldObject.status.phase) && oldObject.status.phase == 'Expired'",
        "isOwner": "has(oldObject.spec.requestedBy) && oldObject.spec.requestedBy == variables.me",
        "owner": "has(oldObject.spec.requestedBy) ? string(oldObject.spec.requestedBy) : 'nobody by name'",
    }


def same_but(*fields: str) -> str:
    """Return CEL for an update that changes nothing of the spec but these fields, whose own rules say who may."""
    named = f"k in {list(fields)!r}"
    return (
        f"(object.spec.all(k, {named} || (k in oldObject.spec && object.spec[k] == oldObject.spec[k])) &&"
        f" oldObject.spec.all(k, {named} || k in object.spec))"
    )


def ended() -> Iterable[Check]:
    """Return who may protect, and who may delete."""
    protect = may("protect", "environments", "object.metadata.name", "request.namespace")
    end = may("end", "environments", _NAME, _SPACE)
    janitor = f"variables.me in {list(JANITORS)!r}"
    return (
        Check(
            f"request.operation == 'DELETE' || variables.protected == variables.wasProtected || {protect}",
            "spec.protected keeps an Environment from its end: it needs the RBAC verb protect on environments",
            "variables.me + ' may not change spec.protected of an Environment: it needs the RBAC verb protect on"
            " environments.pratique.dev'",
        ),
        Check(
            "request.operation != 'UPDATE' || !variables.protected || variables.wasProtected || !variables.isEnding",
            "this Environment is being deleted: spec.protected keeps it no more",
        ),
        Check(
            "request.operation != 'DELETE' || !variables.wasProtected || variables.goesAnyhow",
            "this Environment is protected (spec.protected): who holds the RBAC verb protect on environments can take that"
            " away, then it can be deleted",
            f"'Environment ' + {_NAME} + ' is protected (spec.protected): who holds the RBAC verb protect on"
            " environments.pratique.dev can take that away, then it can be deleted'",
        ),
        Check(
            "request.operation != 'DELETE' || variables.goesAnyhow || variables.nothingLeft || variables.isOwner ||"
            f" {janitor} || {end}",
            "an Environment is deleted by who it is for, or who holds the RBAC verb end on environments",
            f"variables.me + ' may not delete Environment ' + {_NAME} + ': it is for ' + variables.owner +"
            " '; it needs the RBAC verb end on environments.pratique.dev'",
        ),
    )
