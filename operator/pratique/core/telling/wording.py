"""The sentences that people read about gates and ends. One place, so that status, Events and chat say the same."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState, GatePolicy
from pratique.api.v1alpha1.break_glass import BreakGlass
from pratique.api.v1alpha1.counter_offer import OfferedValues
from pratique.api.v1alpha1.decisions import Verdict
from pratique.api.v1alpha1.escalation import Added, TimedStep
from pratique.api.v1alpha1.found import FoundPeople
from pratique.api.v1alpha1.stages import Approvers, GroupCount, RuleApprovers, Stage
from pratique.core.kernel.text import clean

NOT_ACCEPTED = "The requester did not accept what was offered instead"


def moment(when: datetime) -> str:
    """Return a moment as people read it: `2026-11-24 14:00 UTC`, with seconds where there are some."""
    text = when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return text.replace(":00 UTC", " UTC")


def approvers_phrase(approvers: Approvers | Added) -> str:
    """Return who may decide: `lead@example.com, group platform-leads`."""
    names = [*sorted(approvers.users), *(f"group {group}" for group in sorted(approvers.groups))]
    if isinstance(approvers, RuleApprovers):  # as an Action has it: whom they name is known for a request only
        names += [f"whom {each.kind} {each.name} names" for each in approvers.from_ or ()]
    return ", ".join(names)


def say_found(found: Iterable[FoundPeople]) -> str:
    """Return which objects name whom: `Namespace team-a names lead@example.com`."""
    return ", ".join(f"{_object(each)} names {_named(each)}" for each in found)


def _object(found: FoundPeople) -> str:
    return f"{found.kind} {found.namespace}/{found.name}" if found.namespace else f"{found.kind} {found.name}"


def _named(found: FoundPeople) -> str:
    return ", ".join([*found.users, *(f"group {group}" for group in found.groups)]) or "nobody"


def groups_phrase(counts: Iterable[tuple[str, int]]) -> str:
    """Return how many of which groups: `2 of group security and 1 of group ops`."""
    return " and ".join(f"{count} of group {group}" for group, count in counts)


def rule_phrase(approvers: Approvers, needed: int, require_from: list[GroupCount] | None = None) -> str:
    """Return one rule: `2 of lead@example.com, group ops, of them 1 of group security`."""
    groups = groups_phrase((each.group, each.count) for each in require_from or ())
    return f"{needed} of {approvers_phrase(approvers)}" + (f", of them {groups}" if groups else "")


def stage_phrase(stage: Stage) -> str:
    """Return who must approve a stage: one of its rules is enough; and who may do so later, if nobody has decided."""
    rules = " or ".join(rule_phrase(each.approvers, each.needed, each.require_from) for each in stage.ways)
    later = [f"after {each.after} also {approvers_phrase(each.to)}" for each in stage.escalation or () if each.to]
    return f"{rules} ({', '.join(later)})" if later else rules


def policy_phrase(policy: GatePolicy) -> str:
    """Return who must approve a gate: one of its rules is enough; and who may do so from when on."""
    rules = " or ".join(rule_phrase(each.approvers, each.required, each.require_from) for each in policy.ways)
    later = (_adds(step) for step in policy.escalation or () if step.to)
    return "; ".join((rules, *later, *((glass_phrase(policy.break_glass),) if policy.break_glass else ())))


def glass_phrase(glass: BreakGlass) -> str:
    """Return who may break the glass: `group sre-oncall may break the glass`."""
    names = [*sorted(glass.users), *(f"group {group}" for group in sorted(glass.groups))]
    return f"{', '.join(names)} may break the glass"


def say_waiting(policy: GatePolicy, missing: str, now: datetime) -> str:
    """Return on whom a gate waits until when, and who may decide as well from when on."""
    later = [step for step in policy.escalation or () if step.to and step.at > now]
    return "; ".join((f"Waiting for {missing} until {moment(policy.until)}", *map(_adds, later[:1])))


def _adds(step: TimedStep) -> str:
    return f"from {moment(step.at)} also {approvers_phrase(step.to)}" if step.to is not None else ""


def approval_phrase(action: Action) -> str:
    """Return an Action's gates in one phrase, for `kubectl get actions`."""
    phrases = []
    for stage in action.spec.approval.stages:
        when = "" if stage.when == "true" else f", if {stage.when}"
        phrases.append(f"{stage_phrase(stage)}{when}")
    return clean("; then ".join(phrases) or "none", 512)


def say_held(stage: Stage, deadline: datetime, place: str = "", found: Iterable[FoundPeople] = ()) -> str:
    """Return why a run is held, on whom it waits and until when; `place` says which of several stages it is.

    `found` are the objects that named them.
    """
    why = f": {clean(stage.message, 512)}" if stage.message else ""
    waiting, named = f"{place}: waiting" if place else "Waiting", say_found(found)
    by = f" ({clean(named, 512)})" if named else ""
    return f"{waiting} for {stage_phrase(stage)}{by} until {moment(deadline)}{why}"


def say_place(stages: Sequence[Stage], index: int) -> str:
    """Return which of several stages one is: `Stage security, 2 of 2`; of a single one there is nothing to say."""
    return f"Stage {stages[index].name}, {index + 1} of {len(stages)}" if len(stages) > 1 else ""


def say_suspended(action: str) -> str:
    """Return why an Action that is suspended starts nothing."""
    return f"The Action {action} is suspended: ask again when it takes requests"


def say_range(offered: OfferedValues) -> str:
    """Return what may be offered for an input: `3d, 5d`, or `1 to 4`."""
    if offered.values is not None:
        return ", ".join(offered.values)
    return f"{offered.minimum:g} to {offered.maximum:g}"


def say_too_late(spec: ApprovalSpec) -> str:
    """Return why a gate has expired: nobody decided, or who asks never accepted what was offered."""
    until = moment(spec.policy.until)
    if spec.is_accepted:
        return f"Nobody decided before {until}"
    return f"What was offered instead was not both approved and accepted before {until}"


def say_ended(approval: Approval) -> str:
    """Return how a gate ended, for the requester."""
    status = approval.status
    last = status.decisions[-1] if status.decisions else None
    said = f": {clean(last.comment, 1024)}" if last and last.comment else ""
    match status.state:
        case ApprovalState.APPROVED if approval.spec.is_review:
            return f"Signed by {_who(approval, Verdict.APPROVE)}{said}"
        case ApprovalState.DECLINED if approval.spec.is_review:
            return f"Objected to by {_who(approval, Verdict.DECLINE)}{said}"
        case ApprovalState.BROKEN:
            return f"{_who(approval, Verdict.BREAK_GLASS)} broke the glass{said}"
        case ApprovalState.APPROVED:
            return f"Approved by {_who(approval, Verdict.APPROVE)}{said}"
        case ApprovalState.DECLINED:
            return f"Declined by {_who(approval, Verdict.DECLINE)}{said}"
        case ApprovalState.EXPIRED:
            return f"{say_too_late(approval.spec)}: the request expired, it was not declined"
        case ApprovalState.WITHDRAWN:
            return NOT_ACCEPTED if approval.spec.is_rejected else "The requester took it back"
        case ApprovalState.OFFERED:
            return f"{_who(approval, Verdict.OFFER)} offers something else{said}"
        case ApprovalState.SUPERSEDED:
            return status.message
        case _:
            return "Waiting for a decision"


def _who(approval: Approval, verdict: Verdict) -> str:
    names = [decision.author for decision in approval.status.decisions if decision.verdict is verdict]
    return ", ".join(names) or "an approver"
