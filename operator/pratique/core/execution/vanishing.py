"""Objects that vanish once they are done: a Job with a TTL. Pure.

A Job that vanished before its end was on record would be made, and run, again. So it is sent with a TTL long enough for
any downtime, and gets the one that was planned once the run's end is on record. Nothing is ever stuck on us: a Job whose
run was deleted meanwhile goes when the long TTL ends, or when somebody deletes it.

A vanished Job also leaves no name that is taken. So before one is created, the run is read again from the API server: a
process with an old cache then sees that the Job was made, and is gone.
"""

from pratique.api.v1alpha1 import GROUP, VERSION
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, RunPlan, RunResource
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedResource, PlannedTemporary
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Failure, Json, MergePatch, ObjectRef, Outcomes, Plan, Read

KEPT_SECONDS = 30 * 24 * 3600
"""How long a Job that is done stays until its end is on record: longer than any operator is off."""
_TTL = "ttlSecondsAfterFinished"


def vanishes(manifest: Json) -> bool:
    """Whether the object may be gone soon after it is done."""
    spec = manifest.get("spec")
    is_job = manifest["kind"] == "Job" and str(manifest["apiVersion"]).startswith("batch/")
    return is_job and isinstance(spec, dict) and isinstance(spec.get(_TTL), int) and spec[_TTL] < KEPT_SECONDS


def as_sent(planned: PlannedResource) -> Json:
    """Return the object as it is created."""
    manifest = planned.manifest
    return {**manifest, "spec": {**manifest["spec"], _TTL: KEPT_SECONDS}} if vanishes(manifest) else manifest


def is_held(planned: PlannedResource, live: Json) -> bool:
    """Whether a live object is kept for longer than was planned."""
    if planned.patch or not vanishes(planned.manifest):
        return False
    return bool(planned.manifest["spec"][_TTL] != (live.get("spec") or {}).get(_TTL))


def confirm(run: ActionRun) -> Read:
    """Read the run itself again; the look goes on with what the API server says now."""
    ref = ObjectRef(f"{GROUP}/{VERSION}", "ActionRun", run.metadata.name, run.metadata.namespace)
    return Read("confirm", ref)


def release(status: ActionRunStatus, plan: RunPlan, outcomes: Outcomes) -> Plan[ActionRunStatus]:
    """Give objects that were kept the TTL that was planned, now that the run's end is on record."""
    planned = {each.id: each for each in plan.objects}
    account = plan.service_account_ref.username
    resources: list[RunResource] = []
    effects: list[MergePatch] = []
    retry = False
    for resource in status.resources:
        released = resource
        if resource.held and resource.id in planned and not isinstance(planned[resource.id], PlannedTemporary):
            patch = _own_ttl(resource, planned[resource.id], account)
            done = patch.outcome(outcomes)
            if done is None:
                effects.append(patch)
            elif isinstance(done, Failure) and done.transient:
                retry = True
            elif not isinstance(done, Failure) or done.reason == "NotFound" or done.cause is Cause.REPLACED:
                released = amend(resource, held=False)
        resources.append(released)
    if effects:
        return Plan(status, effects=tuple(effects))
    return Plan(amend(status, resources=resources), retry=retry)


def _own_ttl(resource: RunResource, planned: PlannedResource, account: str) -> MergePatch:
    ref = ObjectRef(resource.api_version, resource.kind, resource.name, resource.namespace)
    return MergePatch(
        f"release/{resource.id}", ref, resource.uid, {"spec": {_TTL: planned.manifest["spec"][_TTL]}}, account
    )
