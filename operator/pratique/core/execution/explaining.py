"""Says why an object failed, or was not ready in time, beyond what it says itself: by its pods and its Events. Pure.

It is looked once, when the run is about to end, and what comes of it changes words only. All of it is written by others,
so it is bounded, made fit to be shown, and hides what the Secrets of its pods hold. Called by `advance`.
"""

from collections.abc import Iterator, Sequence

from pratique.api.v1alpha1.action_run import ActionRunStatus, RunPlan
from pratique.api.v1alpha1.planned import PlannedResource
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.live import items, mapping
from pratique.core.execution.pods import has_pods, say_pod
from pratique.core.execution.standing import End, Standing
from pratique.core.kernel.effects import Failure, Json, Outcomes
from pratique.core.kernel.explaining import Circumstances, Explain
from pratique.core.kernel.hiding import hide
from pratique.core.kernel.text import clean

_MAX_EXPLAINED = 3
"""Objects of one run that are looked at: others that wait beside them say what they say themselves."""
_MAX_WORDS, _MAX_LOG = 384, 1024
_RAW = 4096
"""Characters of somebody's words that are looked at, before they are cut: what is hidden must be seen whole."""


def fail(plan: RunPlan, status: ActionRunStatus, why: Sequence[Progress], outcomes: Outcomes, text: str) -> Standing:
    """End the run, with what explains it; or ask for that first. `text` comes before all of the reasons."""
    asked = {each.resource.id: ask for each in why if each.resource is not None and (ask := _ask(plan, each))}
    asked = dict(list(asked.items())[:_MAX_EXPLAINED])
    if todo := tuple(ask for ask in asked.values() if ask.outcome(outcomes) is None):
        return Standing(status, effects=todo)
    said = []
    for each in why:
        ask = asked.get(each.resource.id) if each.resource is not None else None
        more = _explain(plan, each, ask.outcome(outcomes)) if ask is not None else ""
        remedy = f"; {each.remedy}" if each.remedy and each.step is not Step.FAILED else ""
        said.append(f"{each.message}{remedy}{more}")
    return Standing(status, end=End.FAILED, message=text + "; ".join(said))


def _ask(plan: RunPlan, at: Progress) -> Explain | None:
    """Return what is looked at; an object without pods that has failed has given its own reason."""
    if at.live is None or at.resource is None or not mapping(at.live.get("metadata")).get("namespace"):
        return None
    if at.step is Step.FAILED and not has_pods(at.live):
        return None
    lines = plan.explain.logs if plan.explain is not None and _is_made(plan, at.resource.id) else 0
    return Explain(f"explain/{at.resource.id}", at.live, plan.service_account_ref.username, lines)


def _is_made(plan: RunPlan, which: str) -> bool:
    """Whether an object is one that the run makes: of others no pod's own words are shown, which they never asked for."""
    return any(each.id == which and not each.patch for each in plan.objects)


def _explain(plan: RunPlan, at: Progress, found: Circumstances | Failure | None) -> str:
    """Return what continues the sentence about an object; nothing where nothing is known."""
    if not isinstance(found, Circumstances):
        return ""
    secrets = _hidden(plan, found)
    is_made = at.resource is not None and _is_made(plan, at.resource.id)
    words = _shown(say_pod(found.pod, quoted=is_made), secrets) if found.pod is not None else ""
    words = words or _shown(_say_events(found.events, at.message), secrets)
    account = f"ServiceAccount {plan.service_account_ref.namespace}/{plan.service_account_ref.name}"
    return "".join(
        (
            f": {words}" if words else "",
            f"; its log ends: {log}" if (log := _end_of(found.log, secrets)) else "",
            f"; give {account} {' and '.join(found.unread)} to see why" if found.unread else "",
        )
    )


def _shown(words: str, secrets: Json) -> str:
    """Return others' words without what Secrets hold, also not in letters that only show without those in between."""
    hidden = hide(clean(hide(words[:_RAW], secrets), _RAW), secrets)
    return clean(hidden, _MAX_WORDS)


def _end_of(log: str, secrets: Json) -> str:
    lines = [clean(each, _RAW) for each in hide(log[-_RAW:], secrets).splitlines()]
    shown = hide(" | ".join(each for each in lines if each), secrets)
    if len(shown.encode()) <= _MAX_LOG:
        return shown
    return "…" + shown.encode()[3 - _MAX_LOG :].decode(errors="ignore")


def _hidden(plan: RunPlan, found: Circumstances) -> Json:
    """Return what no words may repeat: values of Secrets that the pod uses, and of variables that others gave it."""
    known = {value for each in plan.objects for value in _variables(each)}
    added = [value for value in _values_of(mapping((found.pod or {}).get("spec"))) if value not in known]
    return {"data": {"secrets": [each.get("data") for each in found.secrets], "variables": added}}


def _variables(planned: PlannedResource) -> Iterator[str]:
    """Yield the values of variables that the plan gives to containers, wherever its pods are described."""
    spec = mapping(planned.manifest.get("spec"))
    yield from _values_of(spec)
    yield from _values_of(mapping(mapping(spec.get("template")).get("spec")))


def _values_of(spec: Json) -> Iterator[str]:
    for container in (*items(spec.get("initContainers")), *items(spec.get("containers"))):
        yield from (str(each["value"]) for each in items(container.get("env")) if each.get("value"))


def _say_events(events: Sequence[Json], known: str) -> str:
    """Return the newest warning that is no news of what is known already, and how often it came."""
    for each in events:
        message = str(each.get("message") or "")
        if message and clean(message, _RAW) not in known:
            count = each.get("count") or mapping(each.get("series")).get("count")
            often = f" ({count} times)" if isinstance(count, int) and count > 1 else ""
            return f"{each.get('reason') or 'Warning'}{often}: {message}"
    return ""
