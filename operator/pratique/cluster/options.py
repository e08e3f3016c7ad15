"""Lists what a field of a form offers: reads it as the Action's account, and asks whether who asked may list it.

Both are always done, so that the time of an answer says no more than its words. Pages are small at first: an object may
have a megabyte, and nobody reads five hundred of those.
"""

import asyncio
import json

from pratique.cluster.client import Api, ApiError
from pratique.cluster.failures import as_failure
from pratique.cluster.targets import may
from pratique.core.kernel.effects import Failure, Json, Listing, ListOptions
from pratique.core.kernel.limits import MAX_OFFERED, MAX_OFFERED_BYTES

_FIRST_PAGE, _PAGE = 20, 100
_LARGE = 256 * 1024
"""Bytes of a first page behind which the others are as small."""


async def list_options(api: Api, effect: ListOptions) -> Listing:
    """Return what is offered, and whether who asked may list it; raises ApiError if there can be no such objects."""
    source = effect.source
    plural, namespaced = await api.resource_of(source.api_version, source.kind)
    if not namespaced and (source.namespace or source.all_namespaces):
        text = f"{source.kind} is not in a namespace: leave namespace and allNamespaces of options.from out"
        raise ApiError(400, "BadRequest", text)
    if source.namespace and source.all_namespaces:
        raise ApiError(
            400, "BadRequest", "namespace and allNamespaces of options.from exclude each other: leave one out"
        )
    every = source.all_namespaces or not namespaced
    namespace = None if every else source.namespace or effect.run_namespace
    where = f" in namespace {namespace}" if namespace else " of all namespaces" if namespaced else ""
    path = await api.collection_of(source.api_version, source.kind, namespace)
    asked = {"version": source.api_version.rpartition("/")[2], "group": source.api_version.rpartition("/")[0]}
    asked |= {"resource": plural, "verb": "list"} | ({"namespace": namespace} if namespace else {})
    what = f"objects of kind {source.kind}{where}"
    may_list, found = await asyncio.gather(may(api, effect.username, effect.groups, asked), _read(api, path, effect))
    if isinstance(found, str):
        many = f"there are {found} among {what}: the Action has to narrow options.from.selector"
        return Listing(what, may_list, (), many)
    return Listing(what, may_list, found)


async def _read(api: Api, path: str, effect: ListOptions) -> tuple[Json, ...] | Failure | str:
    """Return the objects as expressions know them, with apiVersion and kind, which lists leave out; or what is too much."""
    source, found, size = effect.source, list[Json](), 0
    params = {"limit": str(_FIRST_PAGE)}
    if source.selector:
        params["labelSelector"] = ",".join(f"{key}={value}" for key, value in sorted(source.selector.items()))
    while True:
        try:
            page = await api.request("GET", path, params=params, run_as=effect.run_as)
        except ApiError as error:
            return as_failure(error.answer.bare())
        for each in page.get("items") or ():
            metadata = {key: value for key, value in each["metadata"].items() if key != "managedFields"}
            known = {**each, "apiVersion": source.api_version, "kind": source.kind, "metadata": metadata}
            found.append(known)
            size += len(json.dumps(known))
        if len(found) > MAX_OFFERED:
            return f"more than {MAX_OFFERED} objects"
        if size > MAX_OFFERED_BYTES:
            return f"more than {MAX_OFFERED_BYTES} bytes"
        if not (following := page["metadata"].get("continue")):
            return tuple(found)
        params |= {"continue": following, "limit": str(_FIRST_PAGE if size > _LARGE else _PAGE)}
