"""What every object that a run makes must be and carry: a sound name, and the marks that lead back to its run. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.core.errors import EvaluationError

Json = dict[str, Any]
RUN_UID_LABEL = "pratique.dev/run-uid"
RUN_ANNOTATION = "pratique.dev/run"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.:]*[a-z0-9])?")
_MAX_NAME = 253
_MARKS = ("finalizers", "ownerReferences", "generateName")


def forbidden(manifest: Json, path: str) -> Iterator[str]:
    """Yield what no template may make, as it is written and again as it is rendered: inputs may be part of it."""
    if manifest.get("kind") == "Secret" and (manifest.get("data") or manifest.get("stringData")):
        yield (
            f"{path}: a plan is stored and shown to approvers, so it must not hold the values of a Secret:"
            " let a Job or an external-secrets object make the Secret"
        )
    group = str(manifest.get("apiVersion", "")).partition("/")[0]
    if group == GROUP and manifest.get("kind") != "Environment":
        yield f"{path}.kind: of {GROUP} only an Environment can be made by a run"
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        yield f"{path}.metadata: is required, with a name"
        return
    yield from (f"{path}.metadata.{mark}: cannot be set by a template" for mark in _MARKS if mark in metadata)
    for field in ("labels", "annotations"):
        names = metadata.get(field) if isinstance(metadata.get(field), dict) else {}
        yield from (
            f"{path}.metadata.{field}: {name} belongs to the operator; leave it out"
            for name in names or {}
            if str(name).partition("/")[0].endswith(GROUP) and "/" in str(name)
        )


def finished_manifest(rendered: Json, run: ActionRun, path: str, *, patch: bool) -> Json:
    """Return the object as it will be sent; raises EvaluationError with the field if it cannot be one."""
    for problem in forbidden(rendered, path):
        raise EvaluationError(problem)
    for field in ("apiVersion", "kind"):
        if not isinstance(rendered.get(field), str) or not rendered[field]:
            raise EvaluationError(f"{path}.{field}: must be a text that is not empty")
    metadata: Json = rendered["metadata"]
    name = metadata.get("name")
    if not isinstance(name, str) or len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise EvaluationError(f"{path}.metadata.name: {name!r} is not a name that Kubernetes takes")
    if not isinstance(metadata.get("namespace", ""), str):
        raise EvaluationError(f"{path}.metadata.namespace: must be a text")
    for field in ("labels", "annotations"):
        if not isinstance(metadata.get(field, {}), dict):
            raise EvaluationError(f"{path}.metadata.{field}: must be an object")
    return rendered if patch else {**rendered, "metadata": _marked(metadata, rendered, run)}


def _marked(metadata: Json, rendered: Json, run: ActionRun) -> Json:
    """Return the metadata with the marks by which a restarted operator, or a person, finds the run again."""
    return {
        **metadata,
        "labels": {**metadata.get("labels", {}), RUN_UID_LABEL: run.metadata.uid},
        "annotations": {
            **metadata.get("annotations", {}),
            RUN_ANNOTATION: f"{run.metadata.namespace}/{run.metadata.name}",
        },
    }
