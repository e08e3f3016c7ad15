"""Change of mind, for `pratique-decision`: who changes their entry sends a verdict, and the API server keeps what it was.

The stamp moves what somebody said before, with its time and groups, to the end of `decisions[me].history`; the guard
compares with the old object. The time is that of the managedFields entry which owns the very leaf that changed: two tools
of one person may both own the entry, but whoever changes a value takes it from all others.
"""

from pratique.admission.delegating import LOANS
from pratique.admission.language import CANARY, ME, Check
from pratique.api.v1alpha1.decisions import MAX_CHANGES

_MINE, _PRIOR = f"object.spec.decisions[{ME}]", f"oldObject.spec.decisions[{ME}]"


def _differs(mine: str, prior: str) -> str:
    """Return CEL for one entry saying something else than another: sent again, the same is no change."""
    verdict, comment = (
        f"(has({mine}.{field}) ? {mine}.{field} : '') != (has({prior}.{field}) ? {prior}.{field} : '')"
        for field in ("verdict", "comment")
    )
    return f"{verdict} || {comment}"


MINE_CHANGES = f"""
    has(object.spec) && type(object.spec) == map &&
    has(object.spec.decisions) && type(object.spec.decisions) == map &&
    {ME} in object.spec.decisions && type({_MINE}) == map &&
    (request.operation == 'UPDATE'
      ? !(has(oldObject.spec.decisions) && {ME} in oldObject.spec.decisions) || {_differs(_MINE, _PRIOR)}
      : ({CANARY}))
"""
"""Whether the caller says something new in this very request; no schema has checked it yet. A canary may when created."""

_OWNERS = f"""
    object != null && has(object.metadata.managedFields)
    ? object.metadata.managedFields.filter(m,
        has(m.fieldsV1) && 'f:spec' in m.fieldsV1 && 'f:decisions' in m.fieldsV1['f:spec'] &&
        ('f:' + {ME}) in m.fieldsV1['f:spec']['f:decisions'] &&
        variables.leaf in m.fieldsV1['f:spec']['f:decisions']['f:' + {ME}])
    : []
"""
_PAST = """
    variables.me in variables.old
    ? (has(variables.prior.history) ? variables.prior.history : []) + [{
        'verdict': dyn(variables.prior.verdict), ?'comment': variables.prior.?comment,
        ?'decidedAt': variables.prior.?decidedAt, ?'groups': variables.prior.?groups}]
    : []
"""
ENTRY = {
    "old": "oldObject != null && has(oldObject.spec.decisions) ? oldObject.spec.decisions : {}",
    "new": "object != null && has(object.spec.decisions) ? object.spec.decisions : {}",
    "mine": "variables.me in variables.new ? variables.new[variables.me] : {}",
    "prior": "variables.me in variables.old ? variables.old[variables.me] : {}",
    "leaf": """
        (has(variables.mine.verdict) ? variables.mine.verdict : '') !=
        (has(variables.prior.verdict) ? variables.prior.verdict : '') ? 'f:verdict' : 'f:comment'
    """,
    "owners": _OWNERS,
    "past": _PAST,
    **LOANS,
}
"""What stamp and guard both have to know of the caller's entry. Needs `variables.me`.

`owners` are the field managers that set the leaf that changed, `past` is the history that the entry is to have.
"""

DECIDING = f"""
    variables.updating && variables.me in variables.new &&
    (!(variables.me in variables.old) || {_differs("variables.mine", "variables.prior")})
"""
"""Whether the caller decides, or changes what they decided."""

HISTORY = """
    variables.past.size() > 0
    ? [JSONPatch{op: "add", value: variables.past,
                 path: "/spec/decisions/" + jsonpatch.escapeKey(variables.me) + "/history"}]
    : has(variables.mine.history)
    ? [JSONPatch{op: "remove", path: "/spec/decisions/" + jsonpatch.escapeKey(variables.me) + "/history"}]
    : []
"""
"""The part of the stamp that keeps what somebody said before; who decides for the first time has no history."""

HAS_ROOM = f"variables.past.size() <= {MAX_CHANGES}"
"""Whether one more change has room. What has none is not stamped, so that the guard says so, not the schema."""


def stays() -> tuple[Check, ...]:
    """Return the rules that nobody changes what others said, nor anything of their own but verdict and comment."""
    return (
        Check(
            """
            !variables.updating ||
            variables.old.all(k, k in variables.new && (k == variables.me || variables.new[k] == variables.old[k]))
            """,
            "what somebody else decided cannot be changed or removed, nor your own decision be removed: take it back with"
            " the verdict Undecided (server-side apply needs a field manager of your own: --field-manager=$USER)",
        ),
        Check(
            """
            !variables.updating || variables.deciding ||
            !(variables.me in variables.old && variables.me in variables.new) || (
              variables.mine.all(k, k == 'comment' || (k in variables.prior && variables.mine[k] == variables.prior[k])) &&
              variables.prior.all(k, k == 'comment' || k in variables.mine)
            )
            """,
            "time, groups and history of your decision are set by the API server: send verdict and comment alone",
        ),
    )


def kept() -> tuple[Check, ...]:
    """Return the rules of the history: bounded, with each comment, and as the API server keeps it."""
    return (
        Check(
            f"!variables.deciding || {HAS_ROOM}",
            "you have changed your mind three times: what you said last stays",
        ),
        Check(
            """
            !variables.deciding || variables.leaf == 'f:verdict' ||
            (has(variables.mine.comment) && variables.mine.comment != '')
            """,
            "a comment is replaced, not removed: send another one in its place",
        ),
    )


def has_its_history() -> Check:
    """Return the rule that the history is what was there, and nothing else: whoever stamped it."""
    return Check(
        "!variables.deciding || (has(variables.mine.history) ? variables.mine.history : []) == variables.past",
        "the history of a decision is set by the API server: leave it out",
    )
