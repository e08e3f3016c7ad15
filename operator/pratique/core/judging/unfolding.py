"""Makes as many steps of an entry with `forEach` as its list has entries. Pure; runs inside the sandbox only."""

from collections.abc import Mapping
from typing import Any

from pratique.api.v1alpha1.action import ResourceTemplate
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest, PlannedResource
from pratique.core.judging.expressions import EACH, Note, compile_expression, errors_at
from pratique.core.judging.scopes import SCOPE
from pratique.core.kernel.errors import EvaluationError, NamedByRequesterError
from pratique.core.kernel.limits import MAX_OBJECTS
from pratique.core.plans.deletions import ref_of_deletion
from pratique.core.plans.summary import name_of
from pratique.core.plans.unfolded import entry_of, is_unfolded, name_step

FOR_EACH_SCOPE = SCOPE
"""Neither the target nor what was chosen: how many steps there are is decided by what was asked for."""
Scope = Mapping[str, Any]


def unfold(template: ResourceTemplate, scope: Scope, path: str, note: Note) -> list[tuple[ResourceTemplate, Scope]]:
    """Return the steps of one entry, each with the names that it sees; raises EvaluationError with the field."""
    if template.for_each is None:
        return [(template, scope)]
    where = f"{path}.forEach"
    with errors_at(where):
        entries = compile_expression(template.for_each, FOR_EACH_SCOPE).evaluate(
            {name: scope[name] for name in FOR_EACH_SCOPE}
        )
        if not isinstance(entries, list):
            raise EvaluationError(f"must be a list, but is {type(entries).__name__}: {template.for_each}")
        if len(entries) > MAX_OBJECTS:
            raise NamedByRequesterError(
                f"gives {len(entries)} entries, {MAX_OBJECTS} are allowed: ask for fewer at once"
            )
    note(where, True)
    return [
        (amend(template, id=name_step(template.id, position)), {**scope, EACH: entry})
        for position, entry in enumerate(entries)
    ]


def refuse_too_many(planned: list[Planned]) -> None:
    """Raise EvaluationError where the entries together come to more steps than a run may have, or to an object twice."""
    if len(planned) > MAX_OBJECTS:
        text = f"spec.execution.resources: come to {len(planned)} objects and calls, {MAX_OBJECTS} are allowed"
        raise NamedByRequesterError(f"{text}: ask for fewer at once")
    known: dict[tuple[str, str], str] = {}
    made: dict[str, str] = {}
    for each in planned:
        if isinstance(each, PlannedRequest):
            continue
        what, name = _object_of(each)
        before = known.setdefault((entry_of(each.id), what), each.id)
        if isinstance(each, PlannedDeletion):
            made.pop(what, None)
        elif not each.patch:
            first = made.setdefault(what, each.id)
            before = first if is_unfolded(first) or is_unfolded(each.id) else before
        if before != each.id:
            text = f"{name} would be {_verb(each)} twice, by {before} and by {each.id}"
            raise NamedByRequesterError(f"spec.execution.resources: {text}: ask for each only once")


def _object_of(step: PlannedResource | PlannedDeletion) -> tuple[str, str]:
    """Return which object is meant, whatever the version, and how people call it."""
    if isinstance(step, PlannedDeletion):
        version, name = step.delete.api_version, str(ref_of_deletion(step))
    else:
        version, name = step.manifest["apiVersion"], name_of(step.manifest)
    return f"{version.rpartition('/')[0]} {name}", name


def _verb(step: PlannedResource | PlannedDeletion) -> str:
    if isinstance(step, PlannedDeletion):
        return "deleted"
    return "changed" if step.patch else "made"
