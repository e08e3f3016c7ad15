"""`pratique-environment`: what a namespace for a while may be, who extends it, and that the operator ends it.

The operator makes the namespace with its own power, so whoever may create Environments borrows that power: what they may
ask for is what the installation allows, and no more.
"""

from collections.abc import Iterable

from pratique.admission.ending import ended, ending, same_but
from pratique.admission.language import (
    JANITORS,
    ME,
    RESTORED_LABEL,
    Check,
    Manifest,
    Match,
    has_label,
    has_room,
    keeps_owners,
    may,
    names,
    only_canaries,
    ours,
    same,
    unless_absent,
    validating,
)
from pratique.admission.values import GuardValues
from pratique.core.environments.git_marks import ANNOTATIONS, LABELS, MANAGERS
from pratique.core.kernel.limits import SHORTEST_NOTICE
from pratique.core.plans.objects import RUN_UID_LABEL

_TARGET = "object.spec.target"
_SPACE = f"{_TARGET}.namespace"


def environment(values: GuardValues) -> list[Manifest]:
    """Return the policy for Environments."""
    operator = values.operator
    return validating(
        "pratique-environment",
        (Match(("environments",), ("CREATE", "UPDATE", "DELETE")),),
        {
            "me": ME,
            "keeper": f"variables.me == '{operator}' || variables.me in {list(JANITORS)!r}",
            "oursNow": ours("object.metadata"),
            "oursBefore": unless_absent("oldObject", ours("oldObject.metadata")),
            # one that was made before the lists were tightened stays, and can be extended and ended
            "sameTarget": f"request.operation == 'DELETE' || (oldObject != null && {_TARGET} == oldObject.spec.target)",
            "roles": names(values.environment_roles),
            "podSecurity": names(values.environment_pod_security),
            "labels": names(values.environment_labels),
            "prefix": f"'{values.environment_prefix}'",
            **_time(),
            **ending(operator),
            "otherRoles": f"""
                has({_TARGET}.access) ? {_TARGET}.access.filter(a, !(a.role in variables.roles)) : []
            """,
            "otherLabels": f"""
                has({_SPACE}.labels) ? {_SPACE}.labels.filter(k, !(k in variables.labels)) : []
            """,
        },
        (only_canaries(operator, "Environments"), *_allowed(values.namespace), *_owned(), *_in_time(), *ended()),
    )


def _frozen() -> Iterable[Check]:
    """What never changes. Here and not in the CRD: that answers 422, and tools delete and create with `--force` then.

    An Environment that is deleted takes its namespace along, with all that is in it.
    """
    return (
        Check(
            "request.operation != 'UPDATE' || variables.sameTarget",
            "target cannot be changed: create another Environment",
        ),
        *(
            Check(
                f"""
                request.operation != 'UPDATE' || (has(object.spec.{field}) == has(oldObject.spec.{field}) &&
                  (!has(object.spec.{field}) || object.spec.{field} == oldObject.spec.{field}))
                """,
                message,
            )
            for field, message in (
                ("maxTTL", "maxTTL cannot be changed: create another Environment"),
                ("requestedBy", "requestedBy cannot be changed"),
            )
        ),
    )


def _allowed(namespace: str) -> Iterable[Check]:
    """What it may ask for; each sentence names the field, the value, what is allowed, and who can change that."""
    return (
        *_frozen(),
        Check(
            f"request.operation == 'DELETE' || {_SPACE}.name != '{namespace}'",
            "spec.target.namespace.name is the operator's own namespace: choose another",
        ),
        _listed(
            f"{_SPACE}.name.startsWith(variables.prefix)",
            "spec.target.namespace.name does not begin as the namespaces of Environments do here",
            f"'spec.target.namespace.name is ' + string({_SPACE}.name) + ': it must begin with ' + variables.prefix",
            "namespacePrefix",
        ),
        _listed(
            "variables.otherLabels.size() == 0",
            "spec.target.namespace.labels has a label that is not allowed here",
            "'spec.target.namespace.labels has ' + variables.otherLabels.map(k, string(k)).join(', ') + ': ' + "
            + _choice("variables.labels"),
            "labels",
        ),
        _listed(
            f"{_TARGET}.podSecurity in variables.podSecurity",
            "spec.target.podSecurity is not allowed here",
            f"'spec.target.podSecurity is ' + string({_TARGET}.podSecurity) + ': ' + "
            + _choice("variables.podSecurity"),
            "podSecurity",
        ),
        _listed(
            "variables.otherRoles.size() == 0",
            "spec.target.access gives a role that is not allowed here",
            "'spec.target.access gives the role ' + variables.otherRoles.map(a, string(a.role)).join(', ') + ': ' + "
            + _choice("variables.roles"),
            "roles",
        ),
    )


def _listed(expression: str, message: str, told: str, value: str) -> Check:
    who = f"; who installs Pratique can change that (chart value environments.{value})"
    return Check(f"variables.sameTarget || {expression}", message + who, f"{told} + '{who}'")


def _choice(listed: str) -> str:
    return f"(size({listed}) == 0 ? 'none is allowed' : 'allowed are ' + {listed}.join(', '))"


def _owned() -> Iterable[Check]:
    extend = may("extend", "environments", "object.metadata.name", "object.metadata.namespace")
    return (
        Check(
            f"request.operation != 'UPDATE' || {same_but('protected')} || {extend}",
            "an Environment is changed through an Action: it needs the RBAC verb extend on environments",
            "variables.me + ' may not change Environment ' + object.metadata.name"
            " + ': it needs the RBAC verb extend on environments.pratique.dev; ask through an Action'",
        ),
        Check(
            f"request.operation != 'UPDATE' || variables.keeper ||"
            f" ({same('variables.oursNow', 'variables.oursBefore')})",
            "labels, annotations and finalizers of pratique.dev on an Environment belong to the operator",
        ),
        Check(
            f"variables.keeper || {keeps_owners('environments', 'object.metadata.namespace', 'end')}",
            "ownerReferences of an Environment are changed by those who may end it (RBAC verb end on environments): the"
            " garbage collector would",
        ),
        Check(
            f"request.operation != 'CREATE' || !{has_label(RESTORED_LABEL)}",
            f"this Environment comes out of a backup (label {RESTORED_LABEL}): its time would begin anew. Leave"
            " Environments out of the restore, make a new one, and restore into its namespace",
        ),
        has_room("an Environment"),
    )


def _time() -> dict[str, str]:
    """The variables of a change of ttl, in seconds since 1970.

    The clock is the one of `decision`: in the very request that changes a field, its entry in managedFields has the time
    of now, and is the only one. Whoever tampers with that finds the time to be up.
    """
    return {
        "changesTtl": "request.operation == 'UPDATE' && object.spec.ttl != oldObject.spec.ttl",
        "owners": _owners("object"),
        "ownersBefore": _owners("oldObject"),
        "now": f"variables.owners.size() == 1 ? int(timestamp(variables.owners[0].time)) : {_NEVER}",
        "born": "int(timestamp(oldObject.metadata.creationTimestamp))",
        "endBefore": f"variables.born + {_seconds('oldObject.spec.ttl')}",
        "endNow": f"variables.born + {_seconds('object.spec.ttl')}",
        "isEnding": "has(oldObject.metadata.deletionTimestamp) || (has(oldObject.status) &&"
        " has(oldObject.status.phase) && oldObject.status.phase in ['Deleting', 'Expired'])",
        "isHeld": _is_held(),
    }


_NEVER = 253402300799


def _owners(side: str) -> str:
    fields = f"{side}.metadata.managedFields"
    mine = "has(m.fieldsV1) && 'f:spec' in m.fieldsV1 && 'f:ttl' in m.fieldsV1['f:spec']"
    return f"{side} != null && has({fields}) ? {fields}.filter(m, {mine}) : []"


def _seconds(ttl: str) -> str:
    unit = f"{ttl}.substring(size({ttl}) - 1)"
    return f"int({ttl}.substring(0, size({ttl}) - 1)) * {{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}}[{unit}]"


def _is_held() -> str:
    marked = " || ".join(
        f"(has(oldObject.metadata.{field}) && oldObject.metadata.{field}.exists(k, k in {names(keys)}))"
        for field, keys in (("labels", LABELS), ("annotations", ANNOTATIONS))
    )
    made = f"has(oldObject.metadata.labels) && '{RUN_UID_LABEL}' in oldObject.metadata.labels"
    return f"({marked}) && !({made})"


def _in_time() -> Iterable[Check]:
    minutes = SHORTEST_NOTICE // 60
    vain = "so a ttl changes nothing any more: create another Environment"
    soon = f"it would end at once, or within {minutes} minutes: let ttl be longer, or delete the Environment"
    applied = f"""
        variables.owners.exists(m, has(m.manager) &&
          (m.manager.matches('{MANAGERS}') || variables.ownersBefore.exists(b, has(b.manager) && b.manager == m.manager)))
    """
    return (
        Check(
            "!variables.changesTtl || (!variables.isEnding && variables.now < variables.endBefore)",
            f"its time is up, or it is being deleted, {vain}",
            f"""
            (variables.now < variables.endBefore
              ? 'Environment ' + object.metadata.name + ' is being deleted, '
              : 'the time of Environment ' + object.metadata.name + ' is up (ttl ' + oldObject.spec.ttl + '), ') + '{vain}'
            """,
        ),
        Check(
            f"""
            !variables.changesTtl || variables.endNow >= variables.endBefore ||
            variables.endNow >= variables.now + {SHORTEST_NOTICE}
            """,
            f"ttl counts from the creation of an Environment: with this one {soon}",
            "'ttl counts from the creation of Environment ' + object.metadata.name + ': with ' + object.spec.ttl +"
            f" ' {soon}'",
        ),
        Check(
            f"!variables.changesTtl || !variables.isHeld || {applied}",
            "its ttl is in Git, which would take the change back: change it there",
            "'the ttl of Environment ' + object.metadata.name + ' is in Git, which would take the change back:"
            " change it there'",
        ),
    )
