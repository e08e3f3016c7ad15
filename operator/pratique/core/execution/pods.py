"""Reads what the pods of an object say of why it does not work, without trust: they may hold anything. Pure.

A pod belongs to an object whose uid is its controller's, or that of its ReplicaSet; that its labels fit says nothing.
"""

from collections.abc import Collection, Iterator, Sequence

from pratique.core.execution.adoption import uid_of
from pratique.core.execution.live import conditions_of, items, mapping, status_of
from pratique.core.kernel.effects import Json

_SEVERAL = 2
_ON_ITS_WAY = frozenset({"", "ContainerCreating", "PodInitializing"})
_MAX_SELECTOR = 2048


def has_pods(live: Json) -> bool:
    """Whether an object is a pod, or selects pods."""
    return _is_pod(live) or bool(selector_of(live))


def _is_pod(live: Json) -> bool:
    return (live.get("apiVersion"), live.get("kind")) == ("v1", "Pod")


def pod_itself(live: Json) -> Json | None:
    """Return the object if it is a pod."""
    return live if _is_pod(live) else None


def selector_of(live: Json) -> str:
    """Return how an object selects its pods, as a request says it; empty if it selects none."""
    selector = mapping(mapping(live.get("spec")).get("selector"))
    parts = [f"{key}={value}" for key, value in sorted(mapping(selector.get("matchLabels")).items())]
    for each in items(selector.get("matchExpressions")):
        values = each.get("values")
        key, values = each.get("key"), ",".join(map(str, values if isinstance(values, list) else ()))
        match each.get("operator"):
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(f"{key}")
            case "DoesNotExist":
                parts.append(f"!{key}")
    text = ",".join(parts)
    return text if len(text) <= _MAX_SELECTOR else ""


def controller_of(pod: Json) -> tuple[str, str]:
    """Return the kind and the uid of what controls a pod; empty if nothing does."""
    owners = items(mapping(pod.get("metadata")).get("ownerReferences"))
    return next(((str(each.get("kind")), str(each.get("uid"))) for each in owners if each.get("controller")), ("", ""))


def find_failing(pods: Sequence[Json], owners: Collection[str]) -> Json | None:
    """Return the pod of these owners that says most of why they do not work: the newest of those that fail."""
    own = [each for each in pods if controller_of(each)[1] in owners]
    newest = sorted(own, key=lambda each: str(mapping(each.get("metadata")).get("creationTimestamp")), reverse=True)
    return min(newest, key=_how_well, default=None)


def _how_well(pod: Json) -> int:
    if say_pod(pod):
        return 0
    return 2 if status_of(pod).get("phase") == "Succeeded" or _is_ready(pod) else 1


def _is_ready(pod: Json) -> bool:
    return conditions_of(pod).get("Ready", {}).get("status") == "True"


def say_pod(pod: Json, *, quoted: bool = True) -> str:
    """Return why a pod does not work, in its kubelet's words and, if `quoted`, its own; empty if it does not say."""
    status = status_of(pod)
    if reason := str(status.get("reason") or ""):
        return _join(f"pod {_name(pod)}: {reason}", str(status.get("message") or ""))
    scheduled = conditions_of(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return _join(f"pod {_name(pod)} cannot be scheduled", str(scheduled.get("message") or ""))
    said = [(_weight(each), _say(each, kind, quoted=quoted)) for kind, each in _containers(pod)]
    return min((each for each in said if each[1]), key=lambda each: each[0], default=(0, ""))[1]


def failing_container(pod: Json) -> tuple[str, bool]:
    """Return the container whose log tells most, and whether it is the log of its end before it was started anew."""
    said = [(_weight(each), each) for kind, each in _containers(pod) if _say(each, kind)]
    if not said:
        first = next(iter(items(mapping(pod.get("spec")).get("containers"))), {})
        return str(first.get("name") or ""), False
    _, worst = min(said, key=lambda each: each[0])
    began_anew = not mapping(mapping(worst.get("state")).get("terminated")) and bool(_last(worst))
    return str(worst.get("name") or ""), began_anew


def secrets_of(pod: Json) -> list[str]:
    """Return the names of the Secrets that a pod uses, each once."""
    spec = mapping(pod.get("spec"))
    refs: list[object] = []
    for container in (*items(spec.get("initContainers")), *items(spec.get("containers"))):
        refs += [mapping(each.get("valueFrom")).get("secretKeyRef") for each in items(container.get("env"))]
        refs += [each.get("secretRef") for each in items(container.get("envFrom"))]
    for volume in items(spec.get("volumes")):
        refs.append({"name": mapping(volume.get("secret")).get("secretName")})
        refs += [each.get("secret") for each in items(mapping(volume.get("projected")).get("sources"))]
    return list(dict.fromkeys(str(name) for each in refs if (name := mapping(each).get("name"))))


def uid_and_name(pod: Json) -> tuple[str, str]:
    """Return by what Events and logs of a pod are asked for."""
    return uid_of(pod), _name(pod)


def _name(pod: Json) -> str:
    return str(mapping(pod.get("metadata")).get("name") or "")


def _containers(pod: Json) -> Iterator[tuple[str, Json]]:
    status = status_of(pod)
    yield from (("init container", each) for each in items(status.get("initContainerStatuses")))
    yield from (("container", each) for each in items(status.get("containerStatuses")))


def _ended(container: Json) -> Json:
    return mapping(mapping(container.get("state")).get("terminated"))


def _last(container: Json) -> Json:
    return mapping(mapping(container.get("lastState")).get("terminated"))


def _weight(container: Json) -> int:
    """Return how little a container says: one that has ended says most, one that was started anew least."""
    if _ended(container):
        return 0
    return 1 if mapping(mapping(container.get("state")).get("waiting")) else 2


def _say(container: Json, kind: str, *, quoted: bool = True) -> str:
    """Return why a container does not work; empty if it does, or is on its way."""
    what = f"{kind} {container.get('name')}"
    if ended := _ended(container):
        return _say_end(what, ended, quoted=quoted) if ended.get("exitCode") else ""
    last = _last(container)
    failed_before = bool(last.get("exitCode"))
    waiting = mapping(mapping(container.get("state")).get("waiting"))
    reason = str(waiting.get("reason") or "")
    count = container.get("restartCount")
    often = f" {count} times" if isinstance(count, int) and count >= _SEVERAL else ""
    if failed_before and (reason in _ON_ITS_WAY or reason == "CrashLoopBackOff"):
        loop = f" ({reason})" if reason == "CrashLoopBackOff" else ""
        return _say_end(f"{what} was started anew{often}{loop}: it", last, quoted=quoted)
    if reason not in _ON_ITS_WAY:
        return _join(f"{what}: {reason}", str(waiting.get("message") or ""))
    return ""


def _say_end(what: str, ended: Json, *, quoted: bool) -> str:
    """Return how a container ended; a reason that says no more than its code is left out."""
    reason = str(ended.get("reason") or "Error")
    why = "" if reason == "Error" else f" ({reason})"
    return _join(f"{what} ended with {ended.get('exitCode')}{why}", str(ended.get("message") or "") if quoted else "")


def _join(what: str, words: str) -> str:
    return f"{what}: {words.strip()}" if words.strip() else what
