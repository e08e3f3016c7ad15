"""Attacks by authors of Actions: power that is not theirs to lend, forms and gates that could never work."""

from typing import Any

from tests.attacks.denials import (
    ACTION,
    DEEP_SCHEMA,
    DEEP_TEMPLATE,
    STATUS,
    canary,
    crd,
    creates_nothing,
    may_not_lend,
    rbac,
    schema,
)
from tests.attacks.model import SPACE, Attack, Json, Twin, apply, create, patch, replacing
from tests.attacks.world import OPERATOR, berth
from tests.builders import manifests as make
from tests.builders.manifests import changed

from pratique.api.v1alpha1.people import ONE_NAME_SENTENCE

LEND = Twin("author", "lends an account that is the author's to lend", create(berth("fresh")))


EDIT = Twin(
    "author",
    "edits the Action whose account is the author's to lend",
    patch("actions/berth", {"spec": {"title": "Berth"}}),
)


def account(namespace: str, name: str) -> Json:
    """Return a change of the account that an Action acts as."""
    return {"spec": {"execution": {"serviceAccountRef": {"namespace": namespace, "name": name}}}}


LENT = [
    Attack(
        "lend-anothers-account",
        7,
        "author",
        "an author writes an Action that acts as somebody else's account",
        create(berth("fresh", "other")),
        may_not_lend("harbour/other"),
        LEND,
    ),
    Attack(
        "lend-kube-system",
        7,
        "author",
        "an author names an account of kube-system",
        create(
            changed(
                berth("fresh"),
                {"spec.execution.serviceAccountRef": {"namespace": "kube-system", "name": "namespace-controller"}},
            )
        ),
        may_not_lend("kube-system/namespace-controller"),
        LEND,
    ),
    Attack(
        "lend-the-operator",
        7,
        "author",
        "an author names the operator's own account",
        create(
            changed(
                berth("fresh"),
                {"spec.execution.serviceAccountRef": {"namespace": "pratique-system", "name": "pratique"}},
            )
        ),
        may_not_lend("pratique-system/pratique"),
        LEND,
    ),
    Attack(
        "swap-account",
        7,
        "author",
        "an author swaps the account of the own Action",
        patch("actions/berth", account(SPACE, "other")),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "use-anothers-action",
        7,
        "author",
        "an author rewrites the template of an Action that acts as somebody else's account",
        patch("actions/foreign", {"spec": {"title": "Mine now"}}),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "use-anothers-action-by-apply",
        7,
        "author",
        "an author does so by server-side apply with force",
        apply("actions/foreign", {"spec": {"title": "Mine now"}}, force="true"),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "use-anothers-action-by-replace",
        7,
        "author",
        "an author takes the gate off an Action that acts as somebody else's account",
        replacing("actions/foreign", lambda live: live["spec"].pop("approval")),
        may_not_lend("harbour/other"),
        EDIT,
    ),
    Attack(
        "developer-edits-action",
        7,
        "developer",
        "a developer takes the gate off an Action",
        patch("actions/berth", {"spec": {"approval": None}}),
        rbac("developer@example.com", "patch", "actions", scope="at the cluster scope"),
        EDIT,
    ),
    Attack(
        "action-canary",
        9,
        "author",
        "an author says that the Action is a canary, to be let through",
        create(changed(berth("fresh", "other"), {"metadata.labels": {"pratique.dev/canary": "true"}})),
        canary(ACTION),
        LEND,
        behind=(may_not_lend("harbour/other"),),
    ),
    Attack(
        "operator-writes-action",
        7,
        "operator",
        "the operator's own account writes an Action",
        create(berth("fresh")),
        creates_nothing(ACTION, "Actions"),
        LEND,
        behind=(may_not_lend("harbour/writer", OPERATOR),),
    ),
    Attack(
        "operator-writes-channel",
        7,
        "operator",
        "the operator's own account makes a channel",
        create(make.channel("fresh")),
        creates_nothing(STATUS, "NotificationChannels"),
        Twin("admin", "makes a channel", create(make.channel("fresh"))),
    ),
    Attack(
        "channel-canary",
        9,
        "admin",
        "cluster-admin says that a channel is a canary, to be let through",
        create(changed(make.channel("fresh"), {"metadata.labels": {"pratique.dev/canary": "true"}})),
        canary(STATUS),
        Twin("admin", "makes a channel", create(make.channel("fresh"))),
    ),
]


def _deep(levels: int) -> Json:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return dict(value)


DEEP = [
    Attack(
        "deep-template",
        17,
        "author",
        "an author nests a template so deep that readers give up",
        create(changed(berth("fresh"), {"spec.execution.resources.0.template.data": _deep(40)})),
        DEEP_TEMPLATE,
        LEND,
    ),
    Attack(
        "deep-schema",
        17,
        "author",
        "an author nests a form so deep that readers give up",
        create(changed(berth("fresh"), {"spec.inputs.schema.properties": _deep(40)})),
        DEEP_SCHEMA,
        LEND,
    ),
]


STAGE = "spec.approval.stages.0"


PEOPLE = (
    "approvers.groups must name people: system:authenticated, system:unauthenticated and"
    " system:serviceaccounts… are not allowed"
)


_QUORUM = "required is larger than the number of users in approvers.users: this could never be approved"


_SOMEBODY = "approvers needs at least one user or group"


_NAMES = {"apiVersion": "v1", "kind": "Namespace", "name": "${run.namespace}", "users": "object.metadata.labels.owner"}


_GOES = {"apiVersion": "v1", "kind": "ConfigMap", "name": "old"}
_CALL = {"url": "https://api.example.com/"}


_TOLD = {"channels": ["chat"], "events": ["Failed"]}


def offer(slug: str, point: int, what: str, changes: dict[str, Any], rule: str, **more: Any) -> Attack:
    """Return an Action that is refused."""
    return Attack(
        slug, point, "author", what, create(changed(berth("fresh"), changes)), crd("actions", rule), LEND, **more
    )


ACTIONS = [
    offer(
        "approver-everybody",
        14,
        "an author lets everybody who is authenticated approve",
        {f"{STAGE}.approvers": {"groups": ["system:authenticated"]}},
        PEOPLE,
    ),
    offer(
        "approver-machines",
        14,
        "an author lets all machines of a namespace approve",
        {f"{STAGE}.approvers": {"groups": ["system:serviceaccounts:team-a"]}},
        PEOPLE,
    ),
    offer(
        "approver-with-a-blank",
        4,
        "an author names an approver as nobody is called, with a blank behind the name",
        {f"{STAGE}.approvers": {"users": ["lead-1@example.com "]}},
        f"approvers: each of users and groups {ONE_NAME_SENTENCE}",
    ),
    offer(
        "people-in-one-string",
        4,
        "an author has two people told, in one string",
        {"spec.notifications": [{**_TOLD, "people": {"users": ["lead-1@example.com, lead-2@example.com"]}}]},
        f"people of notifications: each of users and groups {ONE_NAME_SENTENCE}",
    ),
    offer(
        "approver-nobody",
        4,
        "an author names no approver",
        {f"{STAGE}.approvers": {"users": []}},
        f"{_SOMEBODY}, or `from`: objects that name them",
    ),
    offer(
        "approvers-of-a-secret",
        14,
        "an author has approvers looked up in a Secret, so that its values are shown",
        {f"{STAGE}.approvers": {"from": [{**_NAMES, "kind": "Secret"}]}},
        "approvers.from reads no Secret: names that are found are shown to everybody; put them into a ConfigMap, a label or"
        " an annotation",
    ),
    offer(
        "approvers-of-an-object-that-says-nothing",
        4,
        "an author names an object, and nothing of it that would be a name",
        {f"{STAGE}.approvers": {"from": [{key: each for key, each in _NAMES.items() if key != "users"}]}},
        "an entry of approvers.from says what of the object are the names: set users, groups, or both",
    ),
    offer(
        "fallback-for-nothing",
        4,
        "an author names people in place of those who are found, and looks for nobody",
        {f"{STAGE}.approvers.fallback": {"users": ["lead-1@example.com"]}},
        "fallback is for people whom `from` does not find: set from as well, or leave fallback out",
    ),
    offer(
        "fallback-to-nobody",
        4,
        "an author names nobody in place of those who are found",
        {f"{STAGE}.approvers": {"from": [_NAMES], "fallback": {"users": []}}},
        "fallback needs at least one user or group",
    ),
    offer(
        "fallback-to-everybody",
        14,
        "an author lets everybody approve where nobody is found",
        {f"{STAGE}.approvers": {"from": [_NAMES], "fallback": {"groups": ["system:authenticated"]}}},
        PEOPLE.replace("approvers.groups", "fallback.groups"),
    ),
    offer(
        "fallback-in-one-string",
        4,
        "an author names two people in one string, where nobody is found",
        {f"{STAGE}.approvers": {"from": [_NAMES], "fallback": {"users": ["lead-1@example.com, lead-2@example.com"]}}},
        f"approvers.fallback: each of users and groups {ONE_NAME_SENTENCE}",
    ),
    offer(
        "all-of-those-found-and-named",
        4,
        "an author asks for all of the users, and looks for others, whom a version before would not ask",
        {f"{STAGE}.approvers": {"users": ["lead-1@example.com"], "from": [_NAMES]}, f"{STAGE}.mode": "All"},
        "mode: All is every one of approvers.users, or every user whom approvers.from finds: not both, and no groups. Make"
        " a stage of each",
    ),
    offer(
        "impossible-quorum",
        4,
        "an author asks for more approvals than there are approvers",
        {f"{STAGE}.required": 2},
        _QUORUM,
    ),
    offer(
        "all-of-a-group",
        4,
        "an author asks for everybody in a group, whom nobody can count",
        {f"{STAGE}.approvers": {"groups": ["platform-leads"]}, f"{STAGE}.mode": "All"},
        "mode: All needs users by name: who is in a group is not known. Name them in approvers.users, or use"
        " required and requireFrom",
    ),
    offer(
        "all-and-a-number",
        4,
        "an author asks for all of the users and for a number of them",
        {f"{STAGE}.mode": "All", f"{STAGE}.required": 1},
        "mode: All means every one of approvers.users: leave required and requireFrom out"
        " (required: null removes a number that an earlier version filled in)",
    ),
    offer(
        "count-from-a-group-that-may-not-decide",
        4,
        "an author asks for somebody of a group that cannot decide",
        {
            f"{STAGE}.approvers": {"groups": ["platform-leads"]},
            f"{STAGE}.requireFrom": [{"group": "security", "count": 1}],
        },
        "each group of requireFrom must be one of approvers.groups: nobody else of it may decide",
    ),
    offer(
        "fewer-than-of-one-group",
        4,
        "an author asks for one approval, two of them of one group",
        {
            f"{STAGE}.approvers": {"groups": ["platform-leads"]},
            f"{STAGE}.required": 1,
            f"{STAGE}.requireFrom": [{"group": "platform-leads", "count": 2}],
        },
        "required is smaller than a count of requireFrom: raise it, or leave it out"
        " (null removes a 1 that an earlier version filled in)",
    ),
    offer(
        "too-many-in-alternatives",
        4,
        "an author names more approvers in alternatives than a gate can hold",
        {
            f"{STAGE}.alternatives": [
                {"approvers": {"users": [f"u{number}@example.com" for number in range(start, start + 20)]}}
                for start in (0, 20)
            ]
        },
        "a stage and its alternatives may name 32 users and 32 groups together",
    ),
    offer(
        "no-time",
        15,
        "an author gives approvers no time at all",
        {f"{STAGE}.deadline": "0s"},
        "deadline must be longer than 0s",
    ),
    offer(
        "freeze-that-never-is",
        15,
        "an author writes a freeze that ends before it begins",
        {"spec.freeze": [{"from": "2027-01-02T00:00:00Z", "until": "2026-12-24T00:00:00Z"}]},
        "a freeze ends after it has begun: set until to a later moment than from",
    ),
    offer(
        "no-time-to-start",
        5,
        "an author makes every approval too old to be used",
        {"spec.execution.startDeadline": "0s"},
        "startDeadline must be longer than 0s: no approval could ever be used",
    ),
    offer(
        "lists-of-nothing",
        5,
        "an author replaces the lists of an object that is only made",
        {"spec.execution.resources.0.lists": "Replace"},
        "lists says how an object that exists is changed: set patch: true as well, or leave lists out",
    ),
    offer(
        "object-and-call-in-one",
        5,
        "an author hides a call behind an object: people read of one, and both are done",
        {"spec.execution.resources.0.request": _CALL},
        "an entry has one of template, for an object, request, for a call, and delete, for an object that goes",
    ),
    offer(
        "call-that-is-ready",
        5,
        "an author says of a call what is true of objects only",
        {"spec.execution.resources.0": {"id": "a", "readyWhen": "true", "request": _CALL}},
        "patch, wait, readyWhen and failedWhen are about an object, and a request makes none: leave them out, and say in"
        " request.expect which answers are good",
    ),
    offer(
        "object-that-goes-and-stays",
        5,
        "an author says of an object that is deleted when it is ready",
        {"spec.execution.resources.0": {"id": "a", "readyWhen": "true", "delete": _GOES}},
        "patch, readyWhen and failedWhen are about an object that stays: leave them out; a deletion is done when the"
        " object is gone",
    ),
    offer(
        "object-and-deletion-in-one",
        5,
        "an author hides a deletion behind an object: people read of one, and both are done",
        {"spec.execution.resources.0.delete": _GOES},
        "an entry has one of template, for an object, request, for a call, and delete, for an object that goes",
    ),
    offer(
        "body-that-is-never-sent",
        5,
        "an author shows approvers a body that its method does not send",
        {"spec.execution.resources.0": {"id": "a", "request": {**_CALL, "method": "GET", "body": {"a": 1}}}},
        "GET and DELETE have no body: leave body and cloudEvent out, or set another method",
    ),
    offer(
        "call-that-never-ends",
        7,
        "an author keeps the operator waiting for an answer for a day",
        {"spec.execution.resources.0": {"id": "a", "request": {**_CALL, "answerWithin": "1d"}}},
        "answerWithin is from 1s to 120s: for what takes longer, let the receiver answer at once",
    ),
    offer(
        "order-that-is-given-again-and-again",
        5,
        "an author has a deployment started every few seconds, by a call that approvers take for one",
        {"spec.execution.resources.0": {"id": "a", "request": {**_CALL, "until": {"done": "answer.status == 200"}}}},
        "until asks again and again, which only a GET may: start it with one entry, and wait with another",
    ),
    offer(
        "question-without-a-pause",
        7,
        "an author has a receiver asked without a pause, until it locks the token out",
        {
            "spec.execution.resources.0": {
                "id": "a",
                "request": {**_CALL, "method": "GET", "until": {"done": "answer.status == 201", "every": "1s"}},
            }
        },
        "every is from 5s to 1h: receivers limit how often they are asked",
    ),
    offer(
        "conflict-of-nothing",
        5,
        "an author takes fields from whoever applies an object that is only made",
        {"spec.execution.resources.0.conflict": "Force"},
        "conflict is about an object that exists: set patch: true as well, or leave conflict out",
    ),
    offer(
        "end-of-what-is-changed",
        7,
        "an author has an object deleted that the run only changes",
        {"spec.execution.resources.0.patch": True, "spec.execution.resources.0.expiresAfter": "8h"},
        "expiresAfter ends an object that the run makes: leave it out where one that exists is changed or"
        " deleted, or a call is made",
    ),
    offer(
        "end-that-never-comes",
        5,
        "an author writes an end that is no time, so that what looks temporary stays",
        {"spec.execution.resources.0.expiresAfter": "soon"},
        "expiresAfter is a duration longer than 0s, such as 8h, or ${CEL} that becomes one",
    ),
    offer(
        "end-beyond-the-wall",
        5,
        "an author lets access last for longer than the Action says",
        {"spec.execution.resources.0.expiresAfter": "31d"},
        "expiresAfter of a resource is longer than maxExpiry: shorten it, or raise maxExpiry",
    ),
    offer(
        "sentence-that-is-never-read",
        5,
        "an author says why an object is refused, and refuses none",
        {"spec.actsOn": {"apiVersion": "v1", "kind": "ConfigMap", "message": "Only what is open"}},
        "message is read where the filter is false: set filter as well, or leave message out",
    ),
    Attack(
        "zero-required",
        4,
        "author",
        "an author asks for no approval at a gate",
        create(changed(berth("fresh"), {f"{STAGE}.required": 0})),
        schema("spec.approval.stages[0].required in body should be greater than or equal to 1"),
        LEND,
    ),
]


ATTACKS = [*LENT, *DEEP, *ACTIONS]
