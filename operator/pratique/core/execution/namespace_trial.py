"""Tries the namespace that an Environment would make, before an approver is asked for it. Pure; called by `dry_run`.

What is in an Environment's spec, quantities above all, the API server has judged when the Environment itself was tried. Its
namespace is made by the operator, so it is tried by the operator.
"""

from dataclasses import replace

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.environment import Environment
from pratique.core.environments.objects import namespace
from pratique.core.environments.status import is_going
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Create, Failure, Json, Outcomes, object_of


def try_namespace(manifest: Json, tried: Json, outcomes: Outcomes, key: str) -> Create | Failure | None:
    """Return the dry run that must come first, or why it could not be made; None if nothing speaks against it."""
    custom = manifest["kind"] == "Environment" and manifest["apiVersion"].startswith(f"{GROUP}/")
    if not custom:
        return None
    wanted = namespace(Environment.model_validate(tried))
    create, name = Create(key, wanted, dry_run=True), wanted["metadata"]["name"]
    failure = create.outcome(outcomes)
    if failure is None:
        return create
    if not isinstance(failure, Failure) or failure.cause is Cause.NO_DRY_RUN:
        return None
    if failure.reason != "AlreadyExists":
        return replace(failure, message=f"its Namespace {name} could not be made: {failure.message}")
    if is_going(object_of(failure)):  # the Environment waits for that itself
        return None
    return Failure("NameTaken", f"its Namespace {name} exists already: choose another name")
