"""The stamps of the webhook: what the mutating policies of 1.36 write, value by value; what cannot be read is refused.

`tests/crds/test_stamps.py` sends the same kinds of request to real API servers, old and new.
"""

import copy
from typing import Any

import pytest

from pratique.admission.stamp import FROZEN, NO_TIME, UnstampableError, stamp

Json = dict[str, Any]
ME, GROUPS = "lead-1@example.com", ["platform-leads", "system:authenticated"]
AT = "2026-11-25T10:00:00Z"
CANARY = {"pratique.dev/canary": "true"}


def asked(resource: str, operation: str, body: Any, old: Any = None, **more: Any) -> Json:
    """Return the request of an AdmissionReview, as far as stamps look at it."""
    user = {"username": ME, "groups": GROUPS, "uid": "1"}
    kind = {"group": "pratique.dev", "version": "v1alpha1", "resource": resource}
    return {"resource": kind, "operation": operation, "object": body, "oldObject": old, "userInfo": user, **more}


def run(spec: Any) -> Json:
    return {"metadata": {"name": "a"}, "spec": spec}


def owned(*owners: str, at: str = AT) -> list[Json]:
    """Return managedFields with one entry for each of these users' decisions, as its key."""
    return [
        {"manager": "kubectl", "time": at, "fieldsV1": {"f:spec": {"f:decisions": {f"f:{who}": {"f:verdict": {}}}}}}
        for who in owners
    ]


def gate(decisions: Any, managed: Any = None, escalation: Any = None, **approvers: Any) -> Json:
    metadata: Json = {"name": "g"} | ({} if managed is None else {"managedFields": managed})
    policy = {"approvers": approvers or {"groups": ["security", "platform-leads"]}}
    policy |= {} if escalation is None else {"escalation": escalation}
    spec: Json = {"policy": policy} | ({} if decisions is None else {"decisions": decisions})
    return {"metadata": metadata, "spec": spec}


MINE = {ME: {"verdict": "Approve"}}
WHO = {"username": ME, "groups": GROUPS}
OTHER = {"username": "developer@example.com", "groups": ["developers"]}


def stamped(path: str, at: str = AT, groups: tuple[str, ...] = ("platform-leads",)) -> list[Json]:
    return [
        {"op": "add", "path": f"/spec/decisions/{path}/decidedAt", "value": at},
        {"op": "add", "path": f"/spec/decisions/{path}/groups", "value": list(groups)},
    ]


SAID = {"verdict": "Approve", "comment": "well", "decidedAt": "2026-11-24T10:00:00Z", "groups": ["security"]}


def kept(path: str, *past: Json) -> list[Json]:
    return [{"op": "add", "path": f"/spec/decisions/{path}/history", "value": list(past)}]


def requested(who: Json) -> list[Json]:
    return [{"op": "add", "path": "/spec/requestedBy", "value": who}]


def edited(fields: str, old: Json) -> list[Json]:
    """Return the patch that puts a spec back, and says to the guard what was changed."""
    mark = {"op": "add", "path": "/metadata/annotations", "value": {"pratique.dev/edited": fields}}
    return [{"op": "add", "path": "/spec", "value": old}, mark]


@pytest.mark.parametrize(
    ("operation", "spec", "old", "patch"),
    [
        ("CREATE", {}, None, requested(WHO)),
        ("CREATE", {"requestedBy": OTHER}, None, []),  # the guarding policy compares it with the caller
        ("CREATE", {"requestedBy": None}, None, []),  # the schema refuses it
        ("CREATE", None, None, []),
        ("CREATE", [], None, []),
        ("CREATE", "text", None, []),
        ("UPDATE", {}, {"requestedBy": OTHER}, requested(OTHER)),
        ("UPDATE", {}, {}, []),
        ("UPDATE", {"requestedBy": OTHER}, {"requestedBy": OTHER}, []),
        ("UPDATE", {"requestedBy": OTHER}, {"requestedBy": WHO}, edited("requestedBy", {"requestedBy": WHO})),
        ("UPDATE", {"requestedBy": None}, {"requestedBy": WHO}, edited("requestedBy", {"requestedBy": WHO})),
        ("UPDATE", {"inputs": {}, "withdrawn": True}, {"inputs": {}}, []),
        ("UPDATE", {"inputs": {}, "withdrawn": 1}, {"inputs": {}}, edited("withdrawn", {"inputs": {}})),
        ("UPDATE", {"inputs": 1, "withdrawn": True}, {"inputs": {}}, edited("inputs", {"inputs": {}})),
        ("UPDATE", {"reason": "a"}, {"requestedBy": WHO}, edited("reason", {"requestedBy": WHO})),
        ("UPDATE", {}, {"inputs": {}}, edited("inputs", {"inputs": {}})),
        ("UPDATE", 1, {"requestedBy": OTHER}, edited("spec", {"requestedBy": OTHER})),
        ("UPDATE", None, {"requestedBy": OTHER}, edited("spec", {"requestedBy": OTHER})),
    ],
)
def test_a_run_is_stamped_once_and_restored(operation: str, spec: Any, old: Any, patch: list[Json]) -> None:
    assert stamp(asked("actionruns", operation, run(spec), run(old) if old is not None else None)) == patch


def test_the_mark_of_an_edit_stands_beside_other_annotations() -> None:
    body = run({"inputs": 1}) | {"metadata": {"annotations": {"team": "a"}}}
    mark = {"op": "add", "path": "/metadata/annotations/pratique.dev~1edited", "value": "inputs"}
    assert stamp(asked("actionruns", "UPDATE", body, run({"inputs": {}})))[1] == mark


def test_all_of_a_run_is_frozen_but_withdrawn() -> None:
    assert FROZEN == ("actionRef", "targetRef", "inputs", "reason", "requestedBy", "onBehalfOf", "dryRun")


def test_a_run_without_a_spec_is_left_to_the_schema() -> None:
    assert stamp(asked("actionruns", "CREATE", {"metadata": {"name": "a"}})) == []


@pytest.mark.parametrize(
    ("user", "groups"),
    [
        ({"username": ME}, []),
        ({"username": ME, "groups": []}, []),
        ({"username": ME, "groups": ["", "b", "a", ""]}, ["b", "a"]),
    ],
)
def test_a_group_without_a_name_is_no_group(user: Json, groups: list[str]) -> None:
    patch = stamp(asked("actionruns", "CREATE", run({}), userInfo=user))
    assert patch == requested({"username": ME, "groups": groups})


def test_a_decision_gets_the_time_of_its_own_entry_and_the_groups_that_are_asked() -> None:
    managed = [*owned("lead-2@example.com", at="2020-01-01T00:00:00Z"), *owned(ME), {"manager": "x", "fieldsV1": {}}]
    request = asked("approvals", "UPDATE", gate(MINE, managed), gate(None))
    assert stamp(request) == stamped(ME)


@pytest.mark.parametrize(
    ("approvers", "groups"),
    [
        ({"users": [ME]}, ()),
        ({"groups": ["security"]}, ()),
        ({"groups": ["system:authenticated", "other", "platform-leads"]}, ("system:authenticated", "platform-leads")),
    ],
)
def test_groups_are_those_of_the_gate_in_its_order(approvers: Json, groups: tuple[str, ...]) -> None:
    request = asked("approvals", "UPDATE", gate(MINE, owned(ME), **approvers), gate(None))
    assert stamp(request) == stamped(ME, groups=groups)


def test_groups_by_which_one_may_break_the_glass_are_stamped_too_each_once() -> None:
    for glass, expected in (
        ({"users": [ME], "requester": "Forbid"}, ()),
        ({"groups": ["night", GROUPS[0], "security"]}, (GROUPS[0],)),
    ):
        there = gate(MINE, owned(ME), [{"to": {"groups": [GROUPS[0]]}}] if expected else None, groups=["security"])
        there["spec"]["policy"]["breakGlass"] = glass
        assert stamp(asked("approvals", "UPDATE", there, gate(None))) == stamped(ME, groups=expected)


def test_groups_of_all_steps_are_stamped_whether_they_have_come_or_not() -> None:
    others = [{"to": {"users": [ME]}}, {"at": "2099-01-01T00:00:00Z", "to": {"groups": ["night", GROUPS[0]]}}]
    for steps in ([{"at": AT}, *others], others):
        request = asked("approvals", "UPDATE", gate(MINE, owned(ME), steps, groups=["security"]), gate(None))
        assert stamp(request) == stamped(ME, groups=(GROUPS[0],))


@pytest.mark.parametrize(
    ("user", "path"),
    [
        ("a/b", "a~1b"),
        ("a~b", "a~0b"),
        ("~1/", "~01~1"),
        ('CN="x",O=y\\#', 'CN="x",O=y\\#'),
        ("system:serviceaccount:a:b", "system:serviceaccount:a:b"),
        ("", ""),
        ("ünï\t", "ünï\t"),
    ],
)
def test_any_user_name_is_a_key(user: str, path: str) -> None:
    body = gate({user: {"verdict": "Approve"}}, owned(user))
    who = {"username": user, "groups": GROUPS}
    assert stamp(asked("approvals", "UPDATE", body, gate({}), userInfo=who)) == stamped(path)


@pytest.mark.parametrize(
    ("body", "old"),
    [
        (gate(None), gate(None)),
        (gate({"lead-2@example.com": {}}, owned(ME)), gate(None)),  # another's name
        (gate({ME.upper(): {}}, owned(ME)), gate(None)),
        (gate(MINE, owned(ME)), gate(MINE)),  # decided before
        (
            gate({ME: {"verdict": "Approve", "comment": "", "history": [1]}}, owned(ME)),
            gate(MINE),
        ),  # nothing else is said
        (gate({ME: {"verdict": "Undecided"}}, owned(ME)), gate({ME: {**SAID, "history": [SAID] * 3}})),  # too often
        (gate({ME: {"verdict": "Approve"}}, owned(ME)), gate({ME: SAID})),  # a comment is not removed
        (gate({ME: "Approve"}, owned(ME)), gate(None)),
        (gate([ME], owned(ME)), gate(None)),
        (gate(MINE), gate(None)),  # nobody set it
        (gate(MINE, []), gate(None)),
        (gate(MINE, owned("lead-2@example.com")), gate(None)),
        (gate(MINE, owned(ME, ME)), gate(None)),  # two could have
        (gate(MINE, [{"manager": "x"}]), gate(None)),
        (gate(MINE, [{"fieldsV1": {"f:spec": {"f:other": {}}}}]), gate(None)),
        ({"metadata": {}, "spec": None}, gate(None)),
        ({"metadata": {}}, gate(None)),
    ],
)
def test_what_is_no_new_decision_of_ones_own_is_left_alone(body: Json, old: Json) -> None:
    assert stamp(asked("approvals", "UPDATE", body, old)) == []


@pytest.mark.parametrize(("labels", "patch"), [(CANARY, stamped(ME)), ({}, []), ({"team": "a"}, []), (None, [])])
def test_only_a_canary_is_stamped_when_it_is_created(labels: Json | None, patch: list[Json]) -> None:
    body = gate(MINE, owned(ME))
    if labels is not None:
        body["metadata"]["labels"] = labels
    assert stamp(asked("approvals", "CREATE", body)) == patch


@pytest.mark.parametrize(
    ("mine", "prior", "leaf", "past"),
    [
        ({"verdict": "Undecided"}, SAID, "f:verdict", [SAID]),
        ({**SAID, "verdict": "Decline", "history": ["forged"]}, SAID, "f:verdict", [SAID]),
        ({"verdict": "Approve", "comment": "sure"}, SAID, "f:comment", [SAID]),
        ({"verdict": "Approve", "comment": "sure"}, {"verdict": "Approve"}, "f:comment", [{"verdict": "Approve"}]),
        (
            {"verdict": "Undecided"},
            {**SAID, "history": [{"verdict": "Decline"}]},
            "f:verdict",
            [{"verdict": "Decline"}, SAID],
        ),
        ({"verdict": 1}, SAID, "f:verdict", [SAID]),  # for the schema to refuse
        ({}, SAID, "f:verdict", [SAID]),
    ],
)
def test_who_changes_their_mind_has_it_kept(mine: Json, prior: Json, leaf: str, past: list[Json]) -> None:
    managed = [{"manager": "a", "time": AT, "fieldsV1": {"f:spec": {"f:decisions": {f"f:{ME}": {leaf: {}}}}}}]
    other = {"f:verdict": "f:comment", "f:comment": "f:verdict"}[leaf]  # set by another tool, long ago
    managed += [{"manager": "b", "time": "2020", "fieldsV1": {"f:spec": {"f:decisions": {f"f:{ME}": {other: {}}}}}}]
    request = asked("approvals", "UPDATE", gate({ME: mine}, managed), gate({ME: prior}))
    assert stamp(request) == [*stamped(ME), *kept(ME, *past)]


def test_who_decides_for_the_first_time_has_no_history() -> None:
    body = gate({ME: {"verdict": "Approve", "history": [SAID]}}, owned(ME))
    removed = {"op": "remove", "path": f"/spec/decisions/{ME}/history"}
    assert stamp(asked("approvals", "UPDATE", body, gate(None))) == [*stamped(ME), removed]


def test_nothing_that_was_sent_is_changed() -> None:
    request = asked("approvals", "UPDATE", gate(MINE, owned(ME)), gate(None))
    before = copy.deepcopy(request)
    stamp(request)
    assert request == before


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (asked("actionruns", "DELETE", None), "stamps no DELETE of pratique.dev/actionruns"),
        (asked("actionruns", "CONNECT", None), "stamps no CONNECT of pratique.dev/actionruns"),
        (asked("actions", "CREATE", run({})), "stamps no CREATE of pratique.dev/actions"),
        (asked("approvals", "UPDATE", run({}), subResource="status"), "no UPDATE of pratique.dev/approvals/status"),
        ({"operation": "CREATE", "resource": {"group": "", "resource": "actionruns"}}, "no CREATE of actionruns"),
        ({"operation": "CREATE", "resource": {"group": ["a"], "resource": {}}}, "should not be asked"),
        ({}, "request.resource is not an object"),
        (asked("actionruns", "CREATE", None), "request.object is not an object"),
        (asked("actionruns", "CREATE", run({}), userInfo=None), "request.userInfo is not an object"),
        (asked("actionruns", "CREATE", run({}), userInfo={"username": 1}), "userInfo.username is not text"),
        (
            asked("actionruns", "CREATE", run({}), userInfo={"username": ME, "groups": "a"}),
            "userInfo.groups is not a list",
        ),
        (asked("actionruns", "UPDATE", run({}), None), "request.oldObject is not an object"),
        (asked("actionruns", "UPDATE", run({}), {}), "oldObject.spec is not an object"),
        (asked("approvals", "UPDATE", gate(MINE, owned(ME)), {}), "oldObject.spec is not an object"),
        (asked("approvals", "UPDATE", gate(MINE, owned(ME)), gate([ME])), "oldObject.spec.decisions is not an object"),
        (asked("approvals", "UPDATE", gate(MINE, owned(ME)), gate({ME: 1})), f"oldObject.spec.decisions.{ME} is not"),
        (asked("approvals", "UPDATE", gate(MINE, {}), gate(None)), "metadata.managedFields is not a list"),
        (asked("approvals", "UPDATE", gate(MINE, [None]), gate(None)), "metadata.managedFields[*] is not an object"),
        (asked("approvals", "UPDATE", gate(MINE, [{"fieldsV1": {"f:spec": 1}}]), gate(None)), "fieldsV1.f:spec is not"),
        (asked("approvals", "UPDATE", gate(MINE, owned(ME, at=None)), gate(None)), "managedFields[*].time is not text"),  # type: ignore[arg-type]
        (
            asked("approvals", "UPDATE", gate(MINE, owned(ME), groups=None), gate(None)),
            "approvers.groups is not a list",
        ),
        (
            asked("approvals", "UPDATE", {**gate(MINE, owned(ME)), "spec": {"decisions": MINE}}, gate(None)),
            "spec.policy is not an object",
        ),
        *(
            (asked("approvals", "UPDATE", gate(MINE, owned(ME), steps), gate(None)), sentence)
            for steps, sentence in (
                ({}, "spec.policy.escalation is not a list"),
                ([1], "spec.policy.escalation[*] is not an object"),
                ([{"to": []}], "spec.policy.escalation[*].to is not an object"),
                ([{"to": {"groups": "night"}}], "spec.policy.escalation[*].to.groups is not a list"),
            )
        ),
        (
            asked("approvals", "CREATE", {"metadata": {"labels": None}, "spec": {"decisions": MINE}}),
            "metadata.labels is not an object",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(request_: Json, sentence: str) -> None:
    with pytest.raises(UnstampableError) as refused:
        stamp(request_)
    assert sentence in str(refused.value)


def standalone(policy: Any, *times: str, subject: Any = None, **spec: Any) -> Json:
    """Return a gate without a run, with one entry of managedFields for each of these times."""
    managed = [{"manager": "kubectl", "time": each} for each in times]
    body: Json = {"subject": {"title": "Deploy"} if subject is None else subject, **spec}
    return {"metadata": {"managedFields": managed}, "spec": body | ({} if policy is None else {"policy": policy})}


def until(at: str) -> list[Json]:
    return [{"op": "add", "path": "/spec/policy/deadline", "value": at}]


@pytest.mark.parametrize(
    ("body", "patch"),
    [
        (standalone({"timeout": "24h"}, AT), requested(WHO) + until("2026-11-26T10:00:00Z")),
        (standalone({"timeout": "90s"}, AT, requestedBy=OTHER), until("2026-11-25T10:01:30Z")),  # the guard compares
        (standalone({"timeout": "24h", "deadline": "2099-01-01T00:00:00Z"}, AT), requested(WHO)),
        (standalone({"timeout": "1 day"}, AT), requested(WHO) + until(NO_TIME)),
        (standalone({"timeout": "0s"}, AT), requested(WHO) + until(NO_TIME)),
        (standalone({"timeout": 24}, AT), requested(WHO) + until(NO_TIME)),
        (standalone({}, AT), requested(WHO) + until(NO_TIME)),
        (standalone({"timeout": "24h"}, AT, AT), requested(WHO) + until(NO_TIME)),
        (standalone({"timeout": "24h"}), requested(WHO) + until(NO_TIME)),
        (standalone(None, AT), requested(WHO)),
        (standalone("text", AT), requested(WHO)),
        (standalone({"timeout": "24h"}, AT, subject={"kind": "ActionRun"}), []),
        (standalone({"timeout": "24h"}, AT, subject="text"), []),
        ({"metadata": {}, "spec": []}, []),
    ],
)
def test_a_gate_without_a_run_is_stamped_with_who_asks_and_until_when(body: Json, patch: list[Json]) -> None:
    assert stamp(asked("approvals", "CREATE", body)) == patch


def test_an_entry_of_managed_fields_that_is_none_is_refused() -> None:
    body = standalone({"timeout": "24h"}) | {"metadata": {"managedFields": ["text"]}}
    with pytest.raises(UnstampableError, match="is not an object"):
        stamp(asked("approvals", "CREATE", body))


LOAN = {"to": "deputy@example.com", "until": "2026-12-24T00:00:00Z"}


def lending(entry: Any, managed: Any = None, decisions: Any = None, **approvers: Any) -> Json:
    body = gate(decisions, managed, **approvers)
    return body if entry is None else {**body, "spec": {**body["spec"], "delegations": {ME: entry}}}


def lent(*leaves: str, who: str = ME, at: str = AT) -> list[Json]:
    fields: Json = {"f:spec": {"f:delegations": {f"f:{who}": {leaf: {} for leaf in leaves}}}}
    return [{"manager": "kubectl", "time": at, "fieldsV1": fields}]


LOANED = [
    {"op": "add", "path": f"/spec/delegations/{ME}/at", "value": AT},
    {"op": "add", "path": f"/spec/delegations/{ME}/groups", "value": ["platform-leads"]},
]


@pytest.mark.parametrize(
    ("mine", "prior", "leaf", "patch"),
    [
        (LOAN, None, "f:to", LOANED),
        ({**LOAN, "at": "2020", "groups": ["security"]}, None, "f:to", LOANED),
        ({**LOAN, "to": "other"}, LOAN, "f:to", LOANED),
        ({**LOAN, "until": "2027"}, LOAN, "f:until", LOANED),
        ({**LOAN, "notBefore": "2026"}, LOAN, "f:notBefore", LOANED),
        ({**LOAN, "until": "2027"}, LOAN, "f:to", []),  # of another request
        ({"to": LOAN["to"]}, LOAN, "f:until", LOANED),  # for the schema to refuse
        ({**LOAN, "groups": ["security"]}, LOAN, "f:to", []),  # the guarding policy refuses it
        (LOAN, LOAN, "f:to", []),
        ("deputy", None, "f:to", []),
        (None, LOAN, "f:to", []),
    ],
)
def test_who_names_a_stand_in_is_stamped(mine: Any, prior: Any, leaf: str, patch: list[Json]) -> None:
    request = asked("approvals", "UPDATE", lending(mine, lent(leaf)), lending(prior))
    assert stamp(request) == patch


def test_a_stand_in_of_two_owners_is_not_stamped_nor_one_of_a_new_gate() -> None:
    twice = [*lent("f:to"), *lent("f:to")]
    assert stamp(asked("approvals", "UPDATE", lending(LOAN, twice), lending(None))) == []
    assert stamp(asked("approvals", "CREATE", lending(LOAN, lent("f:to")))) == []


@pytest.mark.parametrize(
    ("principal", "loan", "groups"),
    [
        ("lead-2", {**LOAN, "groups": ["security", "others"]}, ("security",)),
        ("lead-2", LOAN, ()),
        ("lead-3", {**LOAN, "groups": ["security"]}, ()),
        (1, {**LOAN, "groups": ["security"]}, ("platform-leads",)),  # for the schema to refuse
    ],
)
def test_who_decides_for_another_does_so_with_the_groups_of_that_person(
    principal: Any, loan: Json, groups: tuple[str, ...]
) -> None:
    body = gate({ME: {"verdict": "Approve", "for": principal}}, owned(ME))
    old = gate(None)
    old["spec"]["delegations"] = {"lead-2": loan}
    assert stamp(asked("approvals", "UPDATE", body, old)) == stamped(ME, groups=groups)


def test_a_canary_that_decides_for_another_has_no_groups() -> None:
    body = gate({ME: {"verdict": "Approve", "for": "lead-2"}}, owned(ME))
    body["metadata"]["labels"] = CANARY
    assert stamp(asked("approvals", "CREATE", body)) == stamped(ME, groups=())


def away(spec: Any) -> Json:
    return {"metadata": {"name": "away"}, "spec": spec}


def test_who_is_away_is_stamped_and_stays() -> None:
    told = {"to": "deputy@example.com", "until": AT}
    assert stamp(asked("delegations", "CREATE", away(told))) == [{"op": "add", "path": "/spec/from", "value": WHO}]
    assert stamp(asked("delegations", "CREATE", away(told | {"from": OTHER}))) == [], "the guard compares it"
    assert stamp(asked("delegations", "CREATE", away(None))) == [], "the schema refuses it"
    before = away(told | {"from": OTHER})
    assert stamp(asked("delegations", "UPDATE", away(told), before)) == [
        {"op": "add", "path": "/spec/from", "value": OTHER}
    ]
    assert stamp(asked("delegations", "UPDATE", away(told), away(told))) == []
    assert stamp(asked("delegations", "UPDATE", before, before)) == []


def talking(words: Any, *owners: str) -> Json:
    fields: Json = {"f:spec": {"f:messages": {f"f:{ME}": {"f:text": {}}}}}
    managed = [{"manager": each, "time": AT, "fieldsV1": fields} for each in owners]
    policy = {"approvers": {"groups": ["platform-leads"]}}
    spec = {"policy": policy} | ({} if words is None else {"messages": words})
    return {"metadata": {"name": "g", "managedFields": managed}, "spec": spec}


def test_a_message_is_stamped_with_its_time_and_what_was_said_before() -> None:
    path = f"/spec/messages/{ME}"
    at = {"op": "add", "path": f"{path}/at", "value": AT}
    first = {ME: {"text": "why?"}}
    assert stamp(asked("approvals", "UPDATE", talking(first, "kubectl"), talking(None))) == [at]
    forged = {ME: {"text": "why?", "history": [{"text": "no"}]}}
    assert stamp(asked("approvals", "UPDATE", talking(forged, "kubectl"), talking(None))) == [
        at,
        {"op": "remove", "path": f"{path}/history"},
    ]
    before = {ME: {"text": "why?", "at": "2026-11-24T10:00:00Z"}}
    more = {ME: {"text": "and now?", "at": "2026-11-24T10:00:00Z"}}
    assert stamp(asked("approvals", "UPDATE", talking(more, "kubectl"), talking(before))) == [
        at,
        {"op": "add", "path": f"{path}/history", "value": [before[ME]]},
    ]
    assert stamp(asked("approvals", "UPDATE", talking(before, "kubectl"), talking(before))) == [], "the same again"
    assert stamp(asked("approvals", "UPDATE", talking(more, "a", "b"), talking(before))) == [], "two could own it"
    full = {ME: before[ME] | {"history": [{"text": "x"}] * 7}}
    assert stamp(asked("approvals", "UPDATE", talking(more, "kubectl"), talking(full))) == [], "the ninth"
    assert stamp(asked("approvals", "UPDATE", talking({ME: {}}, "kubectl"), talking(None))) == []
    assert stamp(asked("approvals", "UPDATE", talking({"bob": {"text": "why?"}}), talking(None))) == []
