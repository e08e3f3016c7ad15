"""Whether who asked may have an object changed, or deleted, that is somebody's: an Environment. Pure; called by `dry_run`.

A run changes with the power of the Action's account, so without this whoever may ask for an Action that extends could
extend or shorten anybody's. Whose it is says its own `spec.requestedBy`, which is frozen, or that this very run made it;
for others the API server is asked whether who asked, as it stamped them, holds the verb `extend`. What other kinds hold
belongs to nobody by name: who may have those changed is for the Action's rules to say.
"""

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.core.kernel.effects import AskRights, Failure, Json, ObjectRef, Outcomes
from pratique.core.kernel.identity import person_of
from pratique.core.plans.objects import RUN_UID_LABEL


def check_rights(
    run: ActionRun, ref: ObjectRef, verb: str, live: Json, outcomes: Outcomes, key: str
) -> AskRights | Failure | None:
    """Return the question that must be asked first, or why who asked may not have that done to it; None if they may.

    `verb` is what RBAC calls it.
    """
    if ref.kind != "Environment" or not ref.api_version.startswith(f"{GROUP}/"):
        return None
    owner = live.get("spec", {}).get("requestedBy")
    labels = live.get("metadata", {}).get("labels") or {}
    person, asked = person_of(run.spec), run.spec.requested_by
    if (owner and owner == person) or labels.get(RUN_UID_LABEL) == run.metadata.uid:
        return None
    who = asked.username if asked else ""
    groups = tuple(asked.groups) if asked else ()
    question = AskRights(key, who, groups, verb, "environments", ref)
    may = question.outcome(outcomes)
    if may is None:
        return question
    if isinstance(may, Failure):
        return may
    if may:
        return None
    whose = f"it is for {owner}" if owner else "its spec.requestedBy names nobody"
    return Failure(
        "Forbidden", f"{person} may not ask for that: {whose}; it needs the RBAC verb {verb} on environments"
    )
