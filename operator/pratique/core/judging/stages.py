"""Decides which stages of an Action hold a run, and whether people could ever grant them. Pure; runs in the sandbox.

The rules of a plan are those of the Action with its expressions evaluated: what is frozen in a gate has none left.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, TypedDict

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import SkippedStage
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.scalars import MAX_USERNAME
from pratique.api.v1alpha1.stages import ApprovalRules, SamePeople, Stage
from pratique.core.judging.copies import refuse_copied, with_other_word
from pratique.core.judging.expressions import Note, errors_at, evaluate_condition, unnoted
from pratique.core.judging.rendering import render_text
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.identity import fold
from pratique.core.kernel.limits import MAX_EXCLUDED
from pratique.core.plans.people import able_of, has_enough
from pratique.core.telling.wording import stage_phrase

Scope = Mapping[str, Any]


class Gates(TypedDict):
    """The part of a plan that says who must approve it."""

    gate: Stage | None
    gates: list[Stage] | None
    skipped: list[SkippedStage] | None
    same_person_in_stages: SamePeople | None


def judge_stages(action: Action, scope: Scope, note: Note = unnoted, kept: str = "") -> list[Stage]:
    """Return the stages that apply, in turn, as they are frozen; raises EvaluationError with the field."""
    applying = []
    for index, stage in enumerate(action.spec.approval.stages):
        path = f"spec.approval.stages[{index}]"
        if evaluate_condition(stage.when, scope, f"{path}.when", note) or stage.name == kept:
            excluded = _excluded(stage.exclude or (), scope, f"{path}.exclude", note)
            applying.append(amend(stage, exclude=excluded or None))
    return applying


def gates_of_plan(rules: ApprovalRules, applying: list[Stage]) -> Gates:
    """Return what a plan says of its gates.

    One stage whose rule version 0.1.0 knows is written as that reads it; of any other it finds no stage at all, and starts
    nothing that was approved by a rule of which it would count a part only.
    """
    if len(rules.stages) == 1 and all(each.is_plain for each in applying):
        return Gates(gate=next(iter(applying), None), gates=None, skipped=None, same_person_in_stages=None)
    names = {each.name for each in applying}
    skipped = [SkippedStage(name=each.name, when=each.when) for each in rules.stages if each.name not in names]
    allowed = rules.same_person_in_stages if len(applying) > 1 else SamePeople.FORBID
    return Gates(
        gate=None,
        gates=applying or None,
        skipped=skipped or None,
        same_person_in_stages=allowed if allowed is SamePeople.ALLOW else None,
    )


def _excluded(texts: Sequence[str], scope: Scope, path: str, note: Note) -> list[str]:
    """Return the user names that a rule excludes; an input that was left empty names nobody."""
    names, hidden_otherwise = [], with_other_word(scope) if texts else None
    for index, text in enumerate(texts):
        found = list(_names(text, scope, f"{path}[{index}]"))
        if hidden_otherwise is not None:
            other = list(_names(text, hidden_otherwise, f"{path}[{index}]"))
            refuse_copied(
                found, other, f"{path}[{index}]", "it would exclude nobody; name them in a label or an annotation"
            )
        note(f"{path}[{index}]", bool(found))
        names += found
    if len(names) > MAX_EXCLUDED:
        raise EvaluationError(f"{path}: names {len(names)} users, {MAX_EXCLUDED} are allowed")
    return list(dict.fromkeys(names))


def _names(text: str, scope: Scope, path: str) -> Iterator[str]:
    with errors_at(path):
        value = render_text(text, scope)
    for name in value if isinstance(value, list) else [value]:
        if not isinstance(name, str) or len(name) > MAX_USERNAME:
            raise EvaluationError(
                f"{path}: must be a user name, or a list of them, of {MAX_USERNAME} characters at most"
            )
        if name.strip():
            yield name.strip()


def find_unsatisfiable(stages: Sequence[Stage], asking: tuple[str, ...], same: SamePeople) -> list[str]:
    """Return why these stages could never all be granted, instead of letting a run wait until its deadline.

    Only what is known by name is counted: a group may have anybody in it.
    """
    alone = [problem for each in stages if (problem := _find_too_few(each, asking)) is not None]
    if alone or same is SamePeople.ALLOW:
        return alone
    return [problem] if (problem := _find_too_few_together(stages, asking)) is not None else []


def _find_too_few(stage: Stage, asking: tuple[str, ...]) -> str | None:
    if has_enough(stage, (*asking, *(stage.exclude or ()))):
        return None
    excluded = ", nor can whom spec.approval excludes" if stage.exclude else ""
    return f"This could never be approved: it needs {stage_phrase(stage)}, and a requester cannot decide{excluded}"


def _able(stage: Stage, asking: tuple[str, ...]) -> set[str]:
    out = (*asking, *(stage.exclude or ()))
    added = {fold(user) for user in stage.added_users} - {fold(user) for user in out}
    return added.union(*(able_of(each, out) for each in stage.ways))


def _find_too_few_together(stages: Sequence[Stage], asking: tuple[str, ...]) -> str | None:
    """Return some stages that need more people than they name: nobody decides in two (Hall's theorem)."""
    named = [
        (each, _able(each, asking), min(way.needed for way in each.ways))
        for each in stages
        if not (each.added_groups or any(way.may_be_anybody for way in each.ways))
    ]
    for size in range(2, len(named) + 1):
        for chosen in combinations(named, size):
            people, needed = set[str]().union(*(able for _, able, _ in chosen)), sum(need for _, _, need in chosen)
            if len(people) < needed:
                names = " and ".join(stage.name for stage, _, _ in chosen)
                return (
                    f"This could never be approved: the stages {names} need {needed} people together and name"
                    f" {len(people)}, and nobody decides in two; name more, or set approval.samePersonInStages: Allow"
                )
    return None
