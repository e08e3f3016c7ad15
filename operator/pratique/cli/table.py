"""Decides how an inbox reads in a terminal: what waits first, then what is new. Pure; called by `cli.inbox`.

Shows all that is open, and of what has ended only what is new; it says how much else there is.
"""

from collections.abc import Iterable, Sequence

from pratique.cli.layout import ago, labelled, table
from pratique.core.kernel.text import clean
from pratique.core.telling.wording import moment
from pratique.views.rows import Decided, Env, Happened, Inbox, Run, Undelivered, Waiting, Word

_INDENT = "  "
_NONE = "-"


def lines(inbox: Inbox, namespaces: Sequence[str | None], width: int) -> list[str]:
    """Return the lines to print."""
    decided = [row for row in inbox.decided if row.ended_at is None or row.unread]
    runs = [row for row in inbox.runs if not row.ended or row.unread]
    events = [row for row in inbox.events if row.unread]
    tables = (
        ("Decided by you", ("REQUEST", "YOU SAID", "WHEN", "OUTCOME"), [_decided(row, inbox) for row in decided]),
        ("Yours", ("RUN", "PHASE", "CHANGED", "UNTIL", "MESSAGE"), [_run(row, inbox) for row in runs]),
        (
            "Your environments",
            ("ENVIRONMENT", "NAMESPACE", "PHASE", "ENDS", "WARNED", "MESSAGE"),
            [_env(row, inbox) for row in inbox.environments],
        ),
        ("What happened", ("WHEN", "OBJECT", "EVENT", "MESSAGE"), [_event(row, inbox) for row in events]),
    )
    result = [f"{clean(inbox.viewer.username)} in {_where(namespaces)}, with what is new since {moment(inbox.since)}"]
    result += ["", *_waits(inbox, width)]
    for title, columns, rows in tables:
        if rows:
            result += ["", title, *(f"{_INDENT}{line}" for line in table(columns, rows, width - len(_INDENT)))]
    for row in runs:
        if row.accept is not None and row.reject is not None:
            what = f"To accept what an approver offers instead for {row.namespace}/{row.name}, or to reject it:"
            result += ["", what, f"{_INDENT}{row.accept}", f"{_INDENT}{row.reject}"]
    for row in (each for each in runs if each.answer is not None):
        said = labelled([("talk", _thread(row.thread))], width, _INDENT)
        result += ["", f"Asked of you about {row.namespace}/{row.name}:", *said]
        result += ["To answer, in place of the dots:", f"{_INDENT}{row.answer}"]
    back = [row for row in decided if row.take_back is not None]
    if back:
        result += ["", "To take back what you said, or to say another verdict, with your comment in place of the dots:"]
        # to be copied, so these are never wrapped
        result += [f"{_INDENT}{row.take_back}" for row in back]
    mine: tuple[Run | Env, ...] = (*runs, *inbox.environments)
    untold = [pair for row in mine for pair in _untold(row, inbox)]
    if untold:
        result += ["", "Messages that did not arrive", *labelled(untold, width, _INDENT)]
    older = ((len(inbox.runs) - len(runs), "of yours"), (len(inbox.decided) - len(decided), "that you decided"))
    rest = [f"{count} more {whose} ended before then: a longer --since shows them." for count, whose in older if count]
    return [*result, *(line for each in (*rest, *_left_out(inbox)) for line in ("", each))]


def _waits(inbox: Inbox, width: int) -> list[str]:
    if not inbox.waiting:
        return ["Nothing waits for you."]
    blocks = [line for row in inbox.waiting for line in ("", *_waiting(row, inbox, width))]
    return [f"Waits for you: {len(inbox.waiting)}", *blocks[1:]]


def _waiting(row: Waiting, inbox: Inbox, width: int) -> list[str]:
    facts = [
        ("asked by", row.requested_by),
        ("read more", row.url),
        ("reason", row.reason),
        ("asks for", "\n".join(f"{each.title}: {each.value}" for each in row.inputs)),
        ("held because", row.held_because),
        ("asked for" if row.purpose == "Review" else "if approved", "\n".join(row.summary)),
        ("costs", row.cost),
        ("in place of", ", ".join(row.in_place_of)),
        ("approvers", "\n".join(row.found)),
        ("so far", f"{row.approvals} of {row.required} approved; waits for {', '.join(row.waiting_for)}"),
        *(("said", f"{each.by} ({each.verdict}) {each.comment}") for each in row.said),
        ("talk", _thread(row.thread)),
        ("changed", "\n".join(row.changes)),
        ("may be offered", "\n".join(row.may_offer)),
        *_until(row, inbox),
        *(("not told", _failure(each, inbox)) for each in row.undelivered),
    ]
    head = f"{_INDENT}{row.namespace}/{row.run or row.approval}: {row.title}{' (new)' if row.unread else ''}"
    verbs = "sign, or to object" if row.purpose == "Review" else "approve, or to decline"
    how: tuple[str, ...] = (f"To {verbs}, with your comment in place of the dots:", row.approve, row.decline)
    if row.offer is not None:
        how = (*how, "To offer something else, with inputs and your comment in place of the dots:", row.offer)
    if row.thread:
        how = (*how, "To ask more, in place of the dots:", row.ask)
    if row.name_stand_in is not None:
        how = (*how, "To have somebody decide for you, with their user name in place of the dots:", row.name_stand_in)
    # to be copied, so these are never wrapped
    return [head, *labelled(facts, width, _INDENT * 2), *(f"{_INDENT * 2}{line}" for line in how)]


def _thread(words: Sequence[Word]) -> str:
    """Return what was asked and answered, a line each."""
    return "\n".join(f"{each.by} {'answers' if each.answers else 'asks'}: {each.text}" for each in words)


def _until(row: Waiting, inbox: Inbox) -> list[tuple[str, str]]:
    """Return until when a gate may be decided, or a review should be signed."""
    times = (("decide before", row.deadline), ("due", row.due))
    return [(label, f"{moment(when)} ({ago(when, inbox.at)})") for label, when in times if when is not None]


def _decided(row: Decided, inbox: Inbox) -> list[str]:
    became = f" (run: {row.run_phase})" if row.run_phase is not None and row.ended_at is not None else ""
    return [f"{row.namespace}/{row.run or row.approval}", row.verdict, ago(row.at, inbox.at), f"{row.outcome}{became}"]


def _run(row: Run, inbox: Inbox) -> list[str]:
    changed = row.last.at if row.last is not None else row.created_at
    until = _NONE if row.until is None else ago(row.until, inbox.at)
    outputs = "".join(f"; {name}: {text}" for name, text in row.outputs.items())
    return [f"{row.namespace}/{row.name}", row.phase, ago(changed, inbox.at), until, f"{row.message}{outputs}"]


def _env(row: Env, inbox: Inbox) -> list[str]:
    warned = ", ".join(row.warned) or _NONE
    name = f"{row.namespace}/{row.name}"
    return [name, row.target, row.phase, ago(row.ends_at, inbox.at), warned, row.message]


def _event(row: Happened, inbox: Inbox) -> list[str]:
    return [ago(row.at, inbox.at), f"{row.kind.lower()} {row.namespace}/{row.name}", row.event, row.message]


def _untold(row: Run | Env, inbox: Inbox) -> Iterable[tuple[str, str]]:
    return ((f"{row.namespace}/{row.name}", _failure(each, inbox)) for each in row.undelivered)


def _failure(each: Undelivered, inbox: Inbox) -> str:
    to = f" to {each.to}" if each.to is not None else ""
    again = "; it is tried again" if each.state == "Pending" else ""
    return f"{each.event}{to} through {each.channel}, {ago(each.at, inbox.at)}: {each.reason}{again}"


def _left_out(inbox: Inbox) -> list[str]:
    left, counts = inbox.left_out, []
    for count, what in ((left.runs, "ended runs"), (left.decided, "decisions"), (left.events, "lines of history")):
        counts += [f"{count} {what}"] if count else []
    return [f"Only the newest are listed; left out: {', '.join(counts)}."] if counts else []


def _where(namespaces: Sequence[str | None]) -> str:
    names = [name for name in namespaces if name is not None]
    return f"namespace{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else "all namespaces"
