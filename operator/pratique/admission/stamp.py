"""Decides what an admission request is stamped with: the caller as requester, the API server's time on a decision.

Clusters from 1.36 on have policies that do this; here is the same for older ones, rule by rule as in
`requester.py`, `decision.py`, `changing.py`, `delegating.py`, `talking.py`, `away.py` beside it; the two must not differ.
Who and when need not be trusted: the validating policies compare both with the caller and with managedFields. What
cannot be read is refused, as a policy that fails refuses. Called by the webhook; it must not know how requests come in.
"""

import re
from datetime import datetime
from typing import Any

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.action_run import ActionRunSpec
from pratique.api.v1alpha1.decisions import MAX_CHANGES, EarlierDecision
from pratique.api.v1alpha1.said import MAX_SAYINGS
from pratique.api.v1alpha1.scalars import duration_of, format_time
from pratique.core.kernel.errors import PratiqueError

Json = dict[str, Any]
Patch = list[Json]

CANARY_LABEL = f"{GROUP}/canary"
EDITED = f"{GROUP}/edited"
"""The annotation by which the stamp tells the guard which fields of a run an update would change. Never stored."""
NO_TIME = "1970-01-01T00:00:00Z"
"""The deadline of a gate whose timeout cannot be counted: it is refused, by a sentence about the timeout."""
FROZEN = tuple(field.alias or name for name, field in ActionRunSpec.model_fields.items() if name != "withdrawn")
"""The fields of a run that never change: all but one."""
_KEPT = tuple(field.alias or name for name, field in EarlierDecision.model_fields.items())
"""What is kept of a decision that somebody changes."""


class UnstampableError(PratiqueError):
    """The request cannot be stamped, so it is refused; the message is the sentence for the one who sent it."""


def stamp(request: Json) -> Patch:
    """Return the JSON patch for the `request` of an AdmissionReview; raises UnstampableError."""
    asked, operation = _map(request, "request", "resource"), request.get("operation")
    resource = "/".join(
        str(part) for part in (asked.get("group"), asked.get("resource"), request.get("subResource")) if part
    )
    if operation in ("CREATE", "UPDATE") and resource in _STAMPS:
        return _STAMPS[resource](request)
    raise UnstampableError(f"the webhook of Pratique stamps no {operation} of {resource}: it should not be asked")


def _requester(request: Json) -> Patch:
    subject, path = _map(request, "request", "object"), "/spec/requestedBy"
    spec = subject.get("spec")
    left_out = isinstance(spec, dict) and "requestedBy" not in spec
    if request["operation"] == "CREATE":
        if not left_out:
            return []  # for the schema to refuse, or for the guarding policy to compare with the caller
        return [_add(path, {"username": _caller(request), "groups": _groups(request)})]
    before = _map(_map(request, "request", "oldObject"), "oldObject", "spec")
    if edited := _edits(spec, before):
        return [_add("/spec", before), _mark(subject, ", ".join(edited))]
    return [_add(path, before["requestedBy"])] if left_out and "requestedBy" in before else []


def _edits(spec: Any, before: Json) -> list[str]:  # noqa: ANN401 - whatever somebody sent
    """Return the fields of a run that an update would change; a requester that is left out is only left out."""
    if not isinstance(spec, dict):
        return ["spec"]
    asked = [each for each in FROZEN if each != "requestedBy" or each in spec]
    fields = [each for each in asked if (each in spec) != (each in before) or spec.get(each) != before.get(each)]
    return fields + ([] if isinstance(spec.get("withdrawn", False), bool) else ["withdrawn"])


def _mark(subject: Json, fields: str) -> Json:
    """Return the mark for the guard, which refuses it: before the schema, whose answer some tools take for a reset."""
    annotations = _map(subject, "object", "metadata").get("annotations")
    path = "/metadata/annotations"
    return _add(path, {EDITED: fields}) if annotations is None else _add(f"{path}/{_escaped(EDITED)}", fields)


def _decision(request: Json) -> Patch:
    subject, me = _map(request, "request", "object"), _caller(request)
    mine = _mine(subject, me)
    if mine is None:
        return []
    prior = _prior(request, me)
    if not (_says_else(mine, prior) if request["operation"] == "UPDATE" else _is_canary(subject)):
        return []
    leaf = "f:verdict" if mine.get("verdict", "") != prior.get("verdict", "") else "f:comment"
    owners = [entry for entry in _entries(subject) if _owns(entry, me, leaf)]
    past = [*prior.get("history", []), {key: prior[key] for key in _KEPT if key in prior}] if prior else []
    if len(owners) != 1 or len(past) > MAX_CHANGES:
        return []  # the guarding policy refuses what has no time, or could have two, and who changes their mind too often
    path = f"/spec/decisions/{_escaped(me)}"
    return [
        _add(f"{path}/decidedAt", _text(owners[0], "metadata.managedFields[*]", "time")),
        _add(f"{path}/groups", _listed_groups(subject, _groups_to_decide_with(request, mine))),
        *_keep(f"{path}/history", mine, past),
    ]


def _keep(path: str, mine: Json, past: list[Json]) -> Patch:
    """Return what keeps what somebody said before; who decides for the first time has no history."""
    if past:
        return [_add(path, past)]
    return [{"op": "remove", "path": path}] if "history" in mine else []


def _approval(request: Json) -> Patch:
    if request["operation"] == "CREATE" and _is_standalone(request):
        return _opened(request)
    return [*_decision(request), *_delegation(request), *_message(request)]


def _delegation(request: Json) -> Patch:
    """Return when somebody names a stand-in, and their groups, with which the stand-in decides."""
    subject, me = _map(request, "request", "object"), _caller(request)
    mine = _mine(subject, me, "delegations")
    if mine is None or request["operation"] != "UPDATE":
        return []
    prior = _loan(request, me)
    if prior and all(mine.get(key, "") == prior.get(key, "") for key in _LOAN):
        return []
    leaf = next((key for key in _LOAN[:2] if mine.get(key) is None or mine.get(key) != prior.get(key)), _LOAN[2])
    owners = [entry for entry in _entries(subject) if _owns(entry, me, f"f:{leaf}", "delegations")]
    if len(owners) != 1:
        return []  # the guarding policy refuses what has no time, or could have two
    path = f"/spec/delegations/{_escaped(me)}"
    return [
        _add(f"{path}/at", _text(owners[0], "metadata.managedFields[*]", "time")),
        _add(f"{path}/groups", _listed_groups(subject, _groups(request))),
    ]


def _message(request: Json) -> Patch:
    """Return when somebody said something, and what they said before."""
    subject, me = _map(request, "request", "object"), _caller(request)
    mine = _mine(subject, me, "messages")
    if mine is None or "text" not in mine or request["operation"] != "UPDATE":
        return []
    prior = _entry_of(request, me, "messages")
    if prior and mine["text"] == prior["text"]:
        return []
    owners = [entry for entry in _entries(subject) if _owns(entry, me, "f:text", "messages")]
    past = [*prior.get("history", []), {key: prior[key] for key in ("text", "at") if key in prior}] if prior else []
    if len(owners) != 1 or len(past) >= MAX_SAYINGS:
        return []  # the guarding policy refuses what has no time, or could have two, and who says too much
    path = f"/spec/messages/{_escaped(me)}"
    at = _add(f"{path}/at", _text(owners[0], "metadata.managedFields[*]", "time"))
    return [at, *_keep(f"{path}/history", mine, past)]


def _is_standalone(request: Json) -> bool:
    """Whether somebody opens a gate that no run waits for."""
    spec = _map(request, "request", "object").get("spec")
    return isinstance(spec, dict) and isinstance(spec.get("subject"), dict) and "kind" not in spec["subject"]


def _opened(request: Json) -> Patch:
    """Return who opens a gate without a run, and until when it may be decided, where they do not say so themselves."""
    subject = _map(request, "request", "object")
    spec = _map(subject, "object", "spec")
    who = {"username": _caller(request), "groups": _groups(request)}
    asked = [] if "requestedBy" in spec else [_add("/spec/requestedBy", who)]
    policy = spec.get("policy")
    if not isinstance(policy, dict) or "deadline" in policy:
        return asked
    times = [each["time"] for each in map(_entry, _entries(subject)) if "time" in each]
    return [*asked, _add("/spec/policy/deadline", _deadline(policy.get("timeout"), times))]


def _deadline(timeout: object, times: list[str]) -> str:
    if not isinstance(timeout, str) or not _TIMEOUT.fullmatch(timeout) or len(times) != 1:
        return NO_TIME
    return format_time(datetime.fromisoformat(times[0]) + duration_of(timeout))


def _away(request: Json) -> Patch:
    """Return who is away, where they do not say so themselves."""
    spec, path = _map(request, "request", "object").get("spec"), "/spec/from"
    if not isinstance(spec, dict) or "from" in spec:
        return []
    if request["operation"] == "CREATE":
        return [_add(path, {"username": _caller(request), "groups": _groups(request)})]
    before = _map(_map(request, "request", "oldObject"), "oldObject", "spec")
    return [_add(path, before["from"])] if "from" in before else []


_TIMEOUT = re.compile("[1-9][0-9]{0,7}[smhdw]", re.ASCII)
_STAMPS = {f"{GROUP}/actionruns": _requester, f"{GROUP}/approvals": _approval, f"{GROUP}/delegations": _away}


_LOAN = ("to", "until", "notBefore")
"""What who names a stand-in writes."""


def _mine(subject: Json, me: str, where: str = "decisions") -> Json | None:
    """Return the caller's entry, if there is one that can be read as one."""
    spec = subject.get("spec")
    decisions = spec.get(where) if isinstance(spec, dict) else None
    mine = decisions.get(me) if isinstance(decisions, dict) else None
    return mine if isinstance(mine, dict) else None


def _prior(request: Json, me: str) -> Json:
    """Return the entry that the caller has already; an empty one if there is none."""
    if request["operation"] != "UPDATE":
        return {}
    before = _map(_map(request, "request", "oldObject"), "oldObject", "spec")
    decisions = _map(before, "oldObject.spec", "decisions") if "decisions" in before else {}
    return _map(decisions, "oldObject.spec.decisions", me) if me in decisions else {}


def _says_else(mine: Json, prior: Json) -> bool:
    """Whether the caller decides, or changes what they decided: sent again, the same is no change."""
    return not prior or any(mine.get(key, "") != prior.get(key, "") for key in ("verdict", "comment"))


def _is_canary(subject: Json) -> bool:
    """Whether an object says that it is a canary, which may hold a decision when it is created."""
    metadata = _map(subject, "object", "metadata")
    return "labels" in metadata and CANARY_LABEL in _map(metadata, "metadata", "labels")


def _entries(subject: Json) -> list[Any]:
    metadata = _map(subject, "object", "metadata")
    return _list(metadata, "metadata", "managedFields") if "managedFields" in metadata else []


def _entry(entry: object) -> Json:
    if not isinstance(entry, dict):
        raise UnstampableError(_unreadable("metadata.managedFields[*]", "an object"))
    return entry


def _owns(entry: object, me: str, leaf: str, of: str = "decisions") -> bool:
    """Whether an entry of managedFields says that its manager set this leaf of what `me` wrote."""
    known = _entry(entry)
    if "fieldsV1" not in known:
        return False
    fields, where = _map(known, "metadata.managedFields[*]", "fieldsV1"), "fieldsV1"
    for key in ("f:spec", f"f:{of}", f"f:{me}"):
        if key not in fields:
            return False
        fields, where = _map(fields, where, key), f"{where}.{key}"
    return leaf in fields


def _groups_to_decide_with(request: Json, mine: Json) -> list[Any]:
    """Return the caller's groups, or those of the person for whom they decide, who has named them before this request."""
    principal = mine.get("for")
    if not isinstance(principal, str):
        return _groups(request)
    lent = _loan(request, principal)
    return _list(lent, "spec.delegations[*]", "groups") if "groups" in lent else []


def _loan(request: Json, principal: str) -> Json:
    """Return the stand-in whom somebody has named already; an empty one if there is none."""
    return _entry_of(request, principal, "delegations")


def _entry_of(request: Json, name: str, of: str) -> Json:
    """Return what somebody has in a map of the gate already; an empty entry if there is none."""
    if request["operation"] != "UPDATE":
        return {}
    before = _map(_map(request, "request", "oldObject"), "oldObject", "spec")
    entries = _map(before, "oldObject.spec", of) if of in before else {}
    return _map(entries, f"oldObject.spec.{of}", name) if name in entries else {}


def _listed_groups(subject: Json, mine: list[Any]) -> list[str]:
    """Return those of these groups that the gate asks, in its order, and those that it lists too, in their own."""
    policy = _map(_map(subject, "object", "spec"), "spec", "policy")
    approvers = _map(policy, "spec.policy", "approvers")
    listed = _list(approvers, "spec.policy.approvers", "groups") if "groups" in approvers else []
    steps = _list(policy, "spec.policy", "escalation") if "escalation" in policy else []
    others = [*(group for step in steps for group in _added(step)), *_who_may_break(policy)]
    besides = (group for group in mine if group in others and group not in listed)
    return [*(group for group in listed if group in mine), *besides]


def _who_may_break(policy: Json) -> list[Any]:
    glass = _map(policy, "spec.policy", "breakGlass") if "breakGlass" in policy else {}
    return _list(glass, "spec.policy.breakGlass", "groups") if "groups" in glass else []


def _added(step: object) -> list[Any]:
    where = "spec.policy.escalation[*]"
    if not isinstance(step, dict):
        raise UnstampableError(_unreadable(where, "an object"))
    to = _map(step, where, "to") if "to" in step else {}
    return _list(to, f"{where}.to", "groups") if "groups" in to else []


def _caller(request: Json) -> str:
    return _text(_map(request, "request", "userInfo"), "userInfo", "username")


def _groups(request: Json) -> list[str]:
    user = _map(request, "request", "userInfo")
    # a token file writes "no groups" as one group without a name
    return [group for group in _list(user, "userInfo", "groups") if group != ""] if "groups" in user else []


def _add(path: str, value: object) -> Json:
    return {"op": "add", "path": path, "value": value}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _map(parent: Json, where: str, key: str) -> Json:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise UnstampableError(_unreadable(f"{where}.{key}", "an object"))
    return value


def _list(parent: Json, where: str, key: str) -> list[Any]:
    value = parent.get(key)
    if not isinstance(value, list):
        raise UnstampableError(_unreadable(f"{where}.{key}", "a list"))
    return value


def _text(parent: Json, where: str, key: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str):
        raise UnstampableError(_unreadable(f"{where}.{key}", "text"))
    return value


def _unreadable(what: str, expected: str) -> str:
    return f"{what} is not {expected}, so the request cannot be stamped: send the object as its schema says"
