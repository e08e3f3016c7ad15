"""Looks at an object that says who may approve: reads it as the Action's account, and asks whether who asks may write it.

Whoever could write it could name their own approver. So the API server is asked for every way there is to change what it
says: the object itself, its status, and the collection that it is in. What somebody may do by means of other rights (to
give themselves one, to act as somebody else) is not asked: they need no object for it.
"""

import asyncio
from collections.abc import Iterator

from pratique.cluster.client import TOO_LARGE, Api, ApiError
from pratique.cluster.failures import as_failure
from pratique.cluster.reviews import review, within
from pratique.core.kernel.effects import Failure, ObjectRef, Stored
from pratique.core.kernel.looking import Asker, LookAtSource, Power, SourceSeen

MAX_BYTES = 512 * 1024
"""Of one object, as the API server writes it: of a larger one nothing is parsed."""
_NAMED = (("update", ""), ("patch", ""), ("delete", ""), ("update", "status"), ("patch", "status"))
_ALL = ("create", "deletecollection")
_NAMESPACE = ("", "Namespace")
"""It is also written by way of its subresource `finalize`, and by rights that a RoleBinding within it gives."""


async def look_at_source(api: Api, effect: LookAtSource) -> SourceSeen:
    """Return the object, and whether who asks may write it; raises ApiError if there can be no such object."""
    wanted = effect.ref
    plural, namespaced = await api.resource_of(wanted.api_version, wanted.kind)
    if wanted.namespace and not namespaced:
        raise ApiError(400, "BadRequest", f"{wanted.kind} is not in a namespace: leave namespace out")
    namespace = wanted.namespace or (effect.run_namespace if namespaced else None)
    ref = ObjectRef(wanted.api_version, wanted.kind, wanted.name, namespace)
    path = await api.path_of(ref)
    power, found = await asyncio.gather(_find_power(api, effect, ref, plural), _read(api, path, ref, effect.run_as))
    return SourceSeen(ref, power, found)


async def _read(api: Api, path: str, ref: ObjectRef, run_as: str) -> Stored | Failure:
    try:
        async with api.listing:
            live = await api.request("GET", path, run_as=run_as, at_most=MAX_BYTES)
    except ApiError as error:
        if error.reason == TOO_LARGE:
            return Failure(TOO_LARGE, f"{ref} has more than {MAX_BYTES} bytes")
        return as_failure(error.answer.bare())
    return Stored(live)


async def _find_power(api: Api, effect: LookAtSource, ref: ObjectRef, plural: str) -> Power | None:
    """Return the first way in which somebody who asks may write the object; None if there is none."""
    asked = [(who, asks) for who in effect.askers for asks in _ways(ref, plural)]
    may_write = await asyncio.gather(*(_may(api, who, asks) for who, asks in asked))
    return next((_power(who, asks) for (who, asks), allowed in zip(asked, may_write, strict=True) if allowed), None)


def _ways(ref: ObjectRef, plural: str) -> Iterator[dict[str, str]]:
    """Yield what the API server is asked about, as a SubjectAccessReview has it."""
    group, _, version = ref.api_version.rpartition("/")
    about = {"group": group, "version": version, "resource": plural}
    is_namespace = (group, ref.kind) == _NAMESPACE
    inside = about | within(ref)
    for verb, part in (*_NAMED, *((("update", "finalize"),) if is_namespace else ())):
        yield {**inside, "verb": verb, "name": ref.name, **({"subresource": part} if part else {})}
    for verb in _ALL:  # no request of these has a name
        yield {**(about if is_namespace else inside), "verb": verb}


async def _may(api: Api, who: Asker, asks: dict[str, str]) -> bool:
    """Whether somebody may do this. If one authorizer could not be asked there is no answer: it may be what allows."""
    said = await review(api, who.username, who.groups, asks)
    if not said["allowed"] and said.get("evaluationError"):
        what = f"{asks['verb']} {asks['resource']}"
        raise ApiError(0, "NoAnswer", f"the API server could not say whether {who.username} may {what}")
    return bool(said["allowed"])


def _power(who: Asker, asks: dict[str, str]) -> Power:
    part = f"/{asks['subresource']}" if "subresource" in asks else ""
    return Power(who.username, f"{asks['verb']} {asks['resource']}{part}")
