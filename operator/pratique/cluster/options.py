"""Lists what a field of a form offers: reads it as the Action's account, and asks whether who asked may list it.

Both are always done, so that the time of an answer says no more than its words. Whoever writes such objects decides how
large they are, and an object may have a megabyte: so pages are small, smaller still where they turn out large, and of one
that is too large the rest is not read. Parsing holds the whole process up, in a thread as well (0.1 s for a page of nothing
but braces), and what is parsed takes many times the memory: of all that forms offer two pages are read at a time.
"""

import asyncio
import json

from pratique.cluster.client import TOO_LARGE, Api, ApiError
from pratique.cluster.failures import as_failure
from pratique.cluster.reviews import may
from pratique.core.kernel.effects import Failure, Json, Listing, ListOptions
from pratique.core.kernel.limits import LEAST_OFFERED_BYTES, MAX_OFFERED, MAX_OFFERED_BYTES

_PAGE, _SMALLER = 20, 4
"""Objects of a page, and by how much it shrinks if that was too large."""
_PAGE_BYTES, _OBJECT_BYTES = 512 * 1024, MAX_OFFERED_BYTES
"""Of a page, and of one that holds a single object, as the API server writes them."""


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
    asked |= {"name": source.name} if source.name else {}  # what a list of this one name takes
    what = f"{source.kind} {source.name}{where}" if source.name else f"objects of kind {source.kind}{where}"
    may_list, found = await asyncio.gather(may(api, effect.username, effect.groups, asked), _read(api, path, effect))
    if isinstance(found, str):
        return Listing(what, may_list, (), f"there are {found} among {what}")
    if isinstance(found, Failure):
        return Listing(what, may_list, found)
    objects, size = found
    return Listing(what, may_list, objects, size=size)


async def _read(api: Api, path: str, effect: ListOptions) -> tuple[tuple[Json, ...], int] | Failure | str:
    """Return the objects as expressions know them and how many bytes they have; or what is too much.

    They know apiVersion and kind, which lists leave out, and no records of field managers, which are counted.
    """
    source, found, size, limit = effect.source, list[Json](), 0, _PAGE
    params = {}
    if source.selector:
        params["labelSelector"] = ",".join(f"{key}={value}" for key, value in sorted(source.selector.items()))
    if source.name:
        params["fieldSelector"] = f"metadata.name={source.name}"
    while True:
        try:
            page = await _read_page(api, path, params | {"limit": str(limit)}, effect.run_as)
        except ApiError as error:
            if error.reason != TOO_LARGE:
                return as_failure(error.answer.bare())
            if limit == 1:
                return _too_large(effect)
            limit = max(limit // _SMALLER, 1)
            continue
        for each in page.get("items") or ():
            size += max(len(json.dumps(each)), LEAST_OFFERED_BYTES)
            metadata = {key: value for key, value in each["metadata"].items() if key != "managedFields"}
            found.append({**each, "apiVersion": source.api_version, "kind": source.kind, "metadata": metadata})
        if len(found) > MAX_OFFERED:
            return f"more than {MAX_OFFERED} objects"
        if size > effect.room:
            return _too_large(effect)
        if not (following := page["metadata"].get("continue")):
            return tuple(found), size
        params["continue"], limit = following, min(2 * limit, _PAGE)


async def _read_page(api: Api, path: str, params: dict[str, str], run_as: str) -> Json:
    most = _OBJECT_BYTES if params["limit"] == "1" else _PAGE_BYTES
    async with api.listing:
        return await api.request("GET", path, params=params, run_as=run_as, at_most=most)


def _too_large(effect: ListOptions) -> str:
    before = "" if effect.room == MAX_OFFERED_BYTES else ", with what fields before it offer,"
    return f"more than {MAX_OFFERED_BYTES} bytes{before}"
