"""Attacks on a run that exists: change it, take it back for another, hang it on something."""

from typing import Any

from tests.attacks.denials import (
    NOT_YOURS,
    ONE_SHOT,
    REQUESTER,
    RUN_MARKS,
    RUN_OWNERS,
    canary,
    crd,
    not_waiting,
    not_yours_to_delete,
    rbac,
    schema,
    stamped,
)
from tests.attacks.gate_removed import OWNER
from tests.attacks.model import Attack, Denial, Twin, apply, delete, patch, replacing
from tests.attacks.world import DEVELOPER, LEAD, voyage

WITHDRAW = Twin("developer", "withdraws it", patch("actionruns/waiting", {"spec": {"withdrawn": True}}))
LABEL = Twin(
    "developer", "sets a label that is not ours", patch("actionruns/waiting", {"metadata": {"labels": {"team": "a"}}})
)
AGAIN = Twin(
    "developer",
    "applies the same manifest again",
    apply("actionruns/waiting", {"spec": voyage("waiting")["spec"]}, force="true"),
)
_ACTION_REF = crd("actionruns", "actionRef cannot be changed: a run is one execution; create another ActionRun")
_REASON = crd("actionruns", "reason cannot be changed: a run is one execution; create another ActionRun")
_BACK = crd("actionruns", "withdrawn cannot be taken back: create another ActionRun")


def alter(
    slug: str, what: str, change: dict[str, Any], who: str = "developer", answer: Denial = ONE_SHOT, **more: Any
) -> Attack:
    """Return an attack that changes what is asked for, by merge patch."""
    return Attack(slug, 5, who, what, patch("actionruns/waiting", {"spec": change}), answer, WITHDRAW, **more)


CHANGED = [
    alter("change-inputs", "the requester changes the inputs while approvers look", {"inputs": {"name": "other"}}),
    alter("add-input", "the requester adds an input", {"inputs": {"size": "large"}}),
    alter("null-inputs", "the requester sets the inputs to null", {"inputs": None}),
    alter("change-inputs-as-admin", "cluster-admin changes the inputs", {"inputs": {"name": "other"}}, "admin"),
    alter(
        "change-inputs-and-withdraw",
        "the requester changes the inputs in the patch that withdraws",
        {"inputs": {"name": "other"}, "withdrawn": True},
    ),
    alter(
        "change-action",
        "the requester points the run at another Action",
        {"actionRef": {"name": "foreign"}},
        answer=_ACTION_REF,
        behind=(ONE_SHOT,),
    ),
    alter(
        "null-action",
        "cluster-admin sets the Action to null, to fill it in anew",
        {"actionRef": None},
        "admin",
        schema("spec.actionRef: Required value"),
    ),
    alter(
        "change-reason", "the requester changes the reason", {"reason": "harmless"}, answer=_REASON, behind=(ONE_SHOT,)
    ),
    alter(
        "add-on-behalf",
        "the requester says afterwards that it was for somebody else",
        {"onBehalfOf": {"username": LEAD}},
        answer=crd("actionruns", "onBehalfOf cannot be changed: a run is one execution; create another ActionRun"),
        behind=(ONE_SHOT,),
    ),
    alter(
        "change-requester",
        "the requester hands the run to a friend, to approve it",
        {"requestedBy": {"username": LEAD}},
    ),
    alter(
        "change-requester-groups",
        "cluster-admin changes the requester's groups",
        {"requestedBy": {"groups": ["platform-leads"]}},
        "admin",
    ),
    Attack(
        "null-run-spec",
        5,
        "admin",
        "cluster-admin sets the spec to null, to fill it in anew",
        patch("actionruns/waiting", {"spec": None}),
        schema("spec: Required value"),
        WITHDRAW,
    ),
    Attack(
        "remove-requester",
        2,
        "admin",
        "cluster-admin takes requestedBy out",
        patch("actionruns/waiting", {"spec": {"requestedBy": None}}),
        stamped(REQUESTER, "spec.requestedBy.username", DEVELOPER),
        behind=(ONE_SHOT,),
    ),
    Attack(
        "remove-requester-by-json-patch",
        2,
        "developer-2",
        "another developer takes requestedBy out by JSON patch",
        patch("actionruns/waiting", [{"op": "remove", "path": "/spec/requestedBy"}], "json"),
        stamped(REQUESTER, "spec.requestedBy.username", DEVELOPER),
        behind=(ONE_SHOT,),
    ),
    Attack(
        "change-by-apply",
        5,
        "developer",
        "the requester applies other inputs with force",
        apply("actionruns/waiting", {"spec": {**voyage("waiting")["spec"], "inputs": {"name": "x"}}}, force="true"),
        ONE_SHOT,
        AGAIN,
    ),
    Attack(
        "change-by-replace",
        5,
        "developer-2",
        "another developer replaces the run",
        replacing("actionruns/waiting", lambda live: live["spec"].update(inputs={})),
        ONE_SHOT,
        WITHDRAW,
    ),
    Attack(
        "change-by-test-and-replace",
        5,
        "developer",
        "the requester changes an input by JSON patch, after a test",
        patch(
            "actionruns/waiting",
            [
                {"op": "test", "path": "/spec/inputs/name", "value": "waiting"},
                {"op": "replace", "path": "/spec/inputs/name", "value": "x"},
            ],
            "json",
        ),
        ONE_SHOT,
        WITHDRAW,
    ),
    Attack(
        "revive-done",
        5,
        "developer",
        "the requester changes a run that has ended, to have it run again",
        patch("actionruns/done", {"spec": {"inputs": {"name": "again"}}}),
        ONE_SHOT,
        WITHDRAW,
    ),
]

WITHDRAWN = [
    Attack(
        "delete-anothers",
        16,
        "developer-2",
        "another developer deletes the run, which withdraws it",
        delete("actionruns/waiting"),
        not_yours_to_delete("WaitingForApproval"),
        Twin("developer", "deletes the run", delete("actionruns/waiting")),
    ),
    Attack(
        "delete-anothers-while-it-runs",
        16,
        "developer-2",
        "another developer deletes a run while it makes its objects",
        delete("actionruns/running", {"propagationPolicy": "Background"}),
        not_yours_to_delete("Running"),
        Twin("developer-2", "deletes a run that has ended", delete("actionruns/done")),
    ),
    Attack(
        "delete-all-runs",
        16,
        "mallory",
        "who may delete collections deletes everybody's runs",
        delete("actionruns", fieldSelector="metadata.name=waiting"),
        not_yours_to_delete("WaitingForApproval"),
        Twin("mallory", "deletes those that have ended", delete("actionruns", fieldSelector="metadata.name=done")),
    ),
    Attack(
        "withdraw-anothers",
        16,
        "developer-2",
        "another developer takes the run back",
        patch("actionruns/waiting", {"spec": {"withdrawn": True}}),
        NOT_YOURS,
        WITHDRAW,
    ),
    Attack(
        "withdraw-as-approver",
        16,
        "lead-1",
        "an approver takes the run back instead of declining",
        patch("actionruns/waiting", {"spec": {"withdrawn": True}}),
        rbac(LEAD, "patch", "actionruns"),
        WITHDRAW,
    ),
    Attack(
        "withdraw-running",
        16,
        "developer",
        "the requester takes back what runs already",
        patch("actionruns/running", {"spec": {"withdrawn": True}}),
        not_waiting("Running"),
        WITHDRAW,
    ),
    Attack(
        "withdraw-done",
        16,
        "admin",
        "cluster-admin takes back what has succeeded",
        patch("actionruns/done", {"spec": {"withdrawn": True}}),
        not_waiting("Succeeded"),
        WITHDRAW,
    ),
    Attack(
        "unwithdraw",
        16,
        "developer",
        "the requester takes the withdrawal back",
        patch("actionruns/withdrawn", {"spec": {"withdrawn": False}}),
        _BACK,
        WITHDRAW,
    ),
    Attack(
        "unwithdraw-by-null",
        16,
        "developer",
        "the requester sets withdrawn to null",
        patch("actionruns/withdrawn", {"spec": {"withdrawn": None}}),
        _BACK,
        WITHDRAW,
    ),
]


MARKED = [
    Attack(
        "run-owner-reference",
        16,
        "developer-2",
        "another developer hangs the run on an object that is gone: the garbage collector would delete it",
        patch("actionruns/waiting", {"metadata": {"ownerReferences": [OWNER]}}),
        RUN_OWNERS,
        LABEL,
    ),
    Attack(
        "run-owner-reference-by-apply",
        16,
        "developer-2",
        "another developer does so by server-side apply",
        apply("actionruns/waiting", {"metadata": {"ownerReferences": [OWNER]}}),
        RUN_OWNERS,
        LABEL,
    ),
    Attack(
        "run-late-finalizer",
        7,
        "developer",
        "the requester sets a finalizer of ours on a run that waits",
        patch("actionruns/waiting", {"metadata": {"finalizers": ["pratique.dev/environment"]}}),
        RUN_MARKS,
        LABEL,
    ),
    Attack(
        "run-late-label",
        7,
        "admin",
        "cluster-admin sets a label of ours on a run",
        patch("actionruns/waiting", {"metadata": {"labels": {"pratique.dev/run-uid": "x"}}}),
        RUN_MARKS,
        LABEL,
    ),
    Attack(
        "run-late-canary",
        9,
        "developer",
        "the requester says that a waiting run is a canary while changing it",
        patch(
            "actionruns/waiting",
            {"metadata": {"labels": {"pratique.dev/canary": "true"}}, "spec": {"inputs": {"name": "x"}}},
        ),
        canary(REQUESTER, f" {DEVELOPER}"),
        LABEL,
        behind=(RUN_MARKS, ONE_SHOT),
    ),
]

ATTACKS = [*CHANGED, *WITHDRAWN, *MARKED]
