"""Attacks on a run that exists: change it, take it back for another, hang it on something."""

from typing import Any

from tests.attacks.denials import (
    NOT_BACK,
    NOT_YOURS,
    REQUESTER,
    RUN_KEPT,
    RUN_MARKS,
    RUN_OWNERS,
    canary,
    not_waiting,
    not_your_record,
    not_yours_to_delete,
    one_shot,
    rbac,
    stamped,
)
from tests.attacks.gate_removed import OWNER
from tests.attacks.model import Attack, Twin, apply, delete, patch, replacing
from tests.attacks.world import DEVELOPER, LEAD, voyage

WITHDRAW = Twin("developer", "withdraws it", patch("actionruns/waiting", {"spec": {"withdrawn": True}}))
DELETE_DONE = Twin("developer", "deletes their own run that has ended", delete("actionruns/done"))
LABEL = Twin(
    "developer", "sets a label that is not ours", patch("actionruns/waiting", {"metadata": {"labels": {"team": "a"}}})
)
AGAIN = Twin(
    "developer",
    "applies the same manifest again",
    apply("actionruns/waiting", {"spec": voyage("waiting")["spec"]}, force="true"),
)


def alter(slug: str, what: str, change: dict[str, Any], who: str = "developer", **more: Any) -> Attack:
    """Return an attack that changes what is asked for, by merge patch; `field` is what the answer names."""
    answer = one_shot(more.pop("field", next(iter(change))))
    target = patch("actionruns/waiting", {"spec": change})
    return Attack(slug, 5, who, what, target, answer, WITHDRAW, behind=(RUN_MARKS,), **more)


CHANGED = [
    alter("change-inputs", "the requester changes the inputs while approvers look", {"inputs": {"name": "other"}}),
    alter("add-input", "the requester adds an input", {"inputs": {"size": "large"}}),
    alter("null-inputs", "the requester sets the inputs to null", {"inputs": None}),
    alter("no-inputs", "the requester makes a text of the inputs, which the schema refuses", {"inputs": "text"}),
    alter("change-inputs-as-admin", "cluster-admin changes the inputs", {"inputs": {"name": "other"}}, "admin"),
    alter(
        "change-inputs-and-withdraw",
        "the requester changes the inputs in the patch that withdraws",
        {"inputs": {"name": "other"}, "withdrawn": True},
    ),
    alter("change-action", "the requester points the run at another Action", {"actionRef": {"name": "foreign"}}),
    alter("add-target", "the requester adds an object that the run acts on", {"targetRef": {"name": "other"}}),
    alter("change-action-to-none", "the requester names an impossible Action", {"actionRef": {"name": "No Name"}}),
    alter("null-action", "cluster-admin sets the Action to null, to fill it in anew", {"actionRef": None}, "admin"),
    alter(
        "null-action-name",
        "cluster-admin sets the Action's name to null, to fill it in anew",
        {"actionRef": {"name": None}},
        "admin",
    ),
    alter("change-reason", "the requester changes the reason", {"reason": "harmless"}),
    alter("change-reason-too-long", "the requester writes a reason that is too long", {"reason": "x" * 1025}),
    alter(
        "change-everything",
        "the requester changes all that there is",
        {"inputs": {"name": "x"}, "reason": "other", "actionRef": {"name": "foreign"}},
        field="actionRef, inputs, reason",
    ),
    alter(
        "add-on-behalf",
        "the requester says afterwards that it was for somebody else",
        {"onBehalfOf": {"username": LEAD}},
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
    alter("withdrawn-as-text", "the requester writes a text into withdrawn", {"withdrawn": "soon"}),
    Attack(
        "null-run-spec",
        5,
        "admin",
        "cluster-admin sets the spec to null, to fill it in anew",
        patch("actionruns/waiting", {"spec": None}),
        one_shot("spec"),
        WITHDRAW,
        behind=(RUN_MARKS,),
    ),
    Attack(
        "remove-requester",
        2,
        "admin",
        "cluster-admin takes requestedBy out",
        patch("actionruns/waiting", {"spec": {"requestedBy": None}}),
        stamped(REQUESTER, "spec.requestedBy.username", DEVELOPER),
        behind=(one_shot("requestedBy"),),
    ),
    Attack(
        "remove-requester-by-json-patch",
        2,
        "developer-2",
        "another developer takes requestedBy out by JSON patch",
        patch("actionruns/waiting", [{"op": "remove", "path": "/spec/requestedBy"}], "json"),
        stamped(REQUESTER, "spec.requestedBy.username", DEVELOPER),
        behind=(one_shot("requestedBy"),),
    ),
    Attack(
        "change-by-apply",
        5,
        "developer",
        "the requester applies other inputs with force",
        apply("actionruns/waiting", {"spec": {**voyage("waiting")["spec"], "inputs": {"name": "x"}}}, force="true"),
        one_shot("inputs"),
        AGAIN,
        behind=(RUN_MARKS,),
    ),
    Attack(
        "change-by-replace",
        5,
        "developer-2",
        "another developer replaces the run",
        replacing("actionruns/waiting", lambda live: live["spec"].update(inputs={})),
        one_shot("inputs"),
        WITHDRAW,
        behind=(RUN_MARKS,),
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
        one_shot("inputs"),
        WITHDRAW,
        behind=(RUN_MARKS,),
    ),
    Attack(
        "revive-done",
        5,
        "developer",
        "the requester changes a run that has ended, to have it run again",
        patch("actionruns/done", {"spec": {"inputs": {"name": "again"}}}),
        one_shot("inputs"),
        WITHDRAW,
        behind=(RUN_MARKS,),
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
        Twin("developer", "deletes it", delete("actionruns/running")),
    ),
    Attack(
        "delete-anothers-record",
        16,
        "developer-2",
        "another developer deletes a run that has ended",
        delete("actionruns/done"),
        not_your_record("Succeeded"),
        DELETE_DONE,
    ),
    Attack(
        "delete-all-records",
        16,
        "mallory",
        "who may delete collections deletes the runs that have ended",
        delete("actionruns", fieldSelector="metadata.name=done"),
        not_your_record("Succeeded"),
        Twin("admin", "deletes it, holding the verb withdraw", delete("actionruns/done")),
    ),
    Attack(
        "delete-all-runs",
        16,
        "mallory",
        "who may delete collections deletes everybody's runs",
        delete("actionruns", fieldSelector="metadata.name=waiting"),
        not_yours_to_delete("WaitingForApproval"),
        Twin(
            "admin",
            "deletes it, holding the verb withdraw",
            delete("actionruns", fieldSelector="metadata.name=waiting"),
        ),
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
        NOT_BACK,
        WITHDRAW,
    ),
    Attack(
        "unwithdraw-by-null",
        16,
        "developer",
        "the requester sets withdrawn to null",
        patch("actionruns/withdrawn", {"spec": {"withdrawn": None}}),
        NOT_BACK,
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
        behind=(one_shot("inputs"), RUN_MARKS),
    ),
]

ENDS = {"metadata": {"finalizers": ["pratique.dev/ends-objects"]}}
FREE = {"metadata": {"finalizers": None}}
HOLD = Twin("operator", "holds a run that is about to make something for a time", patch("actionruns/waiting", ENDS))
LET_GO = Twin("operator", "lets a run go whose objects have ended", patch("actionruns/lasting", FREE))

LASTING = [
    Attack(
        "keep-what-ends",
        7,
        "developer",
        "the requester strips the finalizer by which what the run made for a time is ended with it",
        patch("actionruns/lasting", FREE),
        RUN_MARKS,
        LET_GO,
    ),
    Attack(
        "keep-what-ends-as-admin",
        7,
        "admin",
        "cluster-admin strips it by JSON patch",
        patch("actionruns/lasting", [{"op": "remove", "path": "/metadata/finalizers"}], "json"),
        RUN_MARKS,
        LET_GO,
    ),
    Attack(
        "hold-a-run",
        7,
        "developer",
        "the requester plants it on a run that made nothing, so that the run never goes",
        patch("actionruns/waiting", ENDS),
        RUN_MARKS,
        HOLD,
    ),
    Attack(
        "end-anothers-objects",
        16,
        "developer-2",
        "another developer deletes the run, so that what it made for a time ends early",
        delete("actionruns/lasting"),
        not_your_record("Succeeded"),
        Twin("developer", "ends early what their own run has made", delete("actionruns/lasting")),
    ),
    Attack(
        "operator-labels-a-run",
        7,
        "operator",
        "the operator's own account changes a label of a run, by which others choose it",
        patch("actionruns/waiting", {"metadata": {"labels": {"team": "b"}}}),
        RUN_KEPT,
        HOLD,
    ),
    Attack(
        "operator-annotates-a-run",
        7,
        "operator",
        "the operator's own account writes an annotation of Argo CD's",
        patch("actionruns/waiting", {"metadata": {"annotations": {"argocd.argoproj.io/hook": "Sync"}}}),
        RUN_KEPT,
        HOLD,
    ),
    Attack(
        "operator-holds-a-run-for-others",
        7,
        "operator",
        "the operator's own account sets a finalizer of somebody else",
        patch("actionruns/waiting", {"metadata": {"finalizers": ["example.com/hold"]}}),
        RUN_KEPT,
        HOLD,
    ),
]

ATTACKS = [*CHANGED, *WITHDRAWN, *MARKED, *LASTING]
