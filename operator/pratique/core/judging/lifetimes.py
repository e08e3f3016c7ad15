"""Works out how long an object stays (`expiresAfter`), and holds that to what the Action allows. Pure; called by `policy`.

What is not a duration, or too long, may come from what was filled in: it refuses the run, in a sentence that says what to
write. Where that can be known when the Action is applied, the CRD says it, or `checks`.
"""

import re

from pratique.api.v1alpha1.action import ResourceTemplate
from pratique.api.v1alpha1.meta import GROUP
from pratique.api.v1alpha1.scalars import duration_of
from pratique.api.v1alpha1.spelling import DURATION_PATTERN
from pratique.core.judging.rendering import Scope, render_text
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import EvaluationError, LifetimeError, NotThereError
from pratique.core.kernel.text import clean

FIELD = "expiresAfter"
_DURATION = re.compile(DURATION_PATTERN)


def render_lifetime(template: ResourceTemplate, manifest: Json, scope: Scope, longest: str, path: str) -> str | None:
    """Return after what time the object is deleted again, None if it stays; raises LifetimeError where that cannot be."""
    if template.expires_after is None:
        return None
    if (twice := find_other_end(manifest)) is not None:
        raise EvaluationError(f"{path}.{FIELD}: {twice}")
    try:
        value = render_text(template.expires_after, scope)
    except NotThereError as error:
        raise NotThereError(f"{path}.{FIELD}: {error}", error.path) from None
    except EvaluationError as error:
        raise EvaluationError(f"{path}.{FIELD}: {error}") from None
    if not isinstance(value, str):
        raise EvaluationError(f"{path}.{FIELD}: must be text such as 8h, and is {clean(repr(value), 80)}")
    if not _DURATION.fullmatch(value) or value == "0s":
        what = f"{clean(repr(value), 80)} is no duration: one whole number and one unit, s, m, h, d or w, such as 8h"
        raise LifetimeError(f"{FIELD} of {template.id}: {what}")
    if duration_of_any(value) > duration_of_any(longest):
        what = f"{value} is longer than {longest}, which this Action allows at most (maxExpiry): ask for a shorter time"
        raise LifetimeError(f"{FIELD} of {template.id}: {what}")
    return value


def duration_of_any(text: str) -> float:
    """Return the seconds of a duration, however long: `999999999w` is more than a calendar holds."""
    try:
        return duration_of(text).total_seconds()
    except OverflowError:
        return float("inf")


def find_other_end(manifest: Json) -> str | None:
    """Return why an object has an end of its own already; two would contradict each other."""
    group, kind = str(manifest.get("apiVersion")).rpartition("/")[0], manifest.get("kind")
    if (group, kind) == (GROUP, "Environment"):
        return "an Environment ends by its own spec.ttl: leave it out"
    spec = manifest.get("spec")
    if (group, kind) == ("batch", "Job") and isinstance(spec, dict) and "ttlSecondsAfterFinished" in spec:
        return "this Job ends by its own ttlSecondsAfterFinished: leave one of the two out"
    return None
