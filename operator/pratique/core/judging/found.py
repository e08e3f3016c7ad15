"""Finds the people of a rule in objects: which objects are wanted, whom they name, and whether that can be.

The names are written out into the stages, so that nothing is looked up after a request was judged. What an object says is
data of others: a name that cannot be refuses the request, with the object and what was read; an expression that fails
holds it. Pure; runs inside the sandbox only. Called by `judge`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.found import MAX_FOUND, MAX_SOURCES, ApproverSource, FoundInStage, FoundPeople
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.scalars import MAX_USERNAME
from pratique.api.v1alpha1.stages import Quorum, RuleApprovers, Stage
from pratique.core.judging.copies import refuse_copied, with_other_word
from pratique.core.judging.expressions import Note, compile_expression, errors_at
from pratique.core.judging.rendering import render_text
from pratique.core.kernel.effects import ObjectRef
from pratique.core.kernel.errors import EvaluationError, NoApproverError, NotThereError
from pratique.core.kernel.hiding import hide
from pratique.core.kernel.identity import is_among
from pratique.core.kernel.looking import Sources, key_of
from pratique.core.kernel.text import clean
from pratique.core.plans.summary import name_of
from pratique.core.telling.wording import say_found

Json = dict[str, Any]
Scope = Mapping[str, Any]
_VALUE, _MAX_NAME = 80, 253
_SEVERAL = re.compile(r",\s|;|@.*[,|\s].*@")
"""Stricter than what an Action may name (`ONE_NAME`): objects are written by hand for people. A blank or `|` alone may be
part of a name (`Domain Admins`, `auth0|5f7c8e`)."""
_COMPUTED = "a name that is computed"
_INSTEAD = "it would name nobody; put names into a label, an annotation or a ConfigMap"


@dataclass
class People:
    """What the rules of a request come to: the stages with their people, or the objects that are wanted before."""

    stages: list[Stage] = field(default_factory=list)
    found: list[FoundInStage] = field(default_factory=list)
    wanted: list[ObjectRef] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Look:
    """What is known at a look: the names that expressions see, the objects that were read, and who asks."""

    scope: Scope
    sources: Sources
    asking: tuple[str, ...]
    note: Note


def find_people(
    action: Action, stages: list[Stage], scope: Scope, sources: Sources, asking: tuple[str, ...], note: Note
) -> People:
    """Return the stages of an Action that apply, with the people who are found for them."""
    if not any(each.approvers.from_ for stage in stages for each in stage.ways):
        return People(stages)
    paths = {each.name: f"spec.approval.stages[{index}]" for index, each in enumerate(action.spec.approval.stages)}
    look, people = _Look(scope, sources, asking, note), People()
    wanted = dict[str, ObjectRef]()
    for stage in stages:
        for place, source in stage.sources:
            ref = _ref(source, scope, f"{paths[stage.name]}.{place}", note)
            wanted[key_of(ref)] = ref
    if len(wanted) > MAX_SOURCES:
        text = f"spec.approval: looks for people in {len(wanted)} objects, {MAX_SOURCES} are allowed"
        raise EvaluationError(text)
    people.wanted = [ref for key, ref in wanted.items() if key not in look.sources]
    if people.wanted:
        return people
    for stage in stages:
        _add_stage(people, stage, paths[stage.name], look)
    return people


def _ref(source: ApproverSource, scope: Scope, path: str, note: Note) -> ObjectRef:
    """Return the object that is meant."""
    if (source.api_version, source.kind) == ("v1", "Secret"):
        raise EvaluationError(f"{path}.kind: no Secret is read: names that are found are shown")
    name = _evaluated(source.name, scope, f"{path}.name", text=True)
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME:
        raise EvaluationError(f"{path}.name: must be the name of an object, a text of {_MAX_NAME} characters at most")
    note(f"{path}.name", True)
    return ObjectRef(source.api_version, source.kind, name, source.namespace)


def _add_stage(people: People, stage: Stage, path: str, look: _Look) -> None:
    """Add one stage with its people to those that are known; or why it cannot be."""
    ways, found = list[Quorum](), list[FoundPeople]()
    out = (*look.asking, *(stage.exclude or ()))
    for place, way in enumerate(stage.ways):
        where = f"{path}.alternatives[{place - 1}].approvers" if place else f"{path}.approvers"
        named = list[FoundPeople]()
        for index, source in enumerate(way.approvers.from_ or ()):
            try:
                named.append(_name(source, f"{where}.from[{index}]", look))
            except NoApproverError as error:
                people.refusals.append(str(error))
        ways.append(amend(way, approvers=_written_out(people, way.approvers, named, out, stage.name)))
        found += named
    alternatives = ways[1:] if stage.alternatives is not None else None
    filled = amend(stage, approvers=ways[0].approvers, alternatives=alternatives)
    users = {name for each in ways for name in each.approvers.users}
    groups = {name for each in ways for name in each.approvers.groups}
    for sort, names in (("users", users), ("groups", groups)):
        if len(names) > MAX_FOUND:
            text = f"{path}: with those who were found it has {len(names)} {sort}, and a gate holds {MAX_FOUND}"
            people.refusals.append(f"{text}; {say_found(found)}"[:1024])
    people.stages.append(filled)
    if found:
        people.found.append(FoundInStage(stage=stage.name, sources=found))


def _written_out(
    people: People, rule: RuleApprovers, named: Sequence[FoundPeople], out: tuple[str, ...], stage: str
) -> RuleApprovers:
    """Return the approvers of a rule by name: with those who were found, or those who stand in for them."""
    users = [name for each in named for name in each.users]
    groups = [name for each in named for name in each.groups]
    if rule.from_ and not groups and all(is_among(name, out) for name in users):
        if rule.fallback is not None:
            users, groups = list(rule.fallback.users), list(rule.fallback.groups)
        elif len(named) == len(rule.from_):
            but = ", and who asks or is excluded cannot approve" if users else ""
            people.refusals.append(
                f"Nobody was found who could approve stage {stage}: {say_found(named)}{but}. Let who keeps that name"
                " somebody, and ask again"
            )
    users, groups = list(dict.fromkeys([*rule.users, *users])), list(dict.fromkeys([*rule.groups, *groups]))
    return amend(rule, users=users, groups=groups, from_=None, fallback=None)


def _name(source: ApproverSource, path: str, look: _Look) -> FoundPeople:
    """Return whom an object names."""
    live = look.sources[key_of(_ref(source, look.scope, path, look.note))]
    metadata, names = live.get("metadata") or {}, dict[str, list[str]]()
    for sort, text in (("users", source.users), ("groups", source.groups)):
        try:
            names[sort] = list(dict.fromkeys(_names(text, sort, live, f"{path}.{sort}", look))) if text else []
        except NoApproverError as error:
            raise NoApproverError(f"{path}.{sort}: {name_of(live)} {error}") from None
        if len(names[sort]) > MAX_FOUND:
            count = len(names[sort])
            raise NoApproverError(f"{path}.{sort}: {name_of(live)} names {count} {sort}, {MAX_FOUND} are allowed")
    return FoundPeople(
        api_version=source.api_version,
        kind=source.kind,
        namespace=metadata.get("namespace"),
        name=str(metadata.get("name")),
        uid=str(metadata.get("uid")),
        resource_version=str(metadata.get("resourceVersion") or ""),
        users=names["users"],
        groups=names["groups"],
    )


def _names(text: str, sort: str, live: Json, path: str, look: _Look) -> Iterator[str]:
    """Yield the names that an expression gives; what it reads and is not there names nobody."""
    try:
        value = _evaluated(text, {"object": live, **look.scope}, path, text=False)
    except NotThereError as error:
        if error.path != _COMPUTED and not error.path.startswith("object."):
            raise
        value = None
    except EvaluationError as error:
        raise EvaluationError(hide(str(error), live)) from None
    look.note(path, True)
    for name in _split(value):
        if not isinstance(name, str):
            raise NoApproverError(f"gives {_shown(name)}, which is no name: names are texts")
        if (problem := _misfit(name, sort)) is not None:
            raise NoApproverError(problem)
        yield name


def _split(value: Any) -> Sequence[Any]:  # noqa: ANN401 - any JSON value
    """Return the entries of what an expression gives: of a text, those between commas or in lines of their own."""
    match value:
        case None:
            return ()
        case list():
            return value
        case str() if not value.strip():
            return ()
        case str() if "=" in value:  # a distinguished name has commas
            return (value.strip(),)
        case str():
            return [each.strip() for each in re.split(r"[,\n]", value.strip())]
        case _:
            raise NoApproverError(f"gives {_shown(value)}: it must be a text, or a list of texts")


def _misfit(name: str, sort: str) -> str | None:
    """Return why this cannot be the name of an approver, or None."""
    if not name.strip():
        return f"gives an empty name among the {sort}: a comma too many, or an entry that is blank"
    if len(name) > MAX_USERNAME:
        return f"gives a name of {len(name)} characters, {MAX_USERNAME} are allowed: {_shown(name)}"
    if name.startswith("system:"):
        what = "ServiceAccounts and users of the system do not approve" if sort == "users" else "it is of the system"
        return f"names {_shown(name)}: approvers are people, and {what}"
    several = "=" not in name and _SEVERAL.search(name)
    if several:
        return f"gives {_shown(name)}, which is not one name: commas or line ends divide them, or entries of a list"
    if name != name.strip() or clean(name, MAX_USERNAME) != name:
        return f"gives {_shown(name)}, which is not one name: no blanks around it, and nothing that cannot be seen"
    return None


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return clean(json.dumps(value, ensure_ascii=False, sort_keys=True), _VALUE)


def _evaluated(expression: str, scope: Scope, path: str, *, text: bool) -> Any:  # noqa: ANN401 - any JSON value
    """Return what an expression gives, or a text with some in it; nothing of a Secret that the request acts on."""
    value, hidden_otherwise = _value(expression, scope, path, text=text), with_other_word(scope)
    if hidden_otherwise is not None:
        refuse_copied(value, _value(expression, hidden_otherwise, path, text=text), path, _INSTEAD)
    return value


def _value(expression: str, scope: Scope, path: str, *, text: bool) -> Any:  # noqa: ANN401 - any JSON value
    with errors_at(path):
        return render_text(expression, scope) if text else compile_expression(expression, tuple(scope)).evaluate(scope)
