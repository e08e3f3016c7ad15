"""Decides whether an object of a kind that Kubernetes does not bring is ready: by its convention, or by what most do.

Most report conditions: `Ready`, else another that means it. What is known of single kinds stands in `known_kinds`. A kind
whose controller reports (it has a status subresource) is not ready before it did, since nobody has looked at the object
yet; a run that went on there would build on nothing. Pure; called by `readiness`, and like it never raises.
"""

import re

from pratique.core.execution.known_kinds import EXPECTED, NOT_SEEN, PROFILES, look_up, says_nothing
from pratique.core.execution.live import (
    Readiness,
    State,
    conditions_of,
    denies,
    done,
    explain,
    failed,
    group_of,
    holds,
    is_behind,
    mapping,
    number,
    said,
    status_of,
    waits,
)
from pratique.core.kernel.effects import Json
from pratique.core.kernel.text import clean

REMEDY = 'if it never writes a status, set readyWhen: "true"'
_BUILT_IN = frozenset(
    {
        "",
        "apps",
        "autoscaling",
        "batch",
        "policy",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
_POSITIVE = (
    *("Ready", "Succeeded", "Available", "Complete", "Healthy"),
    *("Completed", "Programmed", "Established", "Active", "Deployed", "Applied", "Installed", "Reconciled", "Synced"),
    *("Synchronized", "Admitted", "Accepted", "Valid", "Bound", "Running", "UpToDate"),
)
"""Conditions that mean that all is well, best first: the first that is there decides."""
_UNDER_WAY = re.compile(
    r"(?!run|serv|listen|exist|work|operat)[a-z]+ing\b"
    r"|(new|init|unknown|none|queued|submitted|scheduled|in ?progress|not ?(ready|reconciled|available|started))\b"
    r"|error|fail|.*\b(invalid|degraded|unhealthy|rejected|denied)\b"
    r"|.*(failed|error)$",
    re.IGNORECASE,
)
"""Phases in words that mean: not yet, or not well. Not well is not the end, since most controllers try again."""
_PART = re.compile(r"(?!Not|Un)\w+(Ready|Available|Healthy|Synced)")
"""Conditions of the parts of a thing, where none is there for the whole."""


def is_custom(target: Json) -> bool:
    """Whether the kind is one that Kubernetes does not bring."""
    return group_of(target) not in _BUILT_IN


def custom_readiness(target: Json, *, reports: bool | None) -> Readiness:
    """Say whether an object is ready, by its kind's convention."""
    profile, expected = look_up(PROFILES, target), look_up(EXPECTED, target)
    verdict = (profile(target) if profile is not None else None) or _of_conditions(target)
    if verdict is not None:
        return verdict
    verdict = _of_other_fields(target)
    if expected is not None and reports is not False and (verdict is None or verdict.state is State.READY):
        return waits(f"its condition {' or '.join(expected)} is not there yet", REMEDY)
    if verdict is not None:
        return verdict
    nothing_yet = _is_empty({**status_of(target), "observedGeneration": None})
    if reports and nothing_yet and is_custom(target) and not says_nothing(target):
        return waits(NOT_SEEN, REMEDY)
    return done("it exists")


def _is_empty(value: object) -> bool:
    """Whether a value says nothing."""
    match value:
        case dict():
            return all(_is_empty(each) for each in value.values())
        case list():
            return all(_is_empty(each) for each in value)
        case _:
            return value is None or value == ""


def _of_conditions(target: Json) -> Readiness | None:
    """Read the conditions; None where none of them says whether all is well."""
    conditions = conditions_of(target)
    for kind, bad in (("Failed", "True"), ("Succeeded", "False")):
        found = conditions.get(kind, {})
        if found.get("status") == bad and not is_behind(target, found):
            return failed(explain(found, "it failed"))
    if denies(conditions, "Synced"):
        return waits(explain(conditions["Synced"], "it is not synced"))
    deciding = next((kind for kind in look_up(EXPECTED, target) or _POSITIVE if kind in conditions), None)
    if deciding is not None:
        return _of_condition(target, deciding, conditions[deciding])
    wrong = next((kind for kind in conditions if _UNDER_WAY.match(kind) and holds(conditions, kind)), None)
    if wrong is not None:
        return waits(explain(conditions[wrong], f"its condition {clean(wrong, 80)} is true"))
    parts = [_of_condition(target, kind, conditions[kind]) for kind in conditions if _PART.fullmatch(kind)]
    return next((each for each in parts if each.state is not State.READY), parts[0] if parts else None)


def _of_condition(target: Json, kind: str, condition: Json) -> Readiness:
    if is_behind(target, condition):
        return waits("its controller has not seen the latest change")
    word = kind.lower()
    if condition.get("status") != "True":
        return waits(explain(condition, f"it is not {word}"))
    if kind == "Synced":
        # As managed resources of Crossplane begin: what was asked for was sent, and is not there yet.
        return waits("it is synced, and not ready yet", REMEDY)
    return done(said(condition, f"it is {word}"))


def _of_other_fields(target: Json) -> Readiness | None:
    """Read what stands for a condition in older kinds: true or false, a phase in words, a number of replicas."""
    status, spec = status_of(target), mapping(target.get("spec"))
    flags = [status[each] for each in ("ready", "readyToUse", "applied") if isinstance(status.get(each), bool)]
    if False in flags:
        return waits(said(status, "it is not ready"))
    words = [(each, status[each]) for each in ("phase", "state", "status") if isinstance(status.get(each), str)]
    early = next(((field, word) for field, word in words if _UNDER_WAY.match(_spaced(word))), None)
    if early is not None:
        return waits(said(status, f"its {early[0]} is {clean(early[1], 80)}"))
    wanted = spec.get("replicas")
    if isinstance(wanted, int) and ("readyReplicas" in status or "replicas" in status):
        ready = number(status, "readyReplicas")
        if ready < wanted:
            return waits(f"{ready} of {wanted} replicas are ready")
    return done("it is ready") if flags or any(word for _, word in words) else None


def _spaced(word: str) -> str:
    """Return a word of CamelCase as several: `CreateFailed` as `Create Failed`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word)[:256]
