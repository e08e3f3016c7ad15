"""Questions and answers, for `pratique-decision`: who is asked and who asks talk in a gate, each under their own name.

A message is no decision: it seals nothing, and needs no verb. The API server stamps its time and keeps what somebody said
before, as it does with decisions (`changing`). Once a gate is decided nothing is added to it.
"""

from pratique.admission.asked import is_asker, is_excluded
from pratique.admission.language import ME, Check, Match, Stamp
from pratique.api.v1alpha1.said import MAX_SAYINGS, MAX_TALKERS

NAME = "pratique-message"
_ASKERS = 2
"""So many entries are left for who asks, whoever has talked."""

_MINE, _PRIOR = f"object.spec.messages[{ME}]", f"oldObject.spec.messages[{ME}]"
_SAYS = f"""
    has(object.spec) && type(object.spec) == map &&
    has(object.spec.messages) && type(object.spec.messages) == map &&
    {ME} in object.spec.messages && type({_MINE}) == map && has({_MINE}.text) &&
    (!(has(oldObject.spec.messages) && {ME} in oldObject.spec.messages) || {_MINE}.text != {_PRIOR}.text)
"""
"""Whether the caller says something in this very request; no schema has checked it yet."""

_ENTRY = {
    "saidBefore": "oldObject != null && has(oldObject.spec.messages) ? oldObject.spec.messages : {}",
    "saidNow": "object != null && has(object.spec.messages) ? object.spec.messages : {}",
    "word": "variables.me in variables.saidNow ? variables.saidNow[variables.me] : {}",
    "wordBefore": "variables.me in variables.saidBefore ? variables.saidBefore[variables.me] : {}",
    "wordOwners": """
        object != null && has(object.metadata.managedFields)
        ? object.metadata.managedFields.filter(m,
            has(m.fieldsV1) && 'f:spec' in m.fieldsV1 && 'f:messages' in m.fieldsV1['f:spec'] &&
            ('f:' + variables.me) in m.fieldsV1['f:spec']['f:messages'] &&
            'f:text' in m.fieldsV1['f:spec']['f:messages']['f:' + variables.me])
        : []
    """,
    "pastWords": """
        variables.me in variables.saidBefore
        ? (has(variables.wordBefore.history) ? variables.wordBefore.history : []) + [{
            'text': dyn(variables.wordBefore.text), ?'at': variables.wordBefore.?at}]
        : []
    """,
}
_HAS_ROOM = f"variables.pastWords.size() < {MAX_SAYINGS}"


def message_stamp() -> Stamp:
    """Return what stamps a message with its time, and keeps what was said before."""
    path = '"/spec/messages/" + jsonpatch.escapeKey(variables.me)'
    return Stamp(
        NAME,
        Match(("approvals",), ("UPDATE",)),
        {"says-something": _SAYS},
        {"me": ME, **_ENTRY},
        f"""
        variables.wordOwners.size() == 1 && {_HAS_ROOM}
        ? [JSONPatch{{op: "add", path: {path} + "/at", value: variables.wordOwners[0].time}}] +
          (variables.pastWords.size() > 0
           ? [JSONPatch{{op: "add", path: {path} + "/history", value: variables.pastWords}}]
           : has(variables.word.history) ? [JSONPatch{{op: "remove", path: {path} + "/history"}}] : [])
        : []
        """,
    )


VARIABLES = {
    **_ENTRY,
    "saying": """
        variables.updating && variables.me in variables.saidNow &&
        (!(variables.me in variables.saidBefore) || variables.word.text != variables.wordBefore.text)
    """,
    "asksForIt": f"object != null && {is_asker('variables.me')}",
}
"""What the rules below share. Needs `me`, `updating`, and the variables of stand-ins."""


def talking() -> tuple[Check, ...]:
    """Return the rules of saying something."""
    return (*_own(), *_who_and_when(), *_stamped())


def _own() -> tuple[Check, ...]:
    return (
        Check("!variables.creating || variables.saidNow.size() == 0", "an Approval starts without messages"),
        Check(
            """
            !variables.updating || (
              variables.saidBefore.all(k, k in variables.saidNow &&
                (k == variables.me || variables.saidNow[k] == variables.saidBefore[k])) &&
              variables.saidNow.all(k, k == variables.me || k in variables.saidBefore))
            """,
            "you say something under your own user name only, spec.messages[you], and what was said stays (server-side"
            " apply needs a field manager of your own: --field-manager=$USER)",
        ),
    )


def _who_and_when() -> tuple[Check, ...]:
    return (
        Check(
            f"""
            !variables.saying || variables.asksForIt || (!({is_excluded("variables.me")}) && (
              variables.me in variables.users || variables.loanGroups.exists(g, g in variables.listed) ||
              variables.later.exists(s, (has(s.to.users) && variables.me in s.to.users) ||
                (has(s.to.groups) && variables.loanGroups.exists(g, g in s.to.groups))) ||
              variables.lentBefore.exists(k, variables.lentBefore[k].to == variables.me)))
            """,
            "only who asks, who is asked, and their stand-ins talk here: spec.requestedBy, spec.policy.approvers",
        ),
        Check(
            "!variables.saying || !variables.signing",
            "a review is signed or objected to, with a comment: nobody asks in it",
        ),
        Check(
            "!variables.saying || variables.state == 'Pending'",
            "this Approval has ended: nobody answers here any more",
        ),
        Check(
            "!variables.saying || variables.sealed == ''",
            "this Approval is decided: there is nothing to ask any more",
        ),
        Check(
            f"!variables.saying || {_HAS_ROOM}",
            f"you have said {MAX_SAYINGS} things here, and there is room for no more: talk elsewhere, or decide",
        ),
        Check(
            f"""
            !variables.saying || variables.asksForIt || variables.me in variables.saidBefore ||
            variables.saidBefore.size() < {MAX_TALKERS - _ASKERS}
            """,
            f"{MAX_TALKERS - _ASKERS} people talk here, and what is left is for who asks: let one of them ask for you",
        ),
    )


def _stamped() -> tuple[Check, ...]:
    return (
        Check(
            """
            !variables.updating || variables.saying || !(variables.me in variables.saidBefore) ||
            !(variables.me in variables.saidNow) || variables.word == variables.wordBefore
            """,
            "time and history of a message are set by the API server: send text alone",
        ),
        Check(
            """
            !variables.saying || (variables.wordOwners.size() == 1 && has(variables.word.at) &&
              variables.word.at == variables.wordOwners[0].time)
            """,
            "the time of a message is set by the API server: do not send it, nor managedFields",
        ),
        Check(
            "!variables.saying || (has(variables.word.history) ? variables.word.history : []) == variables.pastWords",
            "the history of messages is set by the API server: leave it out",
        ),
    )
