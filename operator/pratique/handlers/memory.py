"""What one process remembers beside its cache: nothing that must outlive it, and little, whatever the number of objects.

Decides nothing. Used by `handlers.kinds`, which gives it to the planners.
"""

from collections import OrderedDict
from typing import Any, TypeVar

from pratique.api.v1alpha1 import ActionRun, Approval
from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase
from pratique.api.v1alpha1.common import KubeObject
from pratique.core.digest import plan_digest
from pratique.core.effects import Json, Plan

Model = TypeVar("Model", bound=KubeObject)


class Vouched:
    """The Approvals that this process ended itself, under guard, by the version that it wrote: the last few."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._versions: OrderedDict[str, str] = OrderedDict()

    def remember(self, body: Json) -> None:
        """Take in what we wrote."""
        self._versions[body["metadata"]["uid"]] = body["metadata"]["resourceVersion"]
        if len(self._versions) > self._size:
            self._versions.popitem(last=False)

    def __contains__(self, approval: Approval) -> bool:
        return self._versions.get(approval.metadata.uid) == approval.metadata.resource_version


class Parsed:
    """The last few versions as models: one look asks several times for the same, many looks for one Action."""

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._models: OrderedDict[tuple[str, str], KubeObject] = OrderedDict()

    def __call__(self, model: type[Model], body: Json) -> Model:
        """Return the model of a version of an object; models are frozen, so that they can be shared."""
        key = (body["metadata"]["uid"], body["metadata"]["resourceVersion"])
        found = self._models.get(key)
        if not isinstance(found, model):
            found = self._models[key] = model.model_validate(body)
            if len(self._models) > self._size:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return found


class Memory:
    """What this process has seen of runs with its own eyes, by uid; what is stored proves nothing. The oldest go first."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._proven: OrderedDict[str, str] = OrderedDict()
        self._ended: OrderedDict[str, Phase] = OrderedDict()

    def proven(self, uid: str) -> str | None:
        """Return the digest of the plan that was seen to be allowed."""
        return self._proven.get(uid)

    def ended(self, uid: str) -> Phase | None:
        """Return the end that a run has come to."""
        return self._ended.get(uid)

    def looked_at(self, run: ActionRun, plan: Plan[ActionRunStatus]) -> None:
        """Take in a run as it is stored, and what was decided: one that goes on with nothing left to ask is allowed to."""
        uid, status = run.metadata.uid, plan.status
        if run.status.phase.is_end and uid not in self._ended:
            self._keep(self._ended, uid, run.status.phase)
        if status.phase is not Phase.RUNNING:
            self._proven.pop(uid, None)
        elif not plan.effects and status.plan is not None:
            self._keep(self._proven, uid, plan_digest(status.plan))

    def _keep(self, kept: OrderedDict[str, Any], uid: str, value: object) -> None:
        kept[uid] = value
        if len(kept) > self._size:
            kept.popitem(last=False)
