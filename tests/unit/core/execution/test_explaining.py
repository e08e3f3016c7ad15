"""Why an object failed, in words: golden pods of every kind of misfortune, and whose words may be repeated."""

from typing import Any

import pytest
from tests.builders.models import MAKER, at, effects, live, manifest, planned, run_plan, running

from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase, RunPlan
from pratique.api.v1alpha1.explain import Explain as Asked
from pratique.core.execution.pods import (
    controller_of,
    failing_container,
    find_failing,
    has_pods,
    pod_itself,
    say_pod,
    secrets_of,
    selector_of,
    uid_and_name,
)
from pratique.core.kernel.effects import Failure, Json, Plan, Stored
from pratique.core.kernel.explaining import Circumstances, Explain
from pratique.core.runs.running import follow
from pratique.core.runs.snapshot import RunSnapshot

BROKEN = {"conditions": [{"type": "Failed", "status": "True", "message": "too often"}]}
LABELS = {"matchLabels": {"b": "2", "a": "1"}}
JOB = planned("job", manifest("Job", "migrate", "batch/v1", spec={"selector": LABELS}))
FAILED = "Job team-a/migrate failed: too often"
SLOW = planned("slow", manifest("Job", "slow", "batch/v1", spec={"selector": LABELS}), wait=False)
SECRET: Json = {"data": {"p": "aHVudGVyMi1odW50ZXIy", "q": "Y29ycmVjdC1ob3JzZQ=="}}
LATER = at(1)


def pod(name: str = "p", uid: str = "owner", made: str = "2026-01-01T00:00:00Z", **status: Any) -> Json:
    owner = {"kind": "Job", "uid": uid, "controller": True}
    metadata = {"name": name, "uid": f"uid-{name}", "creationTimestamp": made, "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def container(name: str = "c", *, restarts: int = 0, last: Json | None = None, **state: Any) -> Json:
    before = {"terminated": last} if last is not None else {}
    return {"name": name, "restartCount": restarts, "state": state, "lastState": before}


def ended(code: int, message: str = "", reason: str = "Error") -> Json:
    return {"exitCode": code, "reason": reason, "message": message}


NOT_SCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: 3 Insufficient cpu."}
LOOPS = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}

PODS: dict[str, tuple[Json, str]] = {
    "exit code and termination message": (
        pod(containerStatuses=[container(terminated=ended(3, 'FATAL: role "orders" already exists\n'))]),
        'container c ended with 3: FATAL: role "orders" already exists',
    ),
    "exit code alone": (pod(containerStatuses=[container(terminated=ended(1))]), "container c ended with 1"),
    "an init container": (
        pod(
            initContainerStatuses=[container("migrate", terminated=ended(1, "no table"))],
            containerStatuses=[container(waiting={"reason": "PodInitializing"})],
        ),
        "init container migrate ended with 1: no table",
    ),
    "out of memory": (
        pod(containerStatuses=[container(terminated=ended(137, reason="OOMKilled"))]),
        "container c ended with 137 (OOMKilled)",
    ),
    "a loop of crashes": (
        pod(containerStatuses=[container(restarts=5, last=ended(1, "no such host"), waiting=LOOPS)]),
        "container c was started anew 5 times (CrashLoopBackOff): it ended with 1: no such host",
    ),
    "a loop that says nothing else": (
        pod(containerStatuses=[container(waiting=LOOPS)]),
        "container c: CrashLoopBackOff: back-off 40s restarting failed container",
    ),
    "a restart": (
        pod(containerStatuses=[container(restarts=1, last=ended(2), running={})]),
        "container c was started anew: it ended with 2",
    ),
    "an image": (
        pod(
            containerStatuses=[
                container("web", waiting={"reason": "ImagePullBackOff", "message": "Back-off pulling x"})
            ]
        ),
        "container web: ImagePullBackOff: Back-off pulling x",
    ),
    "the one that has ended before the one that waits": (
        pod(
            containerStatuses=[
                container("a", running={}),
                container("b", waiting={"reason": "CreateContainerConfigError"}),
                container("c", terminated=ended(1)),
                container("d", terminated=ended(0, reason="Completed")),
            ]
        ),
        "container c ended with 1",
    ),
    "unschedulable": (
        pod(conditions=[NOT_SCHEDULED]),
        "pod p cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu.",
    ),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
        "pod p: Evicted: The node was low on resource: memory.",
    ),
    "on its way": (pod(containerStatuses=[container(waiting={"reason": "ContainerCreating"})]), ""),
    "well": (pod(containerStatuses=[container(running={})], conditions=[{"type": "Ready", "status": "True"}]), ""),
    "without a status": ({"metadata": {"name": "p"}}, ""),
}


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_says(name: str) -> None:
    found, words = PODS[name]
    assert say_pod(found) == words


def test_the_newest_pod_that_fails_is_looked_at_and_no_others() -> None:
    bad: dict[str, Any] = {"containerStatuses": [container(terminated=ended(1))]}
    well: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True"}]}
    done: dict[str, Any] = {"phase": "Succeeded"}
    old, new = pod("old", **bad), pod("new", made="2026-01-02T00:00:00Z", **bad)
    silent = pod("silent", made="2026-01-03T00:00:00Z")
    foreign = pod("foreign", "stranger", "2026-01-04T00:00:00Z", **bad)
    orphan = {**foreign, "metadata": {"name": "orphan", "ownerReferences": [{"kind": "Job", "uid": "owner"}]}}
    pods = [old, foreign, orphan, silent, new, pod("well", **well), pod("done", **done)]
    assert find_failing(pods, {"owner"}) is new
    assert find_failing([pod("well", **well), silent], {"owner"}) is silent
    assert find_failing([foreign, orphan], {"owner"}) is None
    assert controller_of(orphan) == ("", "")
    assert uid_and_name(new) == ("uid-new", "new")


def test_how_pods_are_selected() -> None:
    expressions: list[Any] = [
        {"key": "a", "operator": "In", "values": ["1", "2"]},
        {"key": "b", "operator": "NotIn", "values": ["3"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
        {"key": "e", "operator": "Gt", "values": 7},
        "nonsense",
    ]
    both = {"spec": {"selector": {**LABELS, "matchExpressions": expressions}}}
    assert selector_of(both) == "a=1,b=2,a in (1,2),b notin (3),c,!d"
    assert selector_of({"spec": {"selector": {"matchLabels": {"a": "x" * 3000}}}}) == ""
    assert selector_of({"spec": {"selector": {"app": "a service has no selector of pods of its own"}}}) == ""
    assert not has_pods({"kind": "ConfigMap"}) and has_pods(both)
    itself = pod()
    assert has_pods(itself) and pod_itself(itself) is itself and pod_itself(both) is None


def test_whose_log_is_read() -> None:
    assert failing_container(PODS["exit code alone"][0]) == ("c", False)
    assert failing_container(PODS["a loop of crashes"][0]) == ("c", True)
    assert failing_container(PODS["a restart"][0]) == ("c", True)
    assert failing_container({"spec": {"containers": [{"name": "first"}]}}) == ("first", False)
    assert failing_container({}) == ("", False)


def test_whose_values_it_may_repeat() -> None:
    env = [{"valueFrom": {"secretKeyRef": {"name": "a", "key": "k"}}}, {"value": "plain"}]
    first = {"env": env, "envFrom": [{"secretRef": {"name": "b"}}, {"configMapRef": {"name": "no"}}]}
    volumes: list[Any] = [{"secret": {"secretName": "c"}}, {"emptyDir": {}}]
    volumes.append({"projected": {"sources": [{"secret": {"name": "d"}}, {"serviceAccountToken": {}}]}})
    spec = {"initContainers": [{"envFrom": [{"secretRef": {"name": "b"}}]}], "containers": [first], "volumes": volumes}
    assert secrets_of({"spec": spec}) == ["b", "a", "c", "d"]


def look(plan: RunPlan, outcomes: dict[str, Any], minutes: float = 1) -> Plan[ActionRunStatus]:
    subject = running(plan)
    return follow(RunSnapshot(subject, outcomes=outcomes), plan, subject.status, at(minutes))


def broken(found: object, plan: RunPlan | None = None, **more: Any) -> str:
    outcomes = {"create/job": Stored(live(JOB.manifest, status=BROKEN)), "explain/job": found, **more}
    status = look(plan or run_plan(JOB), outcomes).status
    assert status.phase is Phase.FAILED
    return status.message


def test_it_is_asked_once_when_the_run_is_about_to_end() -> None:
    seen = live(JOB.manifest, status=BROKEN)
    plan = look(run_plan(JOB), {"create/job": Stored(seen)})
    assert plan.effects == (Explain("explain/job", seen, MAKER),)
    assert look(run_plan(JOB), {"create/job": Stored(live(JOB.manifest))}).effects == (), "not while it waits"
    logs = look(run_plan(JOB, explain=Asked(logs=5)), {"create/job": Stored(seen)})
    assert logs.effects == (Explain("explain/job", seen, MAKER, 5),)


def test_no_words_of_a_container_are_taken_below_what_the_run_did_not_make() -> None:
    changed = planned("job", JOB.manifest, patch=True)
    seen = live(JOB.manifest, status=BROKEN)
    keys = ("before/job/find", "before/job", "change/job")
    plan = look(run_plan(changed, explain=Asked(logs=5)), {key: Stored(seen) for key in keys})
    assert plan.effects == (Explain("explain/job", seen, MAKER, 0),)
    for name, words in (
        ("exit code and termination message", "container c ended with 3"),
        ("a loop of crashes", "container c was started anew 5 times (CrashLoopBackOff): it ended with 1"),
        ("an image", PODS["an image"][1]),
    ):
        known: dict[str, Any] = {"explain/job": Circumstances(PODS[name][0])} | {key: Stored(seen) for key in keys}
        assert look(run_plan(changed), known).status.message == f"{FAILED}: {words}"


def test_an_object_without_pods_has_given_its_own_reason() -> None:
    claim = planned("disk", manifest("PersistentVolumeClaim", "disk"))
    lost = {"create/disk": Stored(live(claim.manifest, status={"phase": "Lost"}))}
    assert look(run_plan(claim), lost).status.phase is Phase.FAILED
    waits = {"create/disk": Stored(live(claim.manifest, status={"phase": "Pending"}))}
    assert effects(look(run_plan(claim), waits, 10)) == ["explain/disk"]
    everywhere = planned("all", manifest("Namespace", "all"))
    everywhere.manifest["metadata"].pop("namespace")
    going = {"create/all": Stored(live(everywhere.manifest, status={"phase": "Terminating"}))}
    assert look(run_plan(everywhere), going, 10).status.phase is Phase.FAILED, "its Events are in no namespace of ours"


def test_what_was_found_continues_the_sentence() -> None:
    words = 'container c ended with 3: FATAL: role "orders" already exists'
    found = PODS["exit code and termination message"][0]
    assert broken(Circumstances(found)) == f"{FAILED}: {words}"
    assert broken(Circumstances(found, log="a\n\n b\u202e\n")) == f"{FAILED}: {words}; its log ends: a | b"
    rights = "list on pods and list on events"
    lacks = Circumstances(unread=("list on pods", "list on events"))
    assert broken(lacks) == f"{FAILED}; give ServiceAccount pratique-actions/maker {rights} to see why"
    assert broken(Circumstances()) == broken(Failure("Timeout", "slow")) == FAILED


def test_events_are_said_where_they_are_news() -> None:
    known = {"reason": "BackoffLimitExceeded", "message": "too often"}
    mount = {"reason": "FailedMount", "message": "no secret", "count": 3}
    assert broken(Circumstances(events=(known, mount))) == f"{FAILED}: FailedMount (3 times): no secret"
    assert broken(Circumstances(events=(known,))) == FAILED
    series = {"message": "no room", "series": {"count": 2}}
    assert broken(Circumstances(events=({"message": ""}, series))) == f"{FAILED}: Warning (2 times): no room"
    assert broken(Circumstances(events=({**mount, "count": 1},))) == f"{FAILED}: FailedMount: no secret"


def test_all_that_wait_when_the_time_is_up_are_explained_but_not_very_many() -> None:
    names = [f"slow{number}" for number in range(4)]
    bodies = {each: {**SLOW.manifest, "metadata": {"name": each, "namespace": "team-a"}} for each in names}
    slow = [planned(each, body, wait=False) for each, body in bodies.items()]
    made: dict[str, Any] = {f"create/{each.id}": Stored(live(each.manifest)) for each in slow}
    plan = look(run_plan(*slow), made, 10)
    assert effects(plan) == ["explain/slow3", "explain/slow0", "explain/slow1"]
    known = {key: Circumstances(PODS["an image"][0]) for key in effects(plan)}
    message = look(run_plan(*slow), made | known, 10).status.message
    first = "Not ready within 10m: Waiting for Job team-a/slow3: it has not started: container web: ImagePullBackOff: "
    assert message.startswith(first)
    assert message.count("ImagePullBackOff") == 3 and message.endswith("slow2: it has not started")


@pytest.mark.parametrize(
    "said",
    [
        "hunter2-hunter2",
        "HUNTER2-hunter2",
        "hunter2-\u200bhunter2",
        "aHVudGVyMi1odW50ZXIy",
        "correct-horse",
        "Y29ycmVjdC1ob3JzZQ",
        "injected-by-a-webhook",
    ],
)
def test_no_words_repeat_what_a_secret_holds(said: str) -> None:
    found = PODS["exit code and termination message"][0]
    found = {**found, "status": {"containerStatuses": [container(terminated=ended(1, f"is {said} it"))]}}
    added = {"name": "T", "value": "injected-by-a-webhook"}
    found["spec"] = {
        "containers": [{"name": "c", "env": [added, {"name": "M", "value": "said-by-the-plan"}, {"name": "N"}]}]
    }
    body = JOB.manifest["spec"] | {"template": {"spec": {"containers": [{"env": [{"value": "said-by-the-plan"}]}]}}}
    job = planned("job", {**JOB.manifest, "spec": body})
    event = {"reason": "Told", "message": f"is {said} it"}
    for each in (
        Circumstances(found, secrets=(SECRET,), log=f"x {said}\n{said}"),
        Circumstances(events=(event,), secrets=(SECRET,)),
    ):
        if each.pod is None and "webhook" in said:
            continue  # without the pod nobody knows of it
        message = broken(each, run_plan(job))
        assert "(hidden)" in message
        assert not any(part in message.casefold() for part in (said.casefold(), "hunter", "horse", "webhook")), message
    plain = {**found, "status": {"containerStatuses": [container(terminated=ended(1, "said-by-the-plan"))]}}
    assert broken(Circumstances(plain), run_plan(job)).endswith("said-by-the-plan")


def test_long_words_are_cut_and_the_end_of_a_log_is_kept() -> None:
    found = pod(containerStatuses=[container(terminated=ended(1, "x " * 9000))])
    message = broken(Circumstances(found, log="begin\n" + "né " * 4000 + "\nend"))
    assert message.endswith("| end") and "begin" not in message and len(message) < 2048
    words, _, log = message.partition("; its log ends: ")
    assert len(words) < len(FAILED) + 400 and len(log.encode()) <= 1024 and log.startswith("…")
