"""The plan as a document: the very text that was approved. Its digest is the hash of that text and of nothing else. Pure.

It is written once, when the plan is complete: with what its dry runs showed. From then on models read it, and what they
make of it is never hashed, so that a version with more fields finds the digest that was approved.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pydantic import ValidationError

from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalPlan
from pratique.api.v1alpha1.found import FoundPeople
from pratique.api.v1alpha1.meta import amend

Json = dict[str, Any]
_BESIDE = ("digest", "summary")
"""What stands beside the document and is no part of it."""
_LARGE = ("inputs", "resources", "outputs", "rechecks", "choices", "found")


@dataclass(frozen=True)
class Document:
    """A plan as canonical JSON: ASCII only, keys in order, so that nothing on its way can change a byte of it."""

    text: str

    @cached_property
    def digest(self) -> str:
        """The sha256 of the text, as `sha256:<hex>`."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"

    @property
    def plan(self) -> RunPlan:
        """The plan, as this version reads it; raises ValidationError where a later one wrote what this does not know."""
        return _read(self.text)


def document(plan: RunPlan) -> Document:
    """Write a plan down."""
    return Document(_canonical(plan.to_wire()))


def document_of(status: ActionRunStatus, approval: Approval | None) -> Document | None:
    """Return what runs: the text in the frozen spec of its Approval, or in the status of a run without a gate.

    Objects of version 0.1.0 have all of it in `status.plan`: that is taken as it is stored, not as this version reads it.
    None of it is believed here: a gate, or the Action, must say that it may run.
    """
    frozen = approval.spec.planned.document if approval is not None else None
    own = status.document
    text = frozen or own if status.phase is Phase.WAITING_FOR_APPROVAL else own or frozen
    if text:
        return Document(text)
    return Document(_canonical(status.plan)) if status.plan and "resources" in status.plan else None


def head_of(written: Document, summary: list[str]) -> Json:
    """Return what of a plan people read in a run's status. Whoever reads no document finds all that a gate needs."""
    wire = written.plan.to_wire()
    small = {key: value for key, value in wire.items() if key not in _LARGE}
    if "target" in small:
        small["target"] = {key: value for key, value in small["target"].items() if key not in _LARGE}
    return {**small, "digest": written.digest, "summary": summary}


def whole_of(written: Document, summary: list[str]) -> Json:
    """Return a plan as fields, as version 0.1.0 stored it: for a gate that it opened, which holds no document."""
    return {**json.loads(written.text), "digest": written.digest, "summary": summary}


def is_same(plan: RunPlan, other: RunPlan) -> bool:
    """Whether two plans say the same, as this version reads them."""
    return document(_unversioned(plan)).text == document(_unversioned(other)).text


def without_versions(found: Sequence[FoundPeople] | None) -> list[FoundPeople]:
    """Return what was found without how often the objects had changed before: that is no part of what they say."""
    return [amend(each, resource_version="") for each in found or ()]


def _unversioned(plan: RunPlan) -> RunPlan:
    if plan.found is None:
        return plan
    return amend(plan, found=[amend(each, sources=without_versions(each.sources)) for each in plan.found])


def is_plan_of(found: ApprovalPlan, wanted: ApprovalPlan) -> bool:
    """Whether a gate that is there already holds the plan that is wanted, though another version may have written it."""
    if found.digest == wanted.digest:
        return True
    if found.document is None or wanted.document is None or Document(found.document).digest != found.digest:
        return False
    try:
        return is_same(Document(found.document).plan, Document(wanted.document).plan)
    except ValidationError:
        return False


def _canonical(wire: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in wire.items() if key not in _BESIDE}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@lru_cache(maxsize=16)
def _read(text: str) -> RunPlan:
    return RunPlan.model_validate_json(text)
