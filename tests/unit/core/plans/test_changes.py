"""What a dry run may show: what goes and what comes, entry by entry; and nothing that the cluster makes up."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.plans.changes import changes_of_new, changes_of_patched
from pratique.core.plans.elements import among
from pratique.core.plans.field_changes import MAX_CHANGES
from pratique.core.plans.listing import key_of_change, list_changes, loss_of, sentence_of

WEB = {"name": "web", "image": "nginx:1.27", "env": [{"name": "DB", "value": "postgres"}], "resources": {"cpu": "1"}}
SIDECAR = {"name": "sidecar", "image": "envoy:1"}
DIGEST = r"\(sha256:[0-9a-f]{16}\)"


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **more}}


def of_patched(
    template: dict[str, Any], before: dict[str, Any], after: dict[str, Any], *, replaced: bool = False
) -> list[Any]:
    found = list_changes(changes_of_patched(template, before, after, replaced=replaced))
    return [sentence_of(each) for each in found]


def of_new(template: dict[str, Any], stored: dict[str, Any]) -> list[Any]:
    return [sentence_of(each) for each in list_changes(changes_of_new(template, stored))]


def lost(
    template: dict[str, Any], before: dict[str, Any], after: dict[str, Any], *, replaced: bool = False
) -> list[Any]:
    return [loss_of(each) for each in changes_of_patched(template, before, after, replaced=replaced) if each.lost]


IMAGE = pod({"name": "web", "image": "nginx:1.28"})
NEW_WEB = {**WEB, "image": "nginx:1.28"}

PATCHED = {
    "a field": (
        {"spec": {"replicas": 10}},
        {"spec": {"replicas": 3}},
        {"spec": {"replicas": 10}},
        ["spec.replicas 3 → 10"],
    ),
    "a field that was not there": ({"a": {"b": 1}}, {}, {"a": {"b": 1}}, ["a.b null → 1"]),
    "no field beside": ({"a": 1}, {"a": 1, "b": "secret"}, {"a": 1, "b": "changed"}, []),
    "the same amount": ({"a": "1000m"}, {"a": "1"}, {"a": "1000m"}, []),
    "an empty map sets nothing": ({"a": {}}, {"a": {}}, {"a": {"filled": "in"}}, []),
    "a map in place of a text": ({"a": {}}, {"a": "text"}, {"a": {}}, ['a "text" → {}']),
    "null": ({"a": None}, {"a": "x"}, {}, ['a: "x" is removed']),
    "null of what is not there": ({"a": None}, {}, {}, []),
    "null of a map": ({"a": None}, {"a": {"x": 1, "y": 2}}, {}, ["a: x, y are removed"]),
    "null of a map with a default": ({"a": None}, {"a": {"x": 1}}, {"a": {"x": 9}}, []),
    "null of a list": ({"a": None}, {"a": [SIDECAR]}, {}, ["a: sidecar is removed"]),
    "null and a default": ({"replicas": None}, {"replicas": 3}, {"replicas": 1}, ["replicas 3 → 1"]),
    "null and another port": (
        {"nodePort": None},
        {"nodePort": 3},
        {"nodePort": 7},
        ["nodePort 3 → chosen by the cluster"],
    ),
    "a port that the cluster chooses": (
        {"nodePort": 0},
        {"nodePort": 3},
        {"nodePort": 7},
        ["nodePort 3 → chosen by the cluster"],
    ),
    "an address that stays": ({"clusterIP": ""}, {"clusterIP": "10.0.0.1"}, {"clusterIP": "10.0.0.1"}, []),
    "an empty text": ({"a": ""}, {"a": "x"}, {"a": ""}, ['a "x" → ""']),
    "an address where none was": ({"a": ""}, {}, {"a": "10.0.0.1"}, []),
    "one container's image": (
        IMAGE,
        pod(WEB, SIDECAR),
        pod(NEW_WEB, SIDECAR),
        ['spec.containers[web].image "nginx:1.27" → "nginx:1.28"'],
    ),
    "what admission adds": (
        IMAGE,
        pod(WEB),
        pod(NEW_WEB, {"name": "istio-x7f2"}),
        [IMAGE_CHANGE := 'spec.containers[web].image "nginx:1.27" → "nginx:1.28"'],
    ),
    "an entry that comes": (
        pod(SIDECAR),
        pod(WEB),
        pod(WEB, {**SIDECAR, "pull": "Always"}),
        ['spec.containers[sidecar]: {"image": "envoy:1", "name": "sidecar"} is added'],
    ),
    "an entry that a template deletes": (
        pod({"name": "sidecar", "$patch": "delete"}),
        pod(WEB, SIDECAR),
        pod(WEB),
        ["spec.containers: sidecar is removed"],
    ),
    "a list that a template replaces": (
        pod(SIDECAR, {"$patch": "replace"}),
        pod(WEB, SIDECAR),
        pod(SIDECAR),
        ["spec.containers: web is removed"],
    ),
    "a map that a template replaces": (
        {"data": {"$patch": "replace", "a": "1"}},
        {"data": {"a": "1", "b": "2"}},
        {"data": {"a": "1"}},
        ["data: b is removed"],
    ),
    "what a template takes from a list of texts": (
        {"$deleteFromPrimitiveList/l": ["a"]},
        {"l": ["a", "b"]},
        {"l": ["b"]},
        ["l: a is removed"],
    ),
    "a list in another order": ({"l": ["b", "a"]}, {"l": ["a", "b"]}, {"l": ["b", "a"]}, ['l ["a", "b"] → ["b", "a"]']),
    "entries in another order": (
        pod({"name": "sidecar"}),
        pod(WEB, SIDECAR),
        pod(SIDECAR, WEB),
        ['spec.containers ["web", "sidecar"] → ["sidecar", "web"]'],
    ),
    "a list where there was none": ({"l": ["a"]}, {}, {"l": ["a"]}, ['l: "a" is added']),
    "a list in place of a text": ({"l": ["a"]}, {"l": "x"}, {"l": ["a"]}, ['l: "a" is added']),
    "no list before or after": ({"l": ["a"]}, {}, {}, []),
    "an emptied list": ({"l": []}, {"l": ["a"]}, {"l": []}, ["l: a is removed"]),
    "entries without names, as many": (
        {"l": [{"x": 2}]},
        {"l": [{"x": 1, "y": 1}]},
        {"l": [{"x": 2}]},
        ["l[0]: y is removed", "l[0].x 1 → 2"],
    ),
    "entries without names, fewer": (
        {"l": [{"x": 2}]},
        {"l": [{"x": 1}, {"x": 3}]},
        {"l": [{"x": 2, "d": 0}]},
        ['l: {"x": 1}, {"x": 3} are removed', 'l: {"d": 0, "x": 2} is added'],
    ),
    "two of one name": (
        {"l": [{"name": "a", "port": 1}]},
        {"l": [{"name": "a", "port": 1}, {"name": "a", "port": 2}]},
        {"l": [{"name": "a", "port": 1}]},
        ["l: 2 is removed"],
    ),
    "invisible characters": ({"a": 1}, {"a": "x\u200b"}, {"a": 1}, [f'a "x" {"(sha256:"}']),
}


@pytest.mark.parametrize("case", PATCHED.values(), ids=PATCHED)
def test_what_is_listed_of_a_change(case: tuple[Any, ...]) -> None:
    template, before, after, expected = case
    found = of_patched(template, before, after)
    assert len(found) == len(expected)
    assert all(said.startswith(wanted) for said, wanted in zip(found, expected, strict=True)), found


LOSSES = {
    "merged by name": (IMAGE, pod(WEB, SIDECAR), pod(NEW_WEB, SIDECAR), False, []),
    "a sidecar, and fields": (
        IMAGE,
        pod(WEB, SIDECAR),
        IMAGE,
        True,
        ["spec.containers would lose sidecar", "spec.containers[web] would lose env, resources"],
    ),
    "a field falls back to its default": (
        IMAGE,
        pod({"name": "web", "pull": "Always"}),
        pod({"name": "web", "image": "nginx:1.28", "pull": "IfNotPresent"}),
        True,
        ["spec.containers[web].pull would become another value"],
    ),
    "what admission rewrites in a merged list": (
        IMAGE,
        pod({"name": "web", "at": "10:00"}),
        pod({"name": "web", "image": "nginx:1.28", "at": "10:01"}),
        False,
        [],
    ),
    "an entry deep inside": (
        {"l": [{"name": "a", "x": 1}]},
        {"l": [{"name": "a", "x": 0, "m": {"n": [{"name": "b"}, {"name": "c"}]}}]},
        {"l": [{"name": "a", "x": 1, "m": {"n": [{"name": "c"}]}}]},
        True,
        ["l[a].m.n would lose b"],
    ),
    "an entry without a name": ({"l": ["a"]}, {"l": ["b"]}, {"l": ["a"]}, False, ["l would lose b"]),
    "an emptied list": ({"l": []}, {"l": ["b"]}, {"l": []}, True, ["l would lose b"]),
    "null says so itself": (
        pod({"name": "web", "env": None}),
        pod(WEB),
        pod({"name": "web", "image": "nginx:1.27", "resources": {"cpu": "1"}}),
        False,
        [],
    ),
    "$patch says so itself": (pod(SIDECAR, {"$patch": "replace"}), pod(WEB), pod(SIDECAR), False, []),
    "a map is merged, and loses nothing": ({"m": {"a": 1}}, {"m": {"b": 1}}, {"m": {"a": 1, "b": 1}}, True, []),
    "a default that comes back is no loss": (
        pod({"name": "web"}),
        pod({"name": "web", "d": 1}),
        pod({"name": "web", "d": 1}),
        True,
        [],
    ),
    "an address handed out again, in an entry": (
        {"ports": [{"name": "a", "port": 1}]},
        {"ports": [{"name": "a", "port": 1, "nodePort": 5}]},
        {"ports": [{"name": "a", "port": 1, "nodePort": 6}]},
        True,
        ["ports[a].nodePort would become another value"],
    ),
}


@pytest.mark.parametrize("case", LOSSES.values(), ids=LOSSES)
def test_what_a_list_would_lose_unasked(case: tuple[Any, ...]) -> None:
    template, before, after, replaced, expected = case
    assert lost(template, before, after, replaced=replaced) == expected


NEW = {
    "a value that admission sets": (
        {"a": {"image": "web:1"}},
        {"a": {"image": "mirror/web:1"}},
        ['a.image "web:1" → "mirror/web:1"'],
    ),
    "a number that admission caps": ({"replicas": 50}, {"replicas": 10}, ["replicas 50 → 10"]),
    "nothing that was not set": ({"a": 1}, {"a": 1, "clusterIP": "10.0.0.7"}, []),
    "an address that the cluster chooses": ({"clusterIP": ""}, {"clusterIP": "10.0.0.7"}, []),
    "a port that the cluster chooses": (
        {"ports": [{"port": 80, "nodePort": 0}]},
        {"ports": [{"port": 80, "nodePort": 31234}]},
        [],
    ),
    "zero is a number where it is no port": ({"replicas": 0}, {"replicas": 1}, ["replicas 0 → 1"]),
    "no is an answer": ({"mount": False}, {"mount": True}, ["mount false → true"]),
    "a volume of the cluster's own": (
        {"volumes": [{"name": "scratch", "emptyDir": {}}]},
        {"volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "kube-api-access-x7f2p", "projected": {}}]},
        [],
    ),
    "an injected sidecar": (
        pod(WEB),
        pod({"name": "proxy-1732"}, {**WEB, "env": [*WEB["env"], {"name": "AT", "value": "10:01"}]}),
        [],
    ),
    "an image in a list": (
        pod(WEB),
        pod({**WEB, "image": "mirror/nginx"}, SIDECAR),
        ['spec.containers[web].image "nginx:1.27" → "mirror/nginx"'],
    ),
    "an entry that is not taken": (pod(WEB, SIDECAR), pod(WEB), ["spec.containers: sidecar is removed"]),
    "an argument": ({"args": ["--n=50"]}, {"args": ["--n=10"]}, ['args[0] "--n=50" → "--n=10"']),
    "an argument more": ({"args": ["--n=50"]}, {"args": ["--n=50", "--at=10:01"]}, []),
    "an argument less": ({"args": ["-a", "-b"]}, {"args": ["-a"]}, ["args: -b is removed"]),
    "entries without names": ({"l": [{"x": 1}, {"x": 2}]}, {"l": [{"x": 2, "y": 1}, {"x": 1}, {"z": 1}]}, []),
    "an empty list": ({"l": []}, {"l": ["made up"]}, []),
    "a list that is not taken": ({"l": ["a"]}, {}, ['l ["a"] → null']),
    "mount paths": (
        {"volumeMounts": [{"name": "s", "mountPath": "/a"}, {"name": "s", "mountPath": "/b"}]},
        {
            "volumeMounts": [
                {"name": "s", "mountPath": "/b", "readOnly": True},
                {"name": "s", "mountPath": "/a"},
                {"name": "kube-api-access-x", "mountPath": "/var"},
            ]
        },
        [],
    ),
}


@pytest.mark.parametrize("case", NEW.values(), ids=NEW)
def test_what_is_listed_of_a_new_object(case: tuple[Any, ...]) -> None:
    template, stored, expected = case
    assert of_new(template, stored) == expected


def test_a_long_value_shows_where_it_differs() -> None:
    text = "".join(f"line {n}\n" for n in range(200))
    (one,) = list_changes(
        changes_of_patched({"a": 1}, {"a": text}, {"a": text.replace("line 150", "line X")}, replaced=False)
    )
    assert "line 150" in one.before
    assert "line X" in one.after
    assert max(len(one.before.encode()), len(one.after.encode())) <= 160
    (other,) = list_changes(changes_of_patched({"a": 1}, {"a": text + "y"}, {"a": "z" * 500}, replaced=False))
    assert one.before[-25:] != other.before[-25:]


def test_a_long_entry_comes_field_by_field() -> None:
    entry = {"name": "proxy", "image": "envoy:1", "env": {"A": "a" * 200, "B": "b"}}
    said = of_patched(pod(entry), pod(WEB), pod(WEB, entry))
    assert said[0] == 'spec.containers[proxy].name: "proxy" is added'
    assert said[2].startswith('spec.containers[proxy].env.A: "aaaa')
    assert said[3] == 'spec.containers[proxy].env.B: "b" is added'


def test_what_goes_comes_first_and_is_counted_where_it_is_much() -> None:
    many = [{"name": f"n{n:02}", "v": n} for n in range(40)]
    template = {"a": {f"k{n:02}": 1 for n in range(30)}, "l": many[:1]}
    found = list_changes(changes_of_patched(template, {"l": many}, {**template}, replaced=True))
    assert len(found) == MAX_CHANGES + 1
    assert sentence_of(found[0]).startswith("l: n01, n02, ")
    assert " and " in found[0].before
    assert found[-1].path == "15 more fields"
    assert len(found[0].before.encode()) <= 160
    other = list_changes(changes_of_patched(template, {"l": many[:-1]}, {**template}, replaced=True))
    assert key_of_change(other[0]) == key_of_change(found[0])
    assert other[0] != found[0]


def test_two_that_come_into_one_list_are_told_apart() -> None:
    found = list_changes(changes_of_patched({"l": ["a", "b"]}, {}, {"l": ["a", "b"]}, replaced=False))
    assert len({key_of_change(each) for each in found}) == 2


def test_of_long_lists_what_is_written_alike_is_the_same() -> None:
    wanted = [{"a": n} for n in range(300)]
    filled_in = [{"a": n, "b": n} for n in range(300)]
    assert among([*wanted[:2], *filled_in], wanted) == wanted[:2]
    assert among(filled_in[:2], wanted[:2]) == filled_in[:2], "of short ones also what the cluster has added to"


@pytest.mark.thorough
def test_long_lists_are_compared_in_no_time() -> None:
    before = {"l": [f"a{n}" for n in range(20_000)]}
    after = {"l": [f"b{n}" for n in range(20_000)]}
    assert len(list_changes(changes_of_patched(after, before, after, replaced=True))) == MAX_CHANGES + 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["a", "name", "port"]), each, max_size=3),
    max_leaves=12,
)
MAPS = st.dictionaries(st.sampled_from("ab"), JSON, min_size=1)


@given(JSON, JSON, st.booleans())
def test_nothing_changes_in_what_stays(template: Any, live: Any, replaced: bool) -> None:
    assert changes_of_patched(template, live, deepcopy(live), replaced=replaced) == []


@given(MAPS, JSON, JSON)
def test_what_a_list_loses_is_never_silent(template: dict[str, Any], before: Any, after: Any) -> None:
    """Whatever was in a list of texts, and is not there any more, is told."""
    old = {"l": [json.dumps(before)], "m": before}
    found = of_patched({"l": [json.dumps(after)], **template}, old, {"l": [json.dumps(after)]}, replaced=True)
    assert (before == after) or any(said.startswith("l: ") for said in found)


@given(MAPS, st.dictionaries(st.sampled_from("xyz"), JSON), JSON)
def test_a_field_that_the_template_does_not_set_is_never_shown(
    template: dict[str, Any], foreign: dict[str, Any], other: Any
) -> None:
    before, after = {**template, **foreign}, {**template, **dict.fromkeys(foreign, other)}
    assert of_patched(template, before, after) == []
    assert of_new(template, {**template, **foreign}) == of_new(template, template)
