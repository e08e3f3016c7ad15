"""The bounds of what a plan stores of changes, whichever way they are listed: as many, and as long, as the CRD takes. Pure.

Called by `listing`, and by `first_changes` for plans of version 0.1.0, whose fingerprints must come out as they did then.
"""

import hashlib

from pratique.api.v1alpha1.planned import FieldChange
from pratique.core.kernel.text import clean, fit

MAX_CHANGES = 16
MAX_VALUE = 160
_MAX_PATH = 256


def bound(found: list[FieldChange]) -> list[FieldChange]:
    """Return the first changes; of many the rest are counted only, with a fingerprint of them all."""
    if len(found) <= MAX_CHANGES:
        return found
    rest = found[MAX_CHANGES:]
    more = FieldChange(
        path=f"{len(rest)} more fields",
        before=fingerprint("".join(each.path + each.before for each in rest)),
        after=fingerprint("".join(each.after for each in rest)),
    )
    return [*found[:MAX_CHANGES], more]


def bound_path(path: str) -> str:
    """Return the path of a field, cut to what is stored."""
    return fit(clean(path, _MAX_PATH), _MAX_PATH)


def fingerprint(text: str) -> str:
    """Return what stands for a text that is too long to be stored."""
    return f"(sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:16]})"
