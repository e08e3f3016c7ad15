"""The cache: what is known of every object, fed by watches and lists, read by the reconcilers instead of GETs.

An older version never replaces a newer one, so our own writes can be put here at once. Ten thousand waiting requests lie
here for hours, so an object is kept as compressed JSON (a tenth of its dicts) and taken out for a look; the last few that
were put or read are kept as they are. Bodies are trimmed of managedFields, and are not to be changed by who reads them.
"""

import json
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Json = dict[str, Any]
Name = tuple[str, str]
"""Namespace ("" for cluster-scoped) and name."""
Index = Callable[[Json], Iterable[str]]
_FAST = 1
"""Of zlib's levels: the higher ones take three times as long for a tenth less."""
_RECENT = 48


def name_of(body: Json) -> Name:
    """Return the key of an object within its kind."""
    return body["metadata"].get("namespace") or "", body["metadata"]["name"]


def version_of(body: Json) -> int:
    """Return the version of an object; they grow within a cluster."""
    return int(body["metadata"].get("resourceVersion") or 0)


def trim(body: Json) -> Json:
    """Return a copy without what nobody here reads."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


class _Kept(NamedTuple):
    """An object as it lies in the cache; `filed` has one tuple of values per index."""

    uid: str
    version: int
    filed: tuple[tuple[str, ...], ...]
    packed: bytes


class Store:
    """All objects of one kind, by namespace and name, with indexes."""

    def __init__(self, **indexes: Index) -> None:
        self._objects: dict[Name, _Kept] = {}
        self._recent: OrderedDict[Name, Json] = OrderedDict()
        self._indexes = indexes
        self._by: dict[str, defaultdict[str, set[Name]]] = {name: defaultdict(set) for name in indexes}

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, name: Name) -> bool:
        return name in self._objects

    def names(self) -> list[Name]:
        """Return all keys."""
        return list(self._objects)

    def get(self, name: Name) -> Json | None:
        """Return what is known of an object."""
        kept = self._objects.get(name)
        if kept is None:
            return None
        body = self._recent.get(name)
        if body is None:
            body = json.loads(zlib.decompress(kept.packed))
            self._remember(name, body)
        return body

    def version(self, name: Name) -> int:
        """Return the version that is known of an object; 0 for none."""
        kept = self._objects.get(name)
        return kept.version if kept else 0

    def by(self, index: str, value: str) -> list[Name]:
        """Return the keys of the objects that an index files under this value, sorted."""
        return sorted(self._by[index].get(value, ()))

    def count(self, index: str, value: str) -> int:
        """Return how many objects an index files under this value."""
        return len(self._by[index].get(value, ()))

    def counts(self, index: str) -> dict[str, int]:
        """Return how many objects an index files under each value."""
        return {value: len(names) for value, names in self._by[index].items()}

    def put(self, body: Json) -> bool:
        """Take in a version of an object; return whether it was news."""
        name, uid, version = name_of(body), body["metadata"]["uid"], version_of(body)
        known = self._objects.get(name)
        if known is not None:
            if version < known.version or (version == known.version and uid == known.uid):
                return False
            self._unfile(name, known)
        body = trim(body)
        filed = tuple(tuple(values(body)) for values in self._indexes.values())
        packed = zlib.compress(json.dumps(body, separators=(",", ":")).encode(), _FAST)
        self._objects[name] = _Kept(uid, version, filed, packed)
        self._remember(name, body)
        for index, values in zip(self._indexes, filed, strict=True):
            for value in values:
                self._by[index][value].add(name)
        return True

    def drop(self, name: Name, uid: str | None = None) -> bool:
        """Forget an object that was deleted (the one with this uid); return whether it was known."""
        known = self._objects.get(name)
        if known is None or (uid is not None and known.uid != uid):
            return False
        self._unfile(name, known)
        del self._objects[name]
        self._recent.pop(name, None)
        return True

    def _remember(self, name: Name, body: Json) -> None:
        self._recent[name] = body
        self._recent.move_to_end(name)
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def _unfile(self, name: Name, known: _Kept) -> None:
        for index, values in zip(self._indexes, known.filed, strict=True):
            for value in values:
                names = self._by[index][value]
                names.discard(name)
                if not names:
                    del self._by[index][value]
