"""Which objects of a plan are ready only once later ones are there, so that these are made first. Pure.

A claim of a class that waits for its first consumer is bound once a Pod uses it; a Deployment whose ConfigMap comes later
in the list starts once it is there. Each is awaited as soon as what it needs is made, so the order of the list holds for
all others. Only references by name count: an object that is merely called alike changes no order. Called by `execution`.
"""

import re
from collections.abc import Iterator, Sequence

from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.execution.live import mapping
from pratique.core.kernel.effects import Json

_CLAIMS = ("PersistentVolumeClaim", "DataVolume")
"""What may wait for its first consumer."""
_OTHER_NAMES = {
    "claim": "persistentvolumeclaim",
    "existingclaim": "persistentvolumeclaim",
    "pvc": "persistentvolumeclaim",
    "project": "appproject",
    "parent": "gateway",
    "imagepullsecret": "secret",
}
_ENDING = re.compile(r"(_?key)?(_?refs?)?$|_?name$|_?(id|arn)(refs?)?$")


def awaited_after(resources: Sequence[PlannedResource], position: int) -> int:
    """Return after which object of the plan the one at `position` has to be ready: after itself, if it needs no other.

    What it needs may itself need a later one.
    """
    manifests = [each.manifest for each in resources]
    named = [_references(each) for each in manifests]
    ends: dict[int, int] = {}
    for each in reversed(range(position, len(manifests))):
        ends[each] = max((ends[later] for later in _needed(manifests, named, each)), default=each)
    return ends[position]


def _needed(manifests: Sequence[Json], named: Sequence[set[tuple[str, str]]], position: int) -> list[int]:
    """Return the later objects without which the one at `position` is not ready."""
    subject = manifests[position]
    later = [each for each in range(position + 1, len(manifests)) if _may_meet(subject, manifests[each])]
    needed = [each for each in later if _called(manifests[each]) in named[position]]
    if subject["kind"] in _CLAIMS:
        users = [each for each, references in enumerate(named) if _called(subject) in references]
        # Kinds of others use a claim in ways of their own: without a user that is known, all of the plan may be.
        needed += [each for each in later if each in users] if users else range(position + 1, len(manifests))
    if subject["kind"] == "Service":
        needed += [each for each in later if _serves(subject, manifests[each])]
    return needed


def _may_meet(one: Json, other: Json) -> bool:
    """Whether two objects are in one namespace, or one of them is in none."""
    return len({each["metadata"].get("namespace") for each in (one, other)} - {None}) < 2


def _called(manifest: Json) -> tuple[str, str]:
    return str(manifest["kind"]).lower(), str(manifest["metadata"]["name"])


def _references(manifest: Json) -> set[tuple[str, str]]:
    """Return kind and name of whatever an object may mean by one of its fields."""
    own_kind = str(manifest["kind"]).lower()
    body = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    return {(kind, name) for field, value in _fields(body) for kind, name in _meant(field, value, own_kind)}


def _fields(body: object, field: str = "") -> Iterator[tuple[str, object]]:
    """Yield each map and each text with the name of the field that holds it, or its list."""
    match body:
        case dict():
            yield field, body
            for key, value in body.items():
                yield from _fields(value, str(key))
        case list():
            for value in body:
                yield from _fields(value, field)
        case str():
            yield field, body


def _meant(field: str, value: object, own_kind: str) -> Iterator[tuple[str, str]]:
    """Yield what a field names: as `{kind, name}`, or by a field that is called after the kind."""
    holder = mapping(value)
    name = holder.get("name") if holder else value
    if not isinstance(name, str) or holder.get("optional") is True:
        return
    if holder.get("kind") is not None:
        yield str(holder["kind"]).lower(), name
        return
    called = _ENDING.sub("", field.lower())
    yield own_kind if called == "dependson" else _OTHER_NAMES.get(called, called), name
    single = called.removesuffix("s")
    yield _OTHER_NAMES.get(single, single), name


def _serves(service: Json, other: Json) -> bool:
    """Whether a Service's pods come from another object."""
    selector = mapping(mapping(service.get("spec")).get("selector"))
    template = other if other["kind"] == "Pod" else mapping(mapping(other.get("spec")).get("template"))
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    return bool(selector) and selector.items() <= labels.items()
