"""The cache: what is known of every object, fed by watches and lists, read by the reconcilers instead of GETs.

An older version never replaces a newer one, so our own writes can be put here at once. Bodies are trimmed of managedFields.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

Json = dict[str, Any]
Name = tuple[str, str]
"""Namespace ("" for cluster-scoped) and name."""
Index = Callable[[Json], Iterable[str]]


def name_of(body: Json) -> Name:
    """Return the key of an object within its kind."""
    return body["metadata"].get("namespace") or "", body["metadata"]["name"]


def _version(body: Json) -> int:
    return int(body["metadata"].get("resourceVersion") or 0)


def trim(body: Json) -> Json:
    """Return a copy without what nobody here reads."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


class Store:
    """All objects of one kind, by namespace and name, with indexes."""

    def __init__(self, **indexes: Index) -> None:
        self._objects: dict[Name, Json] = {}
        self._indexes = indexes
        self._by: dict[str, defaultdict[str, set[Name]]] = {name: defaultdict(set) for name in indexes}

    def __len__(self) -> int:
        return len(self._objects)

    def names(self) -> list[Name]:
        """Return all keys."""
        return list(self._objects)

    def get(self, name: Name) -> Json | None:
        """Return what is known of an object."""
        return self._objects.get(name)

    def by(self, index: str, value: str) -> list[Name]:
        """Return the keys of the objects that an index files under this value, sorted."""
        return sorted(self._by[index].get(value, ()))

    def put(self, body: Json) -> bool:
        """Take in a version of an object; return whether it was news."""
        name = name_of(body)
        known = self._objects.get(name)
        if known is not None:
            same = known["metadata"]["uid"] == body["metadata"]["uid"]
            if _version(body) <= _version(known) and (same or _version(body) < _version(known)):
                return False
            self._unfile(name, known)
        self._objects[name] = trim(body)
        for index, values in self._indexes.items():
            for value in values(body):
                self._by[index][value].add(name)
        return True

    def drop(self, name: Name, uid: str | None = None) -> bool:
        """Forget an object that was deleted (the one with this uid); return whether it was known."""
        known = self._objects.get(name)
        if known is None or (uid is not None and known["metadata"]["uid"] != uid):
            return False
        self._unfile(name, known)
        del self._objects[name]
        return True

    def _unfile(self, name: Name, body: Json) -> None:
        for index, values in self._indexes.items():
            for value in values(body):
                names = self._by[index][value]
                names.discard(name)
                if not names:
                    del self._by[index][value]
