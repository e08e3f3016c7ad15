"""The smaller policies: whose power an Action borrows, who writes status, and a leash.

The leash is on the operator itself: its RBAC reaches every namespace, what it may do there is decided here.
"""

from pratique.admission.language import (
    CANARY,
    ME,
    PREFIX,
    RESTORED_LABEL,
    Check,
    Manifest,
    Match,
    has_label,
    keeps_owners,
    may,
    only_canaries,
    shallow,
    validating,
)
from pratique.api.v1alpha1 import KINDS
from pratique.core.kernel.limits import MAX_SCHEMA_DEPTH, MAX_TEMPLATE_DEPTH
from pratique.core.plans.objects import RUN_UID_LABEL

ENVIRONMENT_UID = f"{PREFIX}environment-uid"
_BINDINGS = "['rolebindings', 'clusterrolebindings']"
_RESTORED = f"request.operation == 'CREATE' && {has_label(RESTORED_LABEL)} && {has_label(RUN_UID_LABEL)}"


def action(operator: str) -> list[Manifest]:
    """`pratique-action`: nobody lends an Action a ServiceAccount that they could not act as themselves."""
    account = "object.spec.execution.serviceAccountRef"
    impersonate = may("impersonate", "serviceaccounts", f"{account}.name", f"{account}.namespace", group="")
    return validating(
        "pratique-action",
        (Match(("actions",), ("CREATE", "UPDATE")),),
        {"me": ME},
        (
            only_canaries(operator, "Actions"),
            Check(
                # any change of the spec counts: a new template uses the account's power just as a new account does
                f"(oldObject != null && object.spec == oldObject.spec) || {impersonate}",
                "you may not impersonate the ServiceAccount that the Action names",
                f"variables.me + ' may not impersonate ServiceAccount ' + string({account}.namespace) + '/' +"
                f" string({account}.name) + ', which this Action would act as'",
            ),
            Check(
                keeps_owners("actions"),
                "ownerReferences of an Action are changed by those who may delete it: the garbage collector would",
            ),
            Check(
                f"object.spec.execution.resources.all(r, (!has(r.template) || {shallow('r.template', MAX_TEMPLATE_DEPTH)})"
                f" && (!has(r.request) || !has(r.request.body) || {shallow('r.request.body', MAX_TEMPLATE_DEPTH)}))",
                f"a template is nested deeper than {MAX_TEMPLATE_DEPTH} levels, or has a list of over 1000:"
                " make it flatter",
            ),
            Check(
                f"!has(object.spec.inputs) || !has(object.spec.inputs.schema) ||"
                f" {shallow('object.spec.inputs.schema', MAX_SCHEMA_DEPTH)}",
                f"spec.inputs.schema is nested deeper than {MAX_SCHEMA_DEPTH} levels, or has a list of over 1000:"
                " make it flatter",
            ),
        ),
    )


def status(operator: str) -> list[Manifest]:
    """`pratique-status`: only the operator says how things stand."""
    return validating(
        "pratique-status",
        (
            Match(tuple(f"{kind.plural}/status" for kind in KINDS), ("CREATE", "UPDATE")),
            # its canary: a status cannot be posted, but a NotificationChannel can
            Match(("notificationchannels",), ("CREATE",)),
        ),
        {"me": ME},
        (
            only_canaries(operator, "NotificationChannels"),
            Check(
                f"!has(request.subResource) || request.subResource != 'status' || variables.me == '{operator}'",
                "only the operator writes the status",
            ),
        ),
    )


def leash(operator: str) -> list[Manifest]:
    """`pratique-operator`: the operator deletes and fills no namespace but those it made for an Environment.

    And nobody restores a binding that a run made, since the run that ended it would not be there.

    It knows them by a label, so the label is the operator's alone: whoever else could set it on a namespace could have
    that namespace deleted, or let themselves in.
    """
    subject = "(request.operation == 'DELETE' ? oldObject : object)"
    return validating(
        "pratique-operator",
        (
            Match(("namespaces",), ("CREATE", "UPDATE", "DELETE"), group=""),
            Match(("resourcequotas", "limitranges"), ("CREATE", "UPDATE", "DELETE"), group=""),
            Match(("networkpolicies",), ("CREATE", "UPDATE", "DELETE"), group="networking.k8s.io"),
            Match(("rolebindings",), ("CREATE", "UPDATE", "DELETE"), group="rbac.authorization.k8s.io"),
            Match(("clusterrolebindings",), ("CREATE",), group="rbac.authorization.k8s.io"),
        ),
        {
            "me": ME,
            "insideOurs": _labelled("namespaceObject"),
            "isOurs": _labelled(subject),
            "now": f"{_labelled('object')} ? object.metadata.labels['{ENVIRONMENT_UID}'] : ''",
            "before": f"{_labelled('oldObject')} ? oldObject.metadata.labels['{ENVIRONMENT_UID}'] : ''",
        },
        (
            Check(
                f"""
                variables.me != '{operator}' ||
                (request.resource.resource == 'namespaces' ? variables.isOurs : variables.insideOurs)
                """,
                f"the operator makes, fills and deletes only namespaces of Environments (label {ENVIRONMENT_UID})",
            ),
            Check(
                f"""
                request.resource.resource != 'namespaces' || request.operation == 'DELETE' ||
                variables.now == variables.before ||
                (request.operation == 'CREATE' && variables.me == '{operator}')
                """,
                f"the label {ENVIRONMENT_UID} says which namespace ends with an Environment: only the operator sets it,"
                " when it makes one",
            ),
            Check(
                f"!(request.resource.resource in {_BINDINGS}) || !({_RESTORED})",
                f"a run made this binding (label {RUN_UID_LABEL}), and it comes out of a backup (label {RESTORED_LABEL}):"
                " whoever it let in would be let in again. Leave it out of the restore, and ask again",
            ),
        ),
        conditions={
            "operator-canary-or-label": f"""
                {ME} == '{operator}' || ({CANARY}) || (request.resource.resource == 'namespaces' &&
                request.operation != 'DELETE' && ({_labelled("object")} || {_labelled("oldObject")})) ||
                (request.resource.resource in {_BINDINGS} && {_RESTORED})
            """
        },
    )


def _labelled(what: str) -> str:
    return has_label(ENVIRONMENT_UID, what)
