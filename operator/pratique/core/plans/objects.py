"""What every object that a run makes must be and carry: a sound name, and the marks that lead back to its run. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.core.kernel.errors import EvaluationError, ImpossibleNameError

Json = dict[str, Any]
RUN_UID_LABEL = "pratique.dev/run-uid"
RUN_ANNOTATION = "pratique.dev/run"
ENDS_OBJECTS = "pratique.dev/ends-objects"
"""The finalizer by which a run stays until what it made for a time has ended."""
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.:]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_FREE_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.:@+]*[A-Za-z0-9_])?")
"""Of roles and their bindings: people are named in them. Whatever is taken here is one segment of a path, unquoted."""
_RBAC = "rbac.authorization.k8s.io"
_MAX_NAME = 253
_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z]([-a-z0-9]*[a-z0-9])?")
_KIND = re.compile(r"[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_FREE = ("name", "namespace", "labels", "annotations")
"""What a template may set of metadata: the rest is the API server's, or makes others act (owners, finalizers)."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HIDDEN = "(hidden)"
"""Stands where a Secret had a value."""


def forbidden(manifest: Json, path: str) -> Iterator[str]:
    """Yield what no template may make, as it is written and again as it is rendered: inputs may be part of it."""
    if manifest.get("kind") == "Secret" and any(manifest.get(field, {}) != {} for field in ("data", "stringData")):
        yield (
            f"{path}: a plan is stored and shown to approvers, so it must not hold the values of a Secret:"
            " let a Job or an external-secrets object make the Secret"
        )
    yield from forbidden_kind(manifest, path, "made")
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        yield f"{path}.metadata: is required, with a name"
        return
    yield from (f"{path}.metadata.{field}: cannot be set by a template" for field in metadata if field not in _FREE)
    for field in ("labels", "annotations"):
        names = metadata.get(field) if isinstance(metadata.get(field), dict) else {}
        yield from (
            f"{path}.metadata.{field}: {name} belongs to the operator; leave it out"
            for name in names or {}
            if str(name).partition("/")[0].endswith(GROUP) and "/" in str(name)
        )
        yield from (
            f"{path}.metadata.{field}.{name}: cannot be set by a template"
            for name in names or {}
            if str(name).startswith("$")
        )


def forbidden_kind(manifest: Json, path: str, verb: str) -> Iterator[str]:
    """Yield that a run makes, changes and deletes nothing that decides about runs."""
    group = str(manifest.get("apiVersion", "")).partition("/")[0]
    if group == GROUP and manifest.get("kind") != "Environment":
        yield f"{path}.kind: of {GROUP} only an Environment can be {verb} by a run"


def finished_manifest(rendered: Json, run: ActionRun, path: str, *, patch: bool) -> Json:
    """Return the object as it will be sent; raises EvaluationError with the field if it cannot be one."""
    for problem in forbidden(rendered, path):
        raise EvaluationError(problem)
    metadata: Json = rendered["metadata"]
    check_identity(rendered, lambda field: f"{path}.{field}")
    for field in ("labels", "annotations"):
        if not isinstance(metadata.get(field, {}), dict):
            raise EvaluationError(f"{path}.metadata.{field}: must be an object")
    return rendered if patch else {**rendered, "metadata": _marked(metadata, rendered, run)}


def check_identity(rendered: Json, path_of: Callable[[str], str]) -> None:
    """Raise EvaluationError with the field, if an object cannot be called so; `path_of` says where a field is written."""
    metadata: Json = rendered["metadata"]
    named = (
        ("apiVersion", rendered.get("apiVersion"), _API_VERSION, "v1 or apps/v1"),
        ("kind", rendered.get("kind"), _KIND, "ConfigMap"),
        ("metadata.namespace", metadata.get("namespace", "absent"), _NAMESPACE, "team-a; leave it out if it has none"),
    )
    # They become the path of a request: nothing in them may lead to another object than the plan shows.
    for field, value, pattern, example in named:
        if not isinstance(value, str) or len(value) > _MAX_NAME or not pattern.fullmatch(value):
            error = ImpossibleNameError if field == "metadata.namespace" else EvaluationError
            raise error(f"{path_of(field)}: {value!r} is not what Kubernetes takes, such as {example}")
    pattern, example = _name_of(rendered)
    name = metadata.get("name")
    if not isinstance(name, str) or len(name) > _MAX_NAME or not pattern.fullmatch(name):
        text = f"{name!r} is not what Kubernetes takes as the name of a {rendered['kind']}, such as {example}"
        raise ImpossibleNameError(f"{path_of('metadata.name')}: {text}")


def _name_of(manifest: Json) -> tuple[re.Pattern[str], str]:
    """Return what a name of this kind may be, and an example."""
    group = str(manifest.get("apiVersion")).rpartition("/")[0]
    if group == _RBAC:
        return _FREE_NAME, "my-role or oidc:someone@example.com"
    if group == "" and manifest.get("kind") in ("Namespace", "Service"):
        return _LABEL, "my-app, of 63 characters at most"
    return _SUBDOMAIN, "my-app"


def not_written_out(template: Json, path: str) -> Iterator[str]:
    """Yield where an expression would choose what kind of object is made: rules about kinds must hold for every run."""
    for field in ("apiVersion", "kind"):
        if "${" in str(template.get(field)):
            yield f"{path}.{field}: must be written out: an expression cannot choose what kind of object is made"


def without_secrets(live: Json, word: str = HIDDEN) -> Json:
    """Return a live object as expressions may see it: what they make of it is shown to people, so no value of a Secret.

    `word` stands for each of them.
    """
    if live.get("kind") != "Secret":
        return live
    metadata: Json = live.get("metadata") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    values = [field for field in ("data", "stringData") if field in live]
    hidden: Json = {field: dict.fromkeys(live[field] or {}, word) for field in values}
    return {**live, "metadata": {**metadata, "annotations": annotations}, **hidden}


def as_target(live: Json) -> Json:
    """Return a live object as expressions read it as `target`: without values of a Secret, nor who wrote which field."""
    shown = without_secrets(live)
    metadata = {key: value for key, value in (shown.get("metadata") or {}).items() if key != "managedFields"}
    return {**shown, "metadata": metadata}


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
