"""Judges what the template of an object reads of earlier entries (`${resources.<id>.<field>}`), and renders it. Pure.

It stands by itself: no larger expression, so that approvers read all that happens. Where it would say what is made, how it
is called or who may do what, it is refused: whoever may write a status would decide that. In the sandbox only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pratique.api.v1alpha1.action import ResourceTemplate
from pratique.api.v1alpha1.meta import GROUP
from pratique.api.v1alpha1.planned import LateValue, Planned, PlannedResource
from pratique.core.judging.rendering import Scope, render_text, render_words, strings
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.text import clean, nearest
from pratique.core.plans.late_values import MAX_PATH, MAX_READS, join, path_of, point, reads_of, source_of, split
from pratique.core.plans.unfolded import entry_of

Json = Any
_RBAC = "rbac.authorization.k8s.io"
_IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
_TTL = "spec.ttlSecondsAfterFinished"
_ACCOUNT = ("serviceAccountName", "serviceAccount")
"""As whom a Pod acts, wherever its spec stands."""
MAX_LATE = 32
"""Leaves of one object."""


class LateText(str):
    """A rendered leaf in which something is still to be filled in: as people are shown it, with what stands around."""

    texts: tuple[str, ...] | None
    reads: tuple[str, ...]


def render_leaf(text: str, scope: Scope) -> Json:
    """Render one string of a template; what it reads of earlier entries stays in it."""
    pieces = split(text)
    if not pieces.reads:
        return render_text(text, scope)
    texts = tuple(render_words(each, scope) if each else "" for each in pieces.texts)
    shown = [f"${{resources.{read}}}" for read in pieces.reads]
    late = LateText(join(texts, shown))
    late.texts, late.reads = None if pieces.alone else texts, pieces.reads
    return late


def collect(manifest: Json, at: str = "") -> tuple[Json, list[LateValue]]:
    """Return a rendered object as plain JSON, and where what is still to be filled in."""
    match manifest:
        case LateText():
            texts = None if manifest.texts is None else list(manifest.texts)
            return str(manifest), [LateValue(at=at, reads=list(manifest.reads), texts=texts)]
        case Mapping():
            inner = {key: collect(each, point(at, key)) for key, each in manifest.items()}
            return {key: each for key, (each, _) in inner.items()}, [
                one for _, found in inner.values() for one in found
            ]
        case list():
            entries = [collect(each, point(at, index)) for index, each in enumerate(manifest)]
            return [each for each, _ in entries], [one for _, found in entries for one in found]
        case _:
            return manifest, []


def without_late(text: str) -> str:
    """Return a text of a template without what it reads of earlier entries, for what judges the rest of it."""
    return "".join(split(text).texts)


def problems_of_late_values(steps: Sequence[ResourceTemplate], index: int, path: str) -> Iterator[str]:
    """Yield what is wrong with what the template of an entry reads of others."""
    template, count = steps[index].template, 0
    group, kind = str(template.get("apiVersion", "")).rpartition("/")[0], template.get("kind")
    for where, text in strings(template, ""):
        field, reads = where.removeprefix("."), split(text).reads
        count += bool(reads)
        for read in reads:
            what = f"{path}.template.{field}: reads resources.{read}, "
            if group in (_RBAC, GROUP):
                yield f"{what}and nothing of {group} may be known only later: write it out, or take it from the form"
            elif field in _IDENTITY or (kind == "Job" and field == _TTL):
                yield f"{what}and {field} must be known before: write it out, or take it from the form"
            elif field.rpartition(".")[2] in _ACCOUNT:
                yield f"{what}and as whom a Pod acts must be known before: write it out, or take it from the form"
            elif any(part.startswith("$") for part in field.split(".")):
                yield f"{what}and how a list is changed must be known before: write it out"
            else:
                yield from (f"{what}{why}" for why in _problems(steps, index, read))
    if count > MAX_LATE:
        yield f"{path}.template: reads of earlier entries in {count} fields, {MAX_LATE} are allowed"


def _problems(steps: Sequence[ResourceTemplate], index: int, read: str) -> Iterator[str]:
    """Yield why something that is read will not be there, as the end of a sentence."""
    ident, places = source_of(read), {each.id: place for place, each in enumerate(steps)}
    place = places.get(ident)
    if place is None:
        known = [each.id for each in steps[:index] if each.delete is None]
        meant = nearest(ident, known)
        hint = f"did you mean {meant}?" if meant else f"earlier are: {', '.join(known) or 'none'}"
        yield f"and there is no entry {ident}; {hint}"
        return
    source = steps[place]
    if place >= index:
        yield "which is not made by then: only an entry before this one is"
    elif source.for_each is not None:
        yield "which has forEach: one for each of a list, so it is not known which is meant"
    elif source.delete is not None:
        yield "which is deleted: nothing is left to read"
    elif source.template.get("kind") == "Secret":
        yield "which is a Secret: let who needs its values read the Secret itself, by its name"
    elif source.request is not None and path_of(read) not in (kept := ["status", *source.request.answer]):
        yield f"which request.answer of {ident} does not keep; known are: {', '.join(kept)}"
    elif len(read) > MAX_PATH:
        yield f"which is longer than {MAX_PATH} characters"


def reword(problems: Iterable[str], path: str) -> Iterator[str]:
    """Say of an expression over `resources` in a template how it is written."""
    alone = (
        "what an earlier entry gives may only stand by itself, as ${resources.<id>.<field>}, or as"
        " ${string(resources.<id>.<field>)} for a text of a number; text may stand around it"
    )
    for each in problems:
        yield f"{path}: {alone}" if "undeclared reference to 'resources" in each else each


def check_template(steps: Sequence[ResourceTemplate], index: int, path: str) -> None:
    """Raise EvaluationError for the first problem: an Action may be used though its check found a fault."""
    for problem in problems_of_late_values(steps, index, path):
        raise EvaluationError(problem)


def check_late(planned: Sequence[Planned], steps: Sequence[ResourceTemplate]) -> None:
    """Raise EvaluationError where an object reads what will not be there: other inputs leave out other entries."""
    ids, there, every = [each.id for each in steps], set[str](), set[str]()
    for each in planned:
        if isinstance(each, PlannedResource) and each.late:
            path = f"spec.execution.resources[{ids.index(entry_of(each.id))}]"
            for read in reads_of(each):
                every.add(read)
                if source_of(read) not in there:
                    what = f"{path}.template: reads resources.{clean(read, MAX_PATH)}"
                    raise EvaluationError(f"{what}, whose `when` is false with these inputs: give both the same `when`")
        there.add(each.id)
    if len(every) > MAX_READS:
        text = f"spec.execution.resources: read {len(every)} values of earlier entries, {MAX_READS} are allowed"
        raise EvaluationError(text)
