"""Attacks on questions: by outsiders, in the name of others, edited, removed, backdated, without end, after the end."""

from typing import Any

from tests.attacks.denials import (
    BORN_TALKING,
    MANAGED,
    MESSAGE,
    NINTH_WORD,
    NO_TALK_IN_REVIEWS,
    NO_TALKER,
    OTHERS_WORDS,
    TALK_ENDED,
    TALK_SEALED,
    TOO_MANY_TALK,
    WORD_ALONE,
    WORD_PAST,
    WORD_TIME,
    crd,
    stamped,
)
from tests.attacks.model import NOW, Attack, Denial, Json, Request, Shows, Twin, create, patch, replacing
from tests.attacks.world import DEVELOPER, LEAD, LEAD_2, MALLORY, SECURITY, STEP, gate

_STAYS = crd(
    "approvals",
    "what was said stays: say something else, and it comes after it (server-side apply needs a field manager of"
    " your own: --field-manager=$USER)",
)


def say(name: str, who: str, text: str = "why ten days?", **entry: Any) -> Request:
    """Return a message by merge patch."""
    return patch(f"approvals/{name}", {"spec": {"messages": {who: {"text": text} | entry}}})


ASKS = Twin("lead-1", "asks something", say("talks", LEAD))
ANSWERS = Twin("developer", "who asks answers", say("talked", DEVELOPER, "it runs over a weekend"))
ASKS_MORE = Twin("lead-1", "asks something else", say("talked", LEAD, "and why now?"))


def talk(
    slug: str,
    who: str,
    what: str,
    answer: Denial | Shows,
    request: Request,
    twin: Twin = ASKS,
    behind: tuple[Denial | Shows, ...] = (),
) -> Attack:
    """Return an attack on what people say."""
    return Attack(slug, 4, who, what, request, answer, twin, behind=behind)


def _forget(live: Json) -> None:
    del live["spec"]["messages"][LEAD]


def _rewrite(live: Json) -> None:
    live["spec"]["messages"][LEAD]["history"] = [{"text": "I never asked", "at": STEP}]


def _claim(live: Json) -> None:
    live["metadata"]["managedFields"].append(
        {
            "apiVersion": "pratique.dev/v1alpha1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:messages": {f"f:{LEAD_2}": {"f:text": {}}}}},
            "manager": "somebody",
            "operation": "Apply",
            "time": STEP,
        }
    )
    live["spec"]["decisions"] = {LEAD: {"verdict": "Undecided"}}


ATTACKS = [
    talk("outsider-asks", "mallory", "somebody who is not asked talks", NO_TALKER, say("talked", MALLORY)),
    talk("excluded-asks", "lead-1", "who is excluded talks as an approver", NO_TALKER, say("talks-out", LEAD)),
    talk("ask-in-anothers-name", "lead-2", "an approver asks in the name of another", OTHERS_WORDS, say("talks", LEAD)),
    talk(
        "answer-in-anothers-name",
        "lead-1",
        "an approver answers in the name of who asks",
        OTHERS_WORDS,
        say("talked", DEVELOPER),
        ANSWERS,
    ),
    talk(
        "put-words-in-a-mouth",
        "developer",
        "who asks for it changes what an approver asked",
        OTHERS_WORDS,
        say("talked", LEAD, "no question"),
        ANSWERS,
    ),
    talk(
        "unask",
        "lead-1",
        "an approver removes what she asked",
        _STAYS,
        replacing("approvals/talked", _forget),
        ASKS_MORE,
        behind=(OTHERS_WORDS,),
    ),
    talk(
        "rewrite-what-was-asked",
        "lead-1",
        "an approver sends another history of what she asked",
        WORD_ALONE,
        replacing("approvals/talked", _rewrite),
        ASKS_MORE,
    ),
    talk(
        "born-with-a-past",
        "lead-1",
        "an approver sends a history with the first word",
        stamped(MESSAGE, f"spec/messages/{LEAD}/history", None),
        say("talks", LEAD, history=[{"text": "as I said", "at": STEP}]),
        behind=(WORD_TIME, WORD_PAST),
    ),
    talk(
        "backdate-a-question",
        "lead-1",
        "an approver sends the time of a question",
        stamped(MESSAGE, f"spec/messages/{LEAD}/at", NOW),
        say("talks", LEAD, at=STEP),
        behind=(WORD_TIME,),
    ),
    talk(
        "ask-the-ninth",
        "lead-1",
        "an approver says a ninth thing",
        NINTH_WORD,
        say("talked-much", LEAD, "and again?"),
        ASKS_MORE,
        behind=(WORD_TIME, WORD_PAST),
    ),
    talk(
        "talk-who-asks-down",
        "lead-1",
        "so many approvers talk that who asks could not answer",
        TOO_MANY_TALK,
        say("talked-by-many", LEAD),
        Twin("developer", "who asks answers", say("talked-by-many", DEVELOPER)),
    ),
    talk(
        "endless-name-in-messages",
        "mallory",
        "somebody writes a user name of a thousand characters into the messages",
        crd("approvals", "a user name in messages may have 253 characters at most"),
        say("talks", "x" * 1000),
        behind=(OTHERS_WORDS,),
    ),
    talk(
        "ask-nothing",
        "lead-1",
        "an approver asks a blank",
        crd("approvals", "a message says something: spec.messages[you].text is blank"),
        say("talks", LEAD, "  "),
    ),
    talk("ask-after-the-seal", "lead-2", "an approver asks what is decided", TALK_SEALED, say("talks-sealed", LEAD_2)),
    talk("ask-after-the-end", "lead-1", "an approver asks what has ended", TALK_ENDED, say("talks-ended", LEAD)),
    talk("ask-in-a-review", "lead-1", "who is to sign a review asks instead", NO_TALK_IN_REVIEWS, say("review", LEAD)),
    talk(
        "open-with-words",
        "operator",
        "the operator's own account opens a gate in which somebody has said something",
        BORN_TALKING,
        create(gate("fresh-words", spec__messages={LEAD: {"text": "yes"}})),
        Twin("operator", "opens it without", create(gate("fresh-words"))),
    ),
    talk(
        "claim-anothers-words",
        "lead-1",
        "an approver claims in advance what a colleague will say",
        MANAGED,
        replacing("approvals/talks", _claim),
        ASKS,
    ),
    talk(
        "stand-in-of-another-gate-asks",
        "security",
        "somebody who stands in for nobody here talks",
        NO_TALKER,
        say("talks", SECURITY),
        Twin("security", "asks where she stands in for a lead", say("talks-lent", SECURITY)),
    ),
]
