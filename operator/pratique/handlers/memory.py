"""What one process remembers beside its cache: nothing that must outlive it, and little, whatever the number of objects.

Decides nothing. Used by `handlers.kinds`, which gives it to the planners.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

from pydantic import ValidationError

from pratique.api.v1alpha1 import ActionRun, Approval
from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase
from pratique.api.v1alpha1.approval import ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.meta import KubeObject
from pratique.core.kernel.effects import Json, Plan
from pratique.core.kernel.parking import explain
from pratique.core.runs.proof import end_of, is_running, proof_of

Model = TypeVar("Model", bound=KubeObject)
K = TypeVar("K")
V = TypeVar("V")


class LastFew(Generic[K, V]):
    """A dict of so many entries; the one that was put or found longest ago goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return what was put, if it is still there."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> None:
        """Take in one more."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget one."""
        self._kept.pop(key, None)


class Vouched:
    """The ends of Approvals that this process found under guard: the last few, by all of their spec, and their state.

    Taken in before it is written: a watch may show the new version before the write is answered. By the spec and not by a
    version, so it says the same of what is shown: these very decisions were verified, and this is what they come to.
    `told` hears of each end once.
    """

    def __init__(self, size: int = 256, told: Callable[[Approval, ApprovalStatus], None] = lambda *_: None) -> None:
        self._ends: LastFew[str, tuple[bytes, ApprovalState]] = LastFew(size)
        self._told = told

    def remember(self, approval: Approval, status: ApprovalStatus) -> None:
        """Take in what was decided of an Approval."""
        if self._ends.get(approval.metadata.uid) is None:  # else it is written again
            self._told(approval, status)
        self._ends.put(approval.metadata.uid, (_fingerprint(approval), status.state))

    def __contains__(self, approval: Approval) -> bool:
        end = self._ends.get(approval.metadata.uid)
        return end is not None and end == (_fingerprint(approval), approval.status.state)


def _fingerprint(approval: Approval) -> bytes:
    return sha256(approval.spec.model_dump_json().encode()).digest()


class Parsed:
    """The last few versions as models: one look asks several times for the same, many looks for one Action."""

    def __init__(self, size: int = 64) -> None:
        self._models: LastFew[tuple[str, str], KubeObject] = LastFew(size)

    def __call__(self, model: type[Model], body: Json) -> Model:
        """Return the model of a version of an object; models are frozen, so that they can be shared.

        Raises UnreadableError where a later version has written what this one does not know.
        """
        key = (body["metadata"]["uid"], body["metadata"]["resourceVersion"])
        found = self._models.get(key)
        if isinstance(found, model):
            return found
        try:
            made = model.model_validate(body)
        except ValidationError as error:
            raise explain(model.__name__, body, error) from None
        self._models.put(key, made)
        return made


class Memory:
    """What this process has seen of runs with its own eyes, by uid; what is stored proves nothing. The oldest go first."""

    def __init__(self, size: int = 4096) -> None:
        self._proven: LastFew[str, str] = LastFew(size)
        self._ended: LastFew[str, Phase] = LastFew(size)

    def proven(self, uid: str) -> str | None:
        """Return the digest of the plan that was seen to be allowed."""
        return self._proven.get(uid)

    def ended(self, uid: str) -> Phase | None:
        """Return the end that a run has come to."""
        return self._ended.get(uid)

    def remember_end(self, uid: str, phase: Phase) -> None:
        """Take in an end that is stored; the first stays."""
        if self._ended.get(uid) is None:
            self._ended.put(uid, phase)

    def looked_at(self, run: ActionRun, plan: Plan[ActionRunStatus], approval: Approval | None = None) -> None:
        """Take in a run as it is stored, and what was decided (see `core.runs.proof`). The first end stays."""
        uid, end, proof = run.metadata.uid, end_of(run), proof_of(plan, approval)
        if end is not None:
            self.remember_end(uid, end)
        if not is_running(plan):
            self._proven.drop(uid)
        elif proof is not None:
            self._proven.put(uid, proof)
