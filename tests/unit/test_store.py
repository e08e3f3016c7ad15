"""The cache: an older version never replaces a newer one, and indexes follow."""

from typing import Any

from pratique.cluster.store import Store


def body(name: str, version: int, uid: str = "u", colour: str = "red") -> dict[str, Any]:
    metadata = {"namespace": "n", "name": name, "uid": uid, "resourceVersion": str(version), "managedFields": [1]}
    return {"metadata": metadata, "colour": colour}


def test_newer_replaces_older_and_never_the_reverse() -> None:
    store = Store(colour=lambda each: [each["colour"]])
    assert store.put(body("a", 2))
    assert not store.put(body("a", 2, colour="blue"))
    assert not store.put(body("a", 1, colour="blue"))
    assert store.by("colour", "red") == [("n", "a")]
    assert store.put(body("a", 3, colour="blue"))
    assert store.by("colour", "red") == [] and store.by("colour", "blue") == [("n", "a")]
    assert "managedFields" not in (store.get(("n", "a")) or {})["metadata"]


def test_a_namesake_with_another_uid_is_another_object() -> None:
    store = Store()
    store.put(body("a", 5, uid="old"))
    assert store.put(body("a", 9, uid="new"))
    assert not store.drop(("n", "a"), "old")
    assert len(store) == 1 and store.names() == [("n", "a")]
    assert store.drop(("n", "a"), "new")
    assert not store.drop(("n", "a"))
    assert store.get(("n", "a")) is None


def test_dropping_cleans_the_indexes() -> None:
    store = Store(colour=lambda each: [each["colour"]])
    store.put(body("a", 1))
    store.put(body("b", 2))
    store.drop(("n", "a"))
    assert store.by("colour", "red") == [("n", "b")]
