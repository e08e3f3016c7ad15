"""Whatever the API server refuses, and whatever it prints while it does, no value of an object leaves it.

A value is planted in an object of each kind; each is refused in each way, by each type of patch, with each verb, as a dry
run and not; and by runs that are free and gated, before an approver is asked and after. Everything that can be read is
searched then. The count of combinations is part of the test: who takes one away sees it.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision, run
from tests.conftest import PEOPLE
from tests.support.cluster import Cluster, wait_for
from tests.support.http import Callers
from tests.support.own_plane import own_plane
from tests.support.planted import Search
from tests.support.refusals import KINDS, definition, patches, policies, stored
from tools.codegen.values import Values
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess
from tools.receiver import Receiver

from pratique.cluster.client import JSON_PATCH, MERGE_PATCH, Api, ApiError
from pratique.cluster.connection import connect
from pratique.cluster.perform import failure_of, perform
from pratique.core.kernel.effects import Create, Failure, MergePatch, ObjectRef

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420)]
SPACE = "refusals"
STRATEGIC = "application/strategic-merge-patch+json"
API = "/apis/pratique.dev/v1alpha1"
WIDE = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
ENDS = ("Failed", "Refused", "Superseded", "Succeeded")
CASES = [(key, why) for key in KINDS for why in patches(key)]


@dataclass(frozen=True)
class World:
    """All was refused, and the operator is off."""

    cluster: Cluster
    callers: Callers
    kubeconfig: Path
    statuses: dict[str, Any]
    texts: dict[str, str]
    search: Search


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Ask for every change that is refused, free and gated; approve what is held."""
    folder = tmp_path_factory.mktemp("refusals")
    plane_of = own_plane(SPACE, folder, Options(audit="Request"), rights=WIDE, people=(PEOPLE,))
    with plane_of as (plane, cluster), Callers(plane) as callers, Receiver() as receiver:
        cluster.apply("admin", yaml.safe_dump_all([definition(), *policies()]))
        url = f"--from-literal=url={receiver.url}/all"
        cluster.kubectl("admin", "create", "secret", "generic", "all", "-n", "pratique-system", url)
        cluster.kubectl("admin", "wait", "--for=condition=Established", "crd/things.refusals.example")
        cluster.apply("admin", yaml.safe_dump_all([stored(key, SPACE) for key in KINDS]))
        cluster.apply("admin", _channel())
        cluster.apply("admin", yaml.safe_dump_all([_action(key, why) for key, why in CASES]))
        log = folder / "operator.log"
        operator = OperatorProcess(plane.kubeconfig("operator"), log, arguments=("--log-level", "debug"))
        operator.start()
        operator.wait_ready()
        for (key, why), gated in itertools.product(CASES, (False, True)):
            name = f"{'gated' if gated else 'free'}-{_name(key, why)}"
            wanted = run(name, SPACE, _name(key, why), inputs={"gated": gated})
            who = "developer-2" if gated else "developer"  # one person may have 50 runs open
            reply = callers[who].send("POST", f"{API}/namespaces/{SPACE}/actionruns", wanted)
            assert reply.ok, reply.message
        statuses = wait_for("every run has ended", lambda: _ended(callers), 240)
        wait_for("the receiver was told", lambda: len(receiver.received) >= len(statuses), 60)
        texts = {"received": json.dumps([each.body for each in receiver.received])}
        for kind in ("actions,actionruns,approvals,notificationchannels", "events.events.k8s.io,events"):
            texts[kind] = cluster.kubectl("admin", "get", "-A", "-o", "yaml", kind).out
        operator.stop()
        assert plane.audit_log is not None
        texts |= {"log": log.read_text(), "written": _written(plane.audit_log)}
        yield World(cluster, callers, plane.kubeconfig("admin"), statuses, texts, Search(KINDS))


def _name(key: str, why: str) -> str:
    return f"{key}-{why.replace(' ', '-')}"


def _action(key: str, why: str) -> dict[str, Any]:
    api_version, kind, _ = KINDS[key]
    change = patches(key)[why]
    metadata = {"name": key, "namespace": SPACE, **change.get("metadata", {})}
    template = {"apiVersion": api_version, "kind": kind, **change, "metadata": metadata}
    stage = {"name": "lead", "when": "inputs.gated", "approvers": {"users": ["lead-1@example.com"]}, "deadline": "1h"}
    execution = {
        "serviceAccountRef": {"namespace": SPACE, "name": "writer"},
        "timeout": "20s",
        "resources": [{"id": "it", "patch": True, "template": template, "readyWhen": "true"}],
    }
    spec = {
        "title": why,
        "inputs": {"schema": {"type": "object", "properties": {"gated": {"type": "boolean"}}}},
        "approval": {"stages": [stage]},
        "notifications": [{"channels": ["all"], "events": ["ApprovalRequested", "Refused", "Failed", "Superseded"]}],
        "execution": execution,
    }
    return {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "Action",
        "metadata": {"name": _name(key, why)},
        "spec": spec,
    }


def _channel() -> str:
    spec = {"webhook": {"urlSecretRef": {"name": "all", "key": "url"}}}
    body = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel", "metadata": {"name": "all"}}
    return yaml.safe_dump({**body, "spec": spec})


def _ended(callers: Callers) -> dict[str, Any] | None:
    """Approve what is held; return all statuses once each is an end."""
    items = callers["admin"].send("GET", f"{API}/namespaces/{SPACE}/actionruns").body["items"]
    for each in items:
        status = each.get("status", {})
        if status.get("phase") == "WaitingForApproval" and status["approvals"][0]["state"] == "Pending":
            patch = json.loads(decision("lead-1@example.com", "Approve"))
            path = f"{API}/namespaces/{SPACE}/approvals/{status['approvals'][0]['name']}"
            callers["lead-1"].send("PATCH", path, patch, content_type=MERGE_PATCH)
    found = {each["metadata"]["name"]: each["status"] for each in items if each.get("status", {}).get("phase") in ENDS}
    return found if len(found) == 2 * len(CASES) else None


def _written(log: Path) -> str:
    """Return all that the operator ever wrote in its own name, also what later writes replaced."""
    entries = (json.loads(line) for line in log.read_text().splitlines())
    ours = [
        each.get("requestObject")
        for each in entries
        if each["user"]["username"] == Values().operator and "impersonatedUser" not in each
    ]
    assert sum(each is not None for each in ours) > 100
    return "\n".join(map(json.dumps, ours))


def test_no_value_is_anywhere(world: World) -> None:
    for place, text in world.texts.items():
        assert text, place
        assert world.search.found(text) == set(), place


def test_each_was_refused_with_a_reason(world: World) -> None:
    """Else the search would be in what did not happen; and a reason that says nothing helps nobody."""
    assert len(world.statuses) == 2 * len(CASES) == 84
    for name, status in world.statuses.items():
        assert status["phase"] != "Succeeded", name
        message = status["message"]
        assert len(message) < 700, message
        wanted = {
            "a-number-for-text": ("annotations", "cannot convert int64 to string", "does not fit"),
            "mistyped": ("must be", "unrecognized type", "cannot convert"),
            "unknown-field": ('unknown field "speck"',),
            "bad-label": ("metadata.labels: Invalid value: a valid label must",),
            "invalid": ("immutable", "a valid config key", "may not change", "does not go with it", "Invalid value"),
            "echoed": ("denied request: not with (hidden)",),
            "echoed-late": ("denied request: not with (hidden)",),
        }[name.split("-", 2)[2]]
        assert any(part in message for part in wanted), (name, message)


def test_no_answer_to_the_client_holds_a_value(world: World) -> None:
    """Each kind × each refusal × each type of patch, and creation, × dry run or not: at the one place that sees answers."""
    said = asyncio.run(_asked(world.kubeconfig))
    assert len(said) == len(CASES) * (3 + 1 + 1) * 2 == 420
    refused = {key: text for key, text in said.items() if text}
    assert len(refused) > 330, sorted(key for key in said if key not in refused)
    for key, text in refused.items():
        assert world.search.found(text) == set(), (key, text)


async def _asked(kubeconfig: Path) -> dict[tuple[str, ...], str]:
    """Return all that is said of each refusal, by what was refused; empty where it was none."""
    said: dict[tuple[str, ...], str] = {}
    async with Api(connect(str(kubeconfig))) as api:
        for (key, why), dry in itertools.product(CASES, (True, False)):
            api_version, kind, _ = KINDS[key]
            ref = ObjectRef(api_version, kind, key, SPACE)
            change, live = patches(key)[why], await api.request("GET", await api.path_of(ref))
            for form in (MERGE_PATCH, STRATEGIC, JSON_PATCH):
                said[key, why, form, str(dry)] = await _patched(api, ref, change, form, live, dry)
            effect = MergePatch("x", ref, live["metadata"]["uid"], change, dry_run=dry)
            outcome = await perform(api, effect)
            said[key, why, "perform", str(dry)] = repr(outcome if isinstance(outcome, Failure) else "")
            fresh = _merged(stored(key, SPACE), change)
            fresh["metadata"] |= {"name": f"new-{key}"}
            made = await perform(api, Create("x", fresh, dry_run=True if not dry and why == "invalid" else dry))
            said[key, why, "create", str(dry)] = repr(made if isinstance(made, Failure) else "")
    return said


async def _patched(api: Api, ref: ObjectRef, change: Any, form: str, live: Any, dry: bool) -> str:
    """Patch an object without what `perform` knows of it; what others wrote about it is then left out."""
    body = change if form != JSON_PATCH else [{"op": "replace", "path": "", "value": _merged(live, change)}]
    options = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry else {})
    try:
        await api.request("PATCH", await api.path_of(ref), body, params=options, content_type=form)
    except ApiError as error:
        bare = ApiError.answered(error.answer.bare())
        return f"{bare!r} {bare} {failure_of(bare)!r}"
    return ""


def _merged(base: Any, change: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    return {**base, **{key: _merged(base.get(key), value) for key, value in change.items()}}
