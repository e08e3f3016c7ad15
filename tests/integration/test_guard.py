"""The guard guards itself: whatever is done to a policy, a binding or a CRD, nothing that was forged meanwhile counts.

Each gap is made by the cluster's admin while a run waits. Where the gap allows it, an approval is forged: in another's
name, and looking as if the API server had stamped it. Nothing is ever made of it. What was changed is put right again, as
whoever installs Pratique would; by itself the gate is opened again, and a real approval of that one ends the run.
"""

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.builders.manifests import decision, run
from tests.support.gaps import BINDING, CRDS, DECISION, GUARDS, POLICIES, SPACE, STATUS, Change, Gaps, replaced
from tests.support.own_plane import NOTES_AND_JOBS, brief_action, note_action, own_plane
from tools.installation import OperatorProcess

from pratique.api.v1alpha1.action_run import Phase
from pratique.cluster.client import MERGE_PATCH, ApiError
from pratique.cluster.connection import connect
from pratique.core.kernel.effects import ObjectRef, Verified
from pratique.guarding.guard import Guard
from pratique.guarding.reads import idents
from pratique.guarding.record import changed, shown
from pratique.processes.operator import Operator
from pratique.processes.settings import Settings

pytestmark = pytest.mark.cluster
OPTIONS = ("--guard-every", "0.3", "--guard-settle", "0.3")
APPROVALS = "CustomResourceDefinition.approvals.pratique.dev"
WHY = "The API server did not guard this decision all the time: "


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gaps]:
    """A control plane of its own, and an operator that looks often."""
    folder = tmp_path_factory.mktemp("guard")
    with own_plane(SPACE, folder, rights=NOTES_AND_JOBS) as (plane, cluster):
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=OPTIONS)
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action(SPACE, gated=True))
        cluster.apply("admin", brief_action(SPACE, "1h"))
        yield Gaps(plane, folder, {}, operator)
        operator.stop()
        assert "Traceback" not in operator.log.read_text()


@pytest.fixture
async def gaps(world: Gaps) -> AsyncIterator[Gaps]:
    async with world.acting():
        yield world
        for key in GUARDS:
            await world.restore(key)
        if world.operator.process is None:
            world.operator.start()
        await world.is_well()


def _exclude(resource: str) -> dict[str, object]:
    rule = {"apiGroups": ["pratique.dev"], "apiVersions": ["*"], "resources": [resource], "operations": ["UPDATE"]}
    return {"excludeResourceRules": [rule]}


WEAKER: dict[str, tuple[str, Change]] = {
    "spec.validations[5].expression": (DECISION, lambda spec: spec["validations"].pop(5)),
    "spec.validations[6].expression": (DECISION, replaced("validations.6.expression", "true")),
    "spec.matchConstraints.resourceRules[0].operations": (
        DECISION,
        replaced("matchConstraints.resourceRules.0.operations", ["CREATE"]),
    ),
    "spec.matchConstraints.namespaceSelector.matchLabels": (
        DECISION,
        replaced("matchConstraints.namespaceSelector", {"matchLabels": {"a": "b"}}),
    ),
    "spec.failurePolicy": (DECISION, replaced("failurePolicy", "Ignore")),
    "spec.matchConditions": (DECISION, replaced("matchConditions", [{"name": "never", "expression": "false"}])),
    "spec.matchConstraints.excludeResourceRules": (
        DECISION,
        lambda spec: spec["matchConstraints"].update(_exclude("approvals")),
    ),
    "spec.validationActions[0]": (BINDING, replaced("validationActions", ["Warn"])),
    "spec.matchResources": (BINDING, replaced("matchResources", _exclude("approvals"))),
    "spec.versions[0].schema.openAPIV3Schema.properties.spec.x-kubernetes-validations": (
        APPROVALS,
        lambda spec: spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].pop(
            "x-kubernetes-validations"
        ),
    ),
}
"""By where it differs from this version; those in `FORGEABLE` let a decision in another's name through."""
FORGEABLE = {
    "spec.matchConstraints.resourceRules[0].operations",
    "spec.matchConstraints.namespaceSelector.matchLabels",
    "spec.matchConditions",
    "spec.matchConstraints.excludeResourceRules",
    "spec.validationActions[0]",
    "spec.matchResources",
}


async def test_a_change_that_was_made_and_undone_shows_and_words_do_not(gaps: Gaps) -> None:
    gaps.operator.stop()
    refs = [ObjectRef(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in GUARDS.values()]
    admin = gaps.people["admin"]
    for key, ref in zip(GUARDS, refs, strict=True):
        before = await idents(admin, refs)
        words = {"metadata": {"labels": {"helm": "x"}, "annotations": {"helm": "x"}, "generation": 1}}
        await admin.request("PATCH", await admin.path_of(ref), words, content_type=MERGE_PATCH)
        assert changed(before, await idents(admin, refs)) is None
        undone: Change = replaced("matchConstraints.objectSelector", {"matchLabels": {"a": "b"}})
        if "Binding" in key:
            undone = replaced("matchResources", _exclude("approvals"))
        if key in CRDS:
            undone = replaced("names.categories", ["other"])
        await gaps.change(key, undone)
        await gaps.restore(key)
        assert changed(before, await idents(admin, refs)) == (
            f"{shown(key)} was changed (generation {before[key].generation + 2}; on record is {before[key].generation})"
        )
        if key in POLICIES:
            await gaps.delete(key)
            await gaps.create(key)
            assert changed(before, await idents(admin, refs)) == f"{shown(key)} was deleted and made again"


@pytest.mark.parametrize("where", WEAKER)
async def test_what_is_weakened_is_noticed_and_named(gaps: Gaps, where: str) -> None:
    key, weaken = WEAKER[where]
    name = f"weak-{list(WEAKER).index(where)}"
    gate = await gaps.ask(name)
    await gaps.change(key, weaken)
    await gaps.is_seen(f"not guarded: {shown(key)}: {where} ")
    if where in FORGEABLE:
        await gaps.forged(gate)
    await gaps.restore(key)
    await gaps.is_well()
    again = await gaps.gate(name, gate) if where in FORGEABLE else gate
    await gaps.ends_by_a_real_approval(name, again)


@pytest.mark.parametrize("key", POLICIES)
async def test_what_is_gone_is_noticed_and_nothing_that_was_forged_counts(gaps: Gaps, key: str) -> None:
    name = f"gone-{POLICIES.index(key)}"
    gate = await gaps.ask(name)
    await gaps.delete(key)
    await gaps.is_seen(f"not guarded: {shown(key)} is missing")
    if key in (DECISION, BINDING):
        await gaps.forged(gate)
    await gaps.restore(key)
    await gaps.is_well()
    again = await gaps.gate(name, gate) if key in (DECISION, BINDING) else gate
    await gaps.ends_by_a_real_approval(name, again)


async def test_what_is_forged_within_milliseconds_of_a_change_makes_nothing(gaps: Gaps) -> None:
    """The operator sees the decision long before it would look at the guard by itself."""
    for number in range(6):
        name, verdict = f"race-{number}", "Decline" if number % 3 == 2 else "Approve"
        gate = await gaps.ask(name)
        forging = asyncio.create_task(gaps.forged(gate, verdict))
        await gaps.delete(BINDING)
        await forging
        await gaps.create(BINDING)
        again = await gaps.gate(name, gate)
        run = await gaps.ends_by_a_real_approval(name, again)
        assert [line["event"] for line in run["status"]["timeline"]] == [
            "WaitingForApproval",
            "Superseded",
            "WaitingForApproval",
            "Running",
            "Succeeded",
        ]
        assert run["status"]["timeline"][1]["message"].startswith(WHY)
        superseded = await gaps.get("Approval", gate)
        assert superseded is not None
        assert superseded["status"]["state"] == "Superseded"
        reasons = {each["type"]: each["reason"] for each in superseded["status"]["conditions"]}
        assert reasons == dict.fromkeys(("Approved", "Decided", "Ready", "Stalled"), "Superseded")


async def test_without_the_look_at_the_grant_it_would_have_been_made(
    gaps: Gaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same race, against an operator that believes what it sees until its next look."""

    async def believe(_: Guard) -> Verified:
        return Verified()

    monkeypatch.setattr(Guard, "verify", believe)
    gaps.operator.stop()
    stop = asyncio.Event()
    settings = Settings(health_port=gaps.operator.port, identity="trusting", guard_every=60.0, guard_settle=0.0)
    operator = Operator(connect(str(gaps.plane.kubeconfig("operator"))), settings)
    task = asyncio.create_task(operator.run(stop))
    try:
        await gaps.is_well()
        gate = await gaps.ask("believed")
        forging = asyncio.create_task(gaps.forged(gate))
        await gaps.delete(BINDING)
        await forging
        await gaps.create(BINDING)
        await gaps.until("it is made of the forgery", lambda: gaps.get("ConfigMap", "believed"))
    finally:
        stop.set()
        await task
        gaps.operator.start()


async def test_a_gap_while_the_operator_was_off_is_noticed(gaps: Gaps) -> None:
    gates = {name: await gaps.ask(name) for name in ("off-approve", "off-decline", "off-status", "off-untouched")}
    gaps.operator.stop()
    await gaps.delete(BINDING)
    await gaps.delete(STATUS)
    for name, gate in gates.items():
        if name != "off-untouched":
            await gaps.forged(gate, "Decline" if name == "off-decline" else "Approve")
    state = '{"status": {"state": "Approved", "message": "Approved by lead-1@example.com"}}'
    await gaps.until("the status is forged", lambda: gaps.decide(gates["off-status"], state, "admin", "/status"))
    await gaps.create(BINDING)
    await gaps.create(STATUS)
    # killed while everything settles: the next one finds the same
    slow = OperatorProcess(gaps.operator.kubeconfig, gaps.folder / "slow.log", arguments=("--guard-settle", "60"))
    slow.start()
    await gaps.until("it waits", lambda: asyncio.to_thread(lambda: "was deleted and made again" in slow.readyz()))
    slow.kill()
    gaps.operator.start()
    await gaps.is_well()
    for name, gate in gates.items():
        again = gate if name == "off-untouched" else await gaps.gate(name, gate)
        assert again == (gate if name == "off-untouched" else f"{gate}-2")
        await gaps.ends_by_a_real_approval(name, again)


async def test_what_lost_its_label_is_read_all_the_same(gaps: Gaps) -> None:
    """Whatever the lists do not show is read by its name: nothing is hidden by a label, and nothing is called gone."""
    admin, refs = gaps.people["admin"], [ObjectRef(GUARDS[DECISION]["apiVersion"], *DECISION.split(".", 1))]
    before = await idents(admin, refs)
    path = await admin.path_of(refs[0])
    none = {"metadata": {"labels": {"app.kubernetes.io/part-of": None}}}
    await admin.request("PATCH", path, none, content_type=MERGE_PATCH)
    assert await idents(admin, refs) == before != {}
    gate = await gaps.ask("unlabelled")
    await gaps.ends_by_a_real_approval("unlabelled", gate)
    await gaps.change(DECISION, replaced("failurePolicy", "Ignore"))
    assert changed(before, await idents(admin, refs)) is not None
    await gaps.is_seen(f"not guarded: {shown(DECISION)}")


async def test_a_restart_without_a_gap_supersedes_nothing(gaps: Gaps) -> None:
    gate = await gaps.ask("restarted")
    gaps.operator.stop()
    await gaps.until("it is approved", lambda: gaps.decide(gate, decision("lead-1@example.com", "Approve")))
    gaps.operator.start()
    await gaps.is_well()
    await gaps.until("it is made", lambda: gaps.get("ConfigMap", "restarted"))
    assert metric(gaps, "pratique_guard_superseded_total") == metric(gaps, "pratique_guard_gaps_total") == 0
    assert metric(gaps, 'pratique_guard_verifications_total{result="verified"}') >= 1


async def test_a_gate_that_was_deleted_in_a_gap_ends_its_run(gaps: Gaps) -> None:
    gate = await gaps.ask("deleted")
    await gaps.delete(APPROVALS)
    await gaps.is_seen("not guarded: ")
    await gaps.until("it is gone", lambda: _gone(gaps, APPROVALS), pause=0.2)
    await gaps.restore(APPROVALS)
    await gaps.is_well()

    async def over() -> str:
        status = (await gaps.get("ActionRun", "deleted") or {})["status"]
        return str(status["message"]) if status["phase"] == "Superseded" else ""

    message = await gaps.until("it ends", over)
    assert message == f"Its Approval {gate} was deleted: apply the request again under another name"
    assert await gaps.get("ConfigMap", "deleted") is None
    await gaps.ends_by_a_real_approval("asked-anew", await gaps.ask("asked-anew"))


async def test_what_was_forged_in_a_gap_has_nothing_deleted(gaps: Gaps) -> None:
    """Two runs have made something for an hour; in the gap their statuses say that others, or they, have to go now."""
    admin = gaps.people["admin"]
    for name in ("lent-other", "lent-early"):
        body = run(name, SPACE, "brief", inputs={"gated": False})
        await gaps.people["developer"].request("POST", await gaps.path(body, named=False), body)

        async def made(name: str = name) -> bool:
            return bool((await gaps.get("ActionRun", name) or {}).get("status", {}).get("phase") == "Succeeded")

        await gaps.until(f"{name} is made", made)
    meta = {"name": "victim", "namespace": SPACE}
    await admin.request("POST", f"/api/v1/namespaces/{SPACE}/configmaps", {"metadata": meta})
    victim = await gaps.get("ConfigMap", "victim") or {}
    gaps.operator.stop()
    await gaps.delete(STATUS)
    aimed = {"name": "victim", "uid": victim["metadata"]["uid"], "expiresAt": "2020-01-01T00:00:00Z"}
    for name, forged in (("lent-other", aimed), ("lent-early", {"expiresAt": "2020-01-01T00:00:00Z"})):

        async def forge(name: str = name, forged: dict[str, str] = forged) -> bool:
            body = await gaps.get("ActionRun", name) or {}
            (kept,) = body["status"]["resources"]
            try:
                patch = {"status": {"resources": [{**kept, **forged}]}}
                await admin.request("PATCH", f"{await gaps.path(body)}/status", patch, content_type=MERGE_PATCH)
            except ApiError:
                return False
            return True

        await gaps.until("it is forged", forge)
    await gaps.create(STATUS)
    gaps.operator.start()
    await gaps.is_well()

    async def told() -> bool:
        status = (await gaps.get("ActionRun", "lent-other") or {})["status"]
        return any(each.get("reason") == "NotEnded" for each in status["conditions"])

    async def put_right() -> bool:
        (kept,) = (await gaps.get("ActionRun", "lent-early") or {})["status"]["resources"]
        return str(kept["expiresAt"]) > "2021"

    await gaps.until("it is told", told)
    await gaps.until("its end is put right", put_right)
    for name in ("victim", "lent-other", "lent-early"):
        assert await gaps.get("ConfigMap", name) is not None, name


async def _gone(gaps: Gaps, key: str) -> bool:
    found = await idents(gaps.people["admin"], [ObjectRef("apiextensions.k8s.io/v1", *key.split(".", 1))])
    return not found


async def test_everybody_can_see_what_happened(gaps: Gaps) -> None:
    await gaps.delete(BINDING)
    await gaps.is_seen("not guarded: ")
    assert metric(gaps, "pratique_guarded") == 0
    await gaps.restore(BINDING)
    await gaps.is_well()
    assert metric(gaps, "pratique_guarded") == 1
    assert metric(gaps, "pratique_guard_gaps_total") >= 1
    log = gaps.operator.log.read_text()
    assert f"Nothing is decided until the API server guards again: {shown(BINDING)} is" in log
    assert "The API server guards again; decisions that were made meanwhile do not count" in log

    async def told() -> bool:
        events = await gaps.people["admin"].request("GET", "/apis/events.k8s.io/v1/namespaces/pratique-system/events")
        reasons = [each["reason"] for each in events["items"] if each["regarding"]["name"] == "pratique-guard"]
        return {"NotGuarded", "Guarded"} <= set(reasons)

    await gaps.until("Events are there", told)


def metric(gaps: Gaps, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{gaps.operator.port}/metrics", timeout=5) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_what_a_later_version_wrote_is_left_alone_and_holds_up_nobody(gaps: Gaps) -> None:
    """After an upgrade that was taken back: a phase that only the later version knows."""
    runs = "CustomResourceDefinition.actionruns.pratique.dev"
    schema = "versions.0.schema.openAPIV3Schema.properties.status.properties.phase.enum"
    await gaps.ask("later")
    await gaps.change(runs, replaced(schema, [*(each.value for each in Phase), "Bananas"]))
    await gaps.delete(STATUS)
    path = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/actionruns/later/status"

    async def written() -> bool:
        try:
            body = {"status": {"phase": "Bananas"}}
            await gaps.people["admin"].request("PATCH", path, body, content_type=MERGE_PATCH)
        except ApiError:
            return False
        return True

    await gaps.until("a later version writes its status", written)
    await gaps.restore(runs)
    await gaps.create(STATUS)
    await gaps.is_well()

    async def parked() -> bool:
        status = (await gaps.get("ActionRun", "later") or {})["status"]
        assert status["phase"] == "Bananas"
        stalled = [each for each in status["conditions"] if each["type"] == "Stalled" and each["status"] == "True"]
        return any(each["message"].startswith('status.phase is "Bananas", which this version') for each in stalled)

    await gaps.until("it says that it is left alone", parked)
    await gaps.ends_by_a_real_approval("beside", await gaps.ask("beside"))
    gaps.operator.stop()
    gaps.operator.start()
    await gaps.is_well()
    assert await parked()
    assert gaps.operator.log.read_text().count("Left alone: ActionRun guarded/later") < 20
