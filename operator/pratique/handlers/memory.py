"""What a process remembers of runs, since a status that was forged meanwhile proves nothing."""

from collections import OrderedDict
from typing import Any

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase
from pratique.core.digest import plan_digest
from pratique.core.effects import Plan


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
