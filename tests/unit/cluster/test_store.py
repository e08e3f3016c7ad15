"""The cache: an older version never replaces a newer one, and indexes follow."""

import json
import tracemalloc
from typing import Any

from pratique.cluster.store import Store, trim


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


def test_what_was_put_long_ago_comes_back_as_it_was() -> None:
    store = Store(colour=lambda each: [each["colour"]])
    deep: dict[str, Any] = {"text": "für \x00 alle 🚢"}
    for _ in range(100):
        deep = {"deeper": [deep]}
    first = {**body("first", 1), "deep": deep}
    store.put(first)
    for number in range(1000):
        store.put(body(f"n{number}", number + 2))
    first["metadata"].pop("managedFields")
    assert store.get(("n", "first")) == first
    assert store.get(("n", "n0")) == trim(body("n0", 2))
    assert store.version(("n", "n0")) == 2 and store.version(("n", "nobody")) == 0
    assert store.counts("colour") == {"red": 1001}


def test_it_takes_a_tenth_of_what_the_dicts_take() -> None:
    store = Store()
    words = [{"event": f"Phase{at}", "message": "Waiting for 1 of group platform-leads", "at": at} for at in range(30)]
    tracemalloc.start()
    plain = [json.loads(json.dumps({**body(f"n{at}", at + 1), "timeline": words})) for at in range(100)]
    as_dicts = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    tracemalloc.start()
    for each in plain:
        store.put(each)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept * 8 < as_dicts
