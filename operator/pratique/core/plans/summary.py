"""Says in one line per object what a plan does, for people who have to decide. Pure; the full objects are in the plan."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pratique.api.v1alpha1.action import Conflict
from pratique.api.v1alpha1.planned import DryRunResult, PlannedResource
from pratique.core.kernel.text import clean
from pratique.core.plans.listing import sentence_of

Json = dict[str, Any]
MAX_LINE = 512
_MORE = len(", and 1000 more")
_MAX_FORCE = 160
"""How much of a line says from whom something is taken; it is always there, however long the rest is."""


def summarize(manifest: Json, *, patch: bool, asked: Sequence[str] = ()) -> str:
    """Return one line for people: what is made, with the fields that were asked for; or which fields are set to what."""
    what = name_of(manifest)
    if patch:
        return clean(f"Change {what}: {', '.join(_leaves(settings(manifest), ''))}", MAX_LINE)
    ttl = manifest.get("spec", {}).get("ttl") if isinstance(manifest.get("spec"), Mapping) else None
    if isinstance(ttl, str):
        what, asked = f"{what} for {ttl}", [each for each in asked if not each.startswith("spec.ttl=")]
    return clean(f"{what}: {join(asked, MAX_LINE - len(what) - 2)}" if asked else what, MAX_LINE)


def summarize_tried(planned: PlannedResource, line: str | None = None) -> str:
    """Return the line of an object after its dry run: with what would change, or why that is not known yet."""
    line, tried = line or summarize(planned.manifest, patch=planned.patch), planned.dry_run
    if tried is None:
        return line
    if tried.result is DryRunResult.DEFERRED:
        force = "; by force, whoever applies the fields" if planned.conflict is Conflict.FORCE else ""
        return clean(f"{line} (not checked yet: {tried.message})", MAX_LINE - len(force)) + force
    sentences = [sentence_of(each) for each in tried.changes]
    if planned.patch:
        what = f"Change {name_of(planned.manifest)}: "
        force = f"; by force: {join(tried.forced, _MAX_FORCE)}" if tried.forced else ""
        room = MAX_LINE - len(force)
        return clean(what + (join(sentences, room - len(what)) or "nothing, it is so already"), room) + force
    made = " (the cluster makes of it: "
    return clean(f"{line}{made}{join(sentences, MAX_LINE - len(line + made) - 1)})", MAX_LINE) if sentences else line


def join(parts: Sequence[str], limit: int) -> str:
    """Return the parts in a row; of those that do not fit only how many there are. The first is always there."""
    whole = ", ".join(parts)
    if len(whole) <= limit:
        return whole
    count = len(parts)
    while count > 1 and len(", ".join(parts[:count])) > limit - _MORE:
        count -= 1
    more = f", and {len(parts) - count} more" if count < len(parts) else ""
    return clean(", ".join(parts[:count]), max(limit - len(more), 1)) + more


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
