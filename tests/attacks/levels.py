"""Attacks with null at each level of a spec, and on each kind by those who hold no right on it."""

from typing import Any

from tests.attacks.actions import EDIT
from tests.attacks.denials import FROZEN, NOT_YOURS, crd, rbac, schema
from tests.attacks.environments import EXTEND, MAKE
from tests.attacks.gate_frozen import DECIDE
from tests.attacks.model import SPACE, Attack, Twin, create, delete, patch, path_of, raw
from tests.attacks.run_frozen import WITHDRAW
from tests.attacks.world import DEVELOPER, LEAD, berth
from tests.builders import manifests as make

_CLUSTER = "at the cluster scope"
CHANNEL = Twin("admin", "makes a channel", create(make.channel("fresh")))
_TWINS = {"actions": EDIT, "environments": EXTEND, "approvals": DECIDE}


def null(target: str, path: str, point: int = 4, rule: str = "") -> Attack:
    """Return an attack that sets a required level to null, to fill it in anew; `rule` is the CRD's where no schema asks."""
    body: Any = None
    for part in reversed(path.split(".")):
        body = {part: body}
    plural = target.split("/", maxsplit=1)[0]
    slug = f"null-{target.replace('/', '-')}-{path.replace('.', '-').lower()}"
    what = f"cluster-admin sets {path} of {plural} to null, to fill it in anew"
    answer = crd(plural, rule) if rule else schema(f"{path}: Required value")
    behind = (FROZEN,) if rule else ()
    return Attack(slug, point, "admin", what, patch(target, body), answer, _TWINS[plural], behind=behind)


_OF_A_RUN = "a gate of a run names its action, its stage and its plan"


NULLS = [
    null("approvals/gate", "spec.subject"),
    null(
        "approvals/gate",
        "spec.subject.uid",
        rule="a subject of kind ActionRun has a name and a uid, and neither title nor url",
    ),
    null("approvals/gate", "spec.requestedBy"),
    null("approvals/gate", "spec.plan", rule=_OF_A_RUN),
    null("approvals/gate", "spec.plan.digest"),
    null(
        "approvals/gate",
        "spec.policy.deadline",
        rule="a gate needs spec.policy.deadline: without one it would be open for ever",
    ),
    null("approvals/gate", "spec.action", rule=_OF_A_RUN),
    null("environments/env", "spec", 7),
    null("environments/env", "spec.target", 7),
    null("environments/env", "spec.target.namespace", 7),
    null("environments/env", "spec.ttl", 7),
    null("actions/berth", "spec", 7),
    null("actions/berth", "spec.execution", 7),
    null("actions/berth", "spec.execution.serviceAccountRef", 7),
]

POWERLESS = [
    Attack(
        "developer-writes-action",
        7,
        "developer",
        "a developer writes an Action",
        create(berth("fresh")),
        rbac(DEVELOPER, "create", "actions", scope=_CLUSTER),
        EDIT,
    ),
    Attack(
        "developer-makes-environment",
        7,
        "developer",
        "a developer makes an Environment without an Action",
        create(make.environment(SPACE, "fresh")),
        rbac(DEVELOPER, "create", "environments"),
        MAKE,
    ),
    Attack(
        "developer-extends",
        7,
        "developer",
        "a developer extends an Environment without an Action",
        patch("environments/env", {"spec": {"ttl": "10d"}}),
        rbac(DEVELOPER, "patch", "environments"),
        EXTEND,
    ),
    Attack(
        "approver-ends-environment",
        16,
        "lead-1",
        "an approver deletes an Environment",
        delete("environments/env"),
        rbac(LEAD, "delete", "environments"),
        Twin("admin", "deletes it", delete("environments/env")),
    ),
    Attack(
        "author-deletes-action",
        5,
        "author",
        "an author who may write Actions, but not delete them, deletes another's",
        delete("actions/foreign"),
        rbac("author@example.com", "delete", "actions", scope=_CLUSTER),
        Twin("admin", "deletes it", delete("actions/foreign")),
    ),
    Attack(
        "developer-makes-channel",
        7,
        "developer",
        "a developer makes a channel, to be told what others are told",
        create(make.channel("fresh")),
        rbac(DEVELOPER, "create", "notificationchannels", scope=_CLUSTER),
        CHANNEL,
    ),
    Attack(
        "developer-deletes-all-gates",
        4,
        "developer",
        "a developer deletes all gates at once",
        delete("approvals"),
        rbac(DEVELOPER, "deletecollection", "approvals"),
        DECIDE,
    ),
    Attack(
        "developer-writes-status",
        8,
        "developer",
        "the requester writes Succeeded into the status of the own run",
        patch("actionruns/waiting/status", {"status": {"phase": "Succeeded"}}),
        rbac(DEVELOPER, "patch", "actionruns/status"),
        WITHDRAW,
    ),
    Attack(
        "operator-patches-run",
        7,
        "operator",
        "the operator's own account withdraws a run",
        patch("actionruns/waiting", {"spec": {"withdrawn": True}}),
        NOT_YOURS,
        WITHDRAW,
    ),
    Attack(
        "operator-runs-pods",
        7,
        "operator",
        "the operator's own account runs a pod",
        raw("POST", f"/api/v1/namespaces/{SPACE}/pods", {"metadata": {"name": "x"}}),
        rbac("system:serviceaccount:pratique-system:pratique", "create", "pods", ""),
        DECIDE,
    ),
    Attack(
        "nobody-reads-gates",
        4,
        "nobody",
        "somebody without rights reads what is being decided",
        raw("GET", path_of("approvals"), dry=False),
        rbac("nobody", "list", "approvals"),
        Twin("lead-1", "reads it", raw("GET", path_of("approvals"), dry=False)),
    ),
]

ATTACKS = [*NULLS, *POWERLESS]
