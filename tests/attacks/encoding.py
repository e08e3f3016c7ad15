"""Attacks on how a request is written: content types, versions, subresources, duplicate keys, YAML, metadata."""

import json

from tests.attacks.denials import (
    FORGED,
    FROZEN,
    rbac,
    server,
)
from tests.attacks.gate_frozen import DECIDE, MINE
from tests.attacks.model import NOW, Attack, Request, Seen, Shows, create, patch, path_of, raw
from tests.attacks.requesting import ASK
from tests.attacks.world import DEVELOPER, LEAD, MALLORY, voyage

_UID = "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11"


NEW = Seen("a new one", lambda found: found not in (None, _UID))


YAML = "application/yaml"


_TWICE = (
    b'{"spec": {"policy": {"required": 2}, "decisions": {"%s": {"verdict": "Approve"}}, "policy": {"required": 1}}}'
    % LEAD.encode()
)


_ANCHORS = f"""\
apiVersion: pratique.dev/v1alpha1
kind: ActionRun
metadata: {{name: fresh}}
spec:
  actionRef: &a {{name: berth}}
  inputs: {{}}
  requestedBy: {{username: {LEAD}, groups: [&g platform-leads, *g]}}
""".encode()


ENCODED = [
    Attack(
        "duplicate-key",
        4,
        "lead-1",
        "an approver sends a key twice, the second time with the lower number",
        patch("approvals/gate", _TWICE),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "duplicate-key-ignored",
        4,
        "lead-1",
        "an approver does so and asks for no validation of fields",
        patch("approvals/gate", _TWICE, fieldValidation="Ignore"),
        FROZEN,
        DECIDE,
    ),
    Attack(
        "key-in-other-case",
        4,
        "lead-1",
        "an approver writes the number in other letter case",
        patch("approvals/gate", {"spec": {"policy": {"Required": 1}, **MINE}}, fieldValidation="Ignore"),
        Shows("spec.policy.required", 2),
    ),
    Attack(
        "unknown-field",
        4,
        "lead-1",
        "an approver adds a field that some later version may know",
        patch("approvals/gate", {"spec": {"policy": {"selfApproval": "Allow"}, **MINE}}, fieldValidation="Ignore"),
        Shows("spec.policy.selfApproval", None),
    ),
    Attack(
        "unknown-field-in-run",
        2,
        "developer",
        "a developer adds a field that some later version may know",
        create(voyage(spec__approved=True), fieldValidation="Ignore"),
        Shows("spec.approved", None),
    ),
    Attack(
        "yaml-anchors",
        2,
        "developer",
        "a developer hides a forged requester behind YAML anchors",
        Request("POST", path_of("actionruns"), _ANCHORS, YAML),
        FORGED,
        ASK,
    ),
    Attack(
        "strategic-merge",
        4,
        "lead-1",
        "an approver uses a kind of patch that custom objects do not have",
        patch("approvals/gate", {"spec": {"$patch": "replace"}}, "strategic"),
        server(
            "the body of the request was in an unknown format - accepted media types include:"
            " application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        ),
        DECIDE,
    ),
    Attack(
        "other-encoding",
        2,
        "developer",
        "a developer sends a run in another encoding",
        Request("POST", path_of("actionruns"), b"\xd9\xd9\xf7\xa0", "application/cbor"),
        server("the body of the request was in an unknown format"),
        ASK,
    ),
    Attack(
        "other-version",
        4,
        "lead-1",
        "an approver tries another version of the API",
        raw(
            "PATCH",
            path_of("approvals/gate").replace("v1alpha1", "v1"),
            {"spec": MINE},
            content_type="application/merge-patch+json",
        ),
        server("404 page not found"),
        DECIDE,
    ),
    Attack(
        "scale-subresource",
        4,
        "mallory",
        "somebody tries a subresource that custom objects may have",
        patch("approvals/gate/scale", {"spec": {"replicas": 1}}),
        rbac(MALLORY, "patch", "approvals/scale"),
        DECIDE,
    ),
    Attack(
        "scale-subresource-as-admin",
        4,
        "admin",
        "cluster-admin tries it",
        patch("approvals/gate/scale", {"spec": {}}),
        server('approvals.pratique.dev "gate" not found'),
        DECIDE,
    ),
    Attack(
        "replace-creates",
        4,
        "admin",
        "cluster-admin opens a gate by PUT under a free name",
        raw(
            "PUT",
            path_of("approvals/free"),
            {"apiVersion": "pratique.dev/v1alpha1", "kind": "Approval", "metadata": {"name": "free"}, "spec": {}},
        ),
        server('approvals.pratique.dev "free" not found'),
        DECIDE,
    ),
    Attack(
        "apply-with-managed-fields",
        15,
        "lead-1",
        "an approver applies managed fields of the approver's own",
        Request(
            "PATCH",
            path_of("approvals/gate"),
            {
                "apiVersion": "pratique.dev/v1alpha1",
                "kind": "Approval",
                "metadata": {"name": "gate", "managedFields": [{"manager": "x", "operation": "Apply"}]},
                "spec": MINE,
            },
            "application/apply-patch+yaml",
            {"fieldManager": "me"},
        ),
        server("metadata.managedFields must be nil"),
        DECIDE,
    ),
    Attack(
        "other-name-in-body",
        4,
        "lead-1",
        "an approver names another gate in the body than in the path",
        patch("approvals/gate", {"metadata": {"name": "late"}, "spec": MINE}),
        server("the name of the object (late) does not match the name on the URL (gate)"),
        DECIDE,
    ),
    Attack(
        "other-uid",
        4,
        "mallory",
        "somebody changes the uid of a run, to inherit its gate",
        patch("actionruns/waiting", {"metadata": {"uid": "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a13"}}),
        server('metadata.uid: Invalid value: "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a13": field is immutable'),
        DECIDE,
    ),
    Attack(
        "forged-deletion",
        4,
        "lead-1",
        "an approver says that the gate is being deleted",
        patch("approvals/gate", {"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}, "spec": MINE}),
        server('metadata.deletionTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable'),
        DECIDE,
    ),
    Attack(
        "forged-birth",
        15,
        "developer",
        "a developer says that the run is older than it is",
        create(voyage(metadata__creationTimestamp="2020-01-01T00:00:00Z")),
        Shows("metadata.creationTimestamp", NOW),
    ),
    Attack(
        "chosen-uid",
        4,
        "developer",
        "a developer chooses the uid of the run, which is in the name of its gate",
        create(voyage(metadata__uid="0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11")),
        Shows("metadata.uid", NEW),
    ),
    Attack(
        "last-applied",
        4,
        "developer",
        "a developer forges what kubectl applied last, so that it merges a change away",
        patch(
            "actionruns/waiting",
            {
                "metadata": {
                    "annotations": {
                        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": {"requestedBy": None}})
                    }
                }
            },
        ),
        Shows("spec.requestedBy.username", DEVELOPER),
    ),
]


ATTACKS = [*ENCODED]
