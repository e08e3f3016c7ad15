"""Renders which object of a plan goes. Pure; runs inside the sandbox only. Called by `policy` and `checks`."""

from collections.abc import Iterator

from pratique.api.v1alpha1.action import ResourceTemplate
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.planned import PlannedDeletion
from pratique.core.judging.rendering import Scope, render, strings
from pratique.core.kernel.errors import EvaluationError
from pratique.core.plans.objects import Json, check_identity, forbidden_kind, not_written_out


def render_deletion(step: ResourceTemplate, goes: ObjectToDelete, scope: Scope, path: str) -> PlannedDeletion:
    """Return which object goes; raises EvaluationError with the field."""
    where = f"{path}.delete"
    for problem in problems_of_deletion(goes, where):
        raise EvaluationError(problem)
    rendered: Json = render(goes.to_wire(), scope, where)
    names = {field: rendered[field] for field in ("name", "namespace") if field in rendered}
    check_identity({**rendered, "metadata": names}, lambda field: f"{where}.{field.removeprefix('metadata.')}")
    return PlannedDeletion(id=step.id, delete=ObjectToDelete.model_validate(rendered), wait=step.wait)


def problems_of_deletion(goes: ObjectToDelete, path: str) -> Iterator[str]:
    """Yield what is wrong with it, whatever the inputs are."""
    raw = goes.to_wire()
    yield from not_written_out(raw, path)
    yield from forbidden_kind(raw, path, "deleted")


def texts_of_deletion(goes: ObjectToDelete, path: str) -> Iterator[tuple[str, str]]:
    """Yield each text with its field."""
    yield from strings(goes.to_wire(), path)
