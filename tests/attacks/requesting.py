"""Attacks on who asks: in another name, with other groups, without the verb, under marks of ours."""

from typing import Any

from tests.attacks.denials import (
    BORN_WITHDRAWN,
    DEEP,
    FORGED,
    ON_BEHALF,
    REQUESTER,
    RESTORED_RUN,
    RUN_MARKS,
    canary,
    crd,
    may_not_run,
    rbac,
    schema,
    stamped,
)
from tests.attacks.model import Attack, Json, Shows, Twin, apply, by_headers, create
from tests.attacks.world import DEVELOPER, LEAD, MALLORY, ROBOT, voyage
from tests.builders.manifests import changed

ASK = Twin("developer", "asks, and leaves requestedBy out", create(voyage()))
TRUE = {"username": DEVELOPER, "groups": ["developers", "system:authenticated"]}
TRUTH = Twin("developer", "writes down the truth", create(voyage(spec__requestedBy=TRUE)))


def forge(slug: str, what: str, requester: Any, who: str = "developer", **more: Any) -> Attack:
    """Return an attack that asks in another name."""
    return Attack(slug, 2, who, what, create(voyage(spec__requestedBy=requester)), FORGED, TRUTH, **more)


def nested(levels: int) -> Json:
    """Return inputs that are nested so deep."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return dict(value)


FORGERIES = [
    forge(
        "ask-as-another",
        "a developer asks in a lead's name",
        {"username": LEAD, "groups": ["platform-leads", "system:authenticated"]},
    ),
    forge(
        "ask-with-other-groups",
        "a developer asks with a lead's groups",
        {"username": DEVELOPER, "groups": ["platform-leads", "system:authenticated"]},
    ),
    forge("ask-with-more-groups", "a developer adds a group", {**TRUE, "groups": [*TRUE["groups"], "platform-leads"]}),
    forge("ask-with-fewer-groups", "a developer leaves a group out", {**TRUE, "groups": ["developers"]}),
    forge(
        "ask-with-repeated-group",
        "a developer names one group twice, so that the number is right",
        {**TRUE, "groups": ["developers", "developers"]},
    ),
    forge("ask-without-groups", "a developer leaves all groups out", {"username": DEVELOPER}),
    forge(
        "ask-in-other-case",
        "a developer asks in other letter case, to be somebody else later",
        {**TRUE, "username": "Developer@example.com"},
    ),
    forge("ask-as-another-as-admin", "cluster-admin asks in a developer's name", TRUE, "admin"),
    Attack(
        "ask-as-another-by-apply",
        2,
        "developer",
        "a developer asks in a lead's name by server-side apply",
        apply("actionruns/fresh", {"spec": voyage(spec__requestedBy={"username": LEAD, "groups": []})["spec"]}),
        FORGED,
        Twin("developer", "asks by server-side apply", apply("actionruns/fresh", {"spec": voyage()["spec"]})),
    ),
    Attack(
        "ask-with-null-requester",
        2,
        "developer",
        "a developer sets requestedBy to null, to be nobody",
        create(voyage(spec__requestedBy=None)),
        stamped(REQUESTER, "spec.requestedBy.username", DEVELOPER),
        behind=(FORGED,),
    ),
    Attack(
        "ask-without-requester",
        2,
        "developer",
        "a developer leaves requestedBy out, to be nobody",
        create(voyage()),
        stamped(REQUESTER, "spec.requestedBy", {"username": DEVELOPER, "groups": TRUE["groups"]}),
        behind=(FORGED,),
    ),
    Attack(
        "ask-with-empty-requester",
        2,
        "developer",
        "a developer gives an empty requestedBy",
        create(voyage(spec__requestedBy={})),
        schema("spec.requestedBy.username: Required value"),
        ASK,
    ),
    Attack(
        "proxy-headers",
        2,
        "developer",
        "a developer sends the headers by which a proxy would name a lead",
        by_headers(create(voyage()), ("X-Remote-User", LEAD), ("X-Remote-Group", "system:masters")),
        Shows("spec.requestedBy.username", DEVELOPER),
    ),
    Attack(
        "status-in-create",
        8,
        "developer",
        "a developer creates a run that says that it succeeded",
        create({**voyage(), "status": {"phase": "Succeeded", "message": "done"}}),
        Shows("status.phase", "Pending"),
    ),
    Attack(
        "plan-in-create",
        8,
        "developer",
        "a developer creates a run with a plan of his own in its status",
        create({**voyage(), "status": {"plan": {"digest": "sha256:1"}}}),
        Shows("status.plan", None),
    ),
]

ENTITLED = [
    Attack(
        "run-without-the-verb",
        13,
        "mallory",
        "somebody who may create runs, but was given no Action, asks",
        create(voyage()),
        may_not_run(MALLORY),
        ASK,
    ),
    Attack(
        "run-unknown-action",
        13,
        "mallory",
        "somebody without the verb looks for Actions by their names",
        create(voyage(spec__actionRef={"name": "secret"})),
        may_not_run(MALLORY, "secret"),
        ASK,
    ),
    Attack(
        "operator-asks",
        7,
        "operator",
        "the operator's own account asks for a run",
        create(voyage()),
        may_not_run("system:serviceaccount:pratique-system:pratique"),
        ASK,
    ),
    Attack(
        "lead-asks",
        13,
        "lead-1",
        "an approver, who has no right to create runs, asks",
        create(voyage()),
        rbac(LEAD, "create", "actionruns"),
        ASK,
    ),
    Attack(
        "nobody-asks",
        13,
        "nobody",
        "somebody without rights asks",
        create(voyage()),
        rbac("nobody", "create", "actionruns"),
        ASK,
    ),
]

MARKED = [
    Attack(
        "run-our-label",
        7,
        "developer",
        "a developer gives a run a label of ours, to be taken for another's object",
        create(voyage(metadata__labels={"pratique.dev/run-uid": "x"})),
        RUN_MARKS,
        ASK,
    ),
    Attack(
        "run-our-annotation",
        7,
        "developer",
        "a developer writes an annotation of ours",
        create(voyage(metadata__annotations={"pratique.dev/x": "x"})),
        RUN_MARKS,
        ASK,
    ),
    Attack(
        "run-our-finalizer",
        7,
        "developer",
        "a developer sets a finalizer of ours, so that the run never goes",
        create(voyage(metadata__finalizers=["pratique.dev/recorded"])),
        RUN_MARKS,
        ASK,
    ),
    Attack(
        "run-canary",
        9,
        "developer",
        "a developer says that the run is a canary, to be let through",
        create(voyage(metadata__labels={"pratique.dev/canary": "true"})),
        canary(REQUESTER, f" {DEVELOPER}"),
        ASK,
        behind=(RUN_MARKS,),
    ),
    Attack(
        "born-withdrawn",
        16,
        "developer",
        "a developer creates a run that is withdrawn already",
        create(voyage(spec__withdrawn=True)),
        BORN_WITHDRAWN,
        ASK,
    ),
    Attack(
        "deep-inputs",
        17,
        "developer",
        "a developer nests inputs so deep that readers give up",
        create(voyage(spec__inputs=nested(14))),
        DEEP,
        Twin("developer", "nests them twelve levels deep", create(voyage(spec__inputs=nested(12)))),
    ),
    Attack(
        "abyssal-inputs",
        17,
        "developer",
        "a developer nests inputs five thousand levels deep",
        create(voyage(spec__inputs=nested(900))),
        DEEP,
        Twin("developer", "nests them twelve levels deep", create(voyage(spec__inputs=nested(12)))),
    ),
    Attack(
        "long-name",
        4,
        "developer",
        "a developer gives a run a name so long that its gate could have none",
        create(voyage("x" * 201)),
        crd(
            "actionruns",
            "the name of an ActionRun may have 200 characters at most: its Approval carries it in its own name",
        ),
        ASK,
    ),
]

ON_BEHALF_OF = [
    Attack(
        "ask-on-behalf",
        2,
        "developer",
        "a developer asks on behalf of somebody else, to decide it afterwards",
        create(voyage(spec__onBehalfOf={"username": LEAD})),
        ON_BEHALF,
        ASK,
    ),
    Attack(
        "ask-on-behalf-of-a-machine",
        14,
        "developer",
        "a developer asks on behalf of a ServiceAccount",
        create(voyage(spec__onBehalfOf={"username": ROBOT})),
        crd("actionruns", "onBehalfOf names a person: user names of the system (system:…) are none"),
        ASK,
        behind=(ON_BEHALF,),
    ),
]

OUT_OF_A_BACKUP = {"velero.io/restore-name": "nightly"}
RESTORED = [
    Attack(
        "run-out-of-a-backup",
        1,
        "developer",
        "a tool restores a run without its requester, and what was done long ago is done again in the name of who restores",
        create(changed(voyage(), {"metadata.labels": OUT_OF_A_BACKUP})),
        RESTORED_RUN,
        ASK,
    ),
]


ATTACKS = [*ON_BEHALF_OF, *FORGERIES, *ENTITLED, *MARKED, *RESTORED]
