"""Says in one line per object what a plan does, for people who have to decide. Pure; the full objects are in the plan."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pratique.api.v1alpha1.action_run import DryRunResult, PlannedResource
from pratique.core.text import clean

Json = dict[str, Any]
MAX_LINE = 512


def summarize(manifest: Json, *, patch: bool) -> str:
    """Return one line for people: what is made, or which fields are set to what."""
    what = name_of(manifest)
    if patch:
        return clean(f"Change {what}: {', '.join(_leaves(settings(manifest), ''))}", MAX_LINE)
    ttl = manifest.get("spec", {}).get("ttl") if isinstance(manifest.get("spec"), Mapping) else None
    return clean(f"{what} for {ttl}" if isinstance(ttl, str) else what, MAX_LINE)


def summarize_tried(planned: PlannedResource) -> str:
    """Return the line of an object after its dry run: with what would change, or why that is not known yet."""
    line, tried = summarize(planned.manifest, patch=planned.patch), planned.dry_run
    if tried is None:
        return line
    if tried.result is DryRunResult.DEFERRED:
        return clean(f"{line} (not checked yet: {tried.message})", MAX_LINE)
    changes = ", ".join(f"{each.path} {each.before} → {each.after}" for each in tried.changes)
    if planned.patch:
        return clean(f"Change {name_of(planned.manifest)}: {changes or 'nothing, it is so already'}", MAX_LINE)
    return clean(f"{line} (the cluster makes of it: {changes})", MAX_LINE) if changes else line


def name_of(manifest: Json) -> str:
    """Return `Kind namespace/name`."""
    metadata = manifest.get("metadata", {})
    space = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{manifest.get('kind')} {space}{metadata.get('name')}"


def settings(manifest: Json) -> Json:
    """Return what a template sets, without what only says which object is meant."""
    rest = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    metadata = manifest.get("metadata", {})
    rest["metadata"] = {key: value for key, value in metadata.items() if key not in ("name", "namespace")}
    return rest


def _leaves(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield f"{path}={json.dumps(value, ensure_ascii=False)}"
