"""Who says no, in which words: one name per rule, so that an attack names the rule that it is about."""

from tests.attacks.model import Denial, Shows

_OPERATOR = "system:serviceaccount:pratique-system:pratique"

REQUESTER, DECISION, ACTION = "pratique-requester", "pratique-decision", "pratique-action"
ENVIRONMENT, STATUS, LEASH = "pratique-environment", "pratique-status", "pratique-operator"
DELEGATION = "pratique-delegation"
MESSAGE = "pratique-message"
AWAY, AWAY_CHAIN = "pratique-away", "pratique-away-chain"
STAMP = "stamp"
"""The rule of a mutating policy."""

# -- messages, in pratique-decision ------------------------------------------------------------------------------------
BORN_TALKING = Denial("pratique-decision", "an Approval starts without messages")
OTHERS_WORDS = Denial(
    "pratique-decision",
    "you say something under your own user name only, spec.messages[you], and what was said stays (server-side apply"
    " needs a field manager of your own: --field-manager=$USER)",
)
NO_TALKER = Denial(
    "pratique-decision",
    "only who asks, who is asked, and their stand-ins talk here: spec.requestedBy, spec.policy.approvers",
)
NO_TALK_IN_REVIEWS = Denial("pratique-decision", "a review is signed or objected to, with a comment: nobody asks in it")
TALK_ENDED = Denial("pratique-decision", "this Approval has ended: nobody answers here any more")
TALK_SEALED = Denial("pratique-decision", "this Approval is decided: there is nothing to ask any more")
NINTH_WORD = Denial(
    "pratique-decision", "you have said 8 things here, and there is room for no more: talk elsewhere, or decide"
)
TOO_MANY_TALK = Denial(
    "pratique-decision", "14 people talk here, and what is left is for who asks: let one of them ask for you"
)
WORD_ALONE = Denial("pratique-decision", "time and history of a message are set by the API server: send text alone")
WORD_TIME = Denial(
    "pratique-decision", "the time of a message is set by the API server: do not send it, nor managedFields"
)
WORD_PAST = Denial("pratique-decision", "the history of messages is set by the API server: leave it out")

# -- pratique-away -----------------------------------------------------------------------------------------------------
FORGED_OWNER = Denial(
    AWAY, "spec.from is set by the API server to the authenticated caller: leave it out of the manifest"
)
MACHINE_AWAY = Denial(AWAY, "a machine is never away, and names no stand-in")
SELF_AWAY = Denial(AWAY, "you cannot stand in for yourself: name somebody else in spec.to")
AWAY_MARKS = Denial(
    AWAY,
    "a Delegation has no finalizers, no ownerReferences, and no labels or annotations of pratique.dev: leave them out",
)
AWAY_OVER = Denial(AWAY, "until is over already: name a moment after now in spec.until")
AWAY_LONG = Denial(
    AWAY, "until is more than 60 days from now: your groups are kept as they are today, so make it earlier"
)
AWAY_CHANGED = Denial(
    AWAY,
    "only who made a Delegation changes it",
    "only who made this Delegation, lead-1@example.com, changes it",
)
AWAY_HELD = Denial(AWAY, "finalizers and ownerReferences of a Delegation stay as they are: deleting it must end it")
AWAY_DELETED = Denial(
    AWAY,
    "only who made a Delegation deletes it, or who holds the RBAC verb withdraw on delegations.pratique.dev",
    "only who made this Delegation, lead-1@example.com, deletes it, or who holds the RBAC verb withdraw on"
    " delegations.pratique.dev",
)
AWAY_ROOM = Denial(
    AWAY, "the metadata of a Delegation is longer than 327680 characters: nothing would be left for its status"
)
AWAY_TWICE = Denial(
    AWAY_CHAIN,
    "you are away already at that time: delete your other Delegation, or shorten it",
    "you are away already at that time: delete your other Delegation, holiday, or shorten it",
)
AWAY_AS_WELL = Denial(
    AWAY_CHAIN,
    "whom you name is away as well at that time, and nothing is handed on: name somebody else",
    "lead-1@example.com is away as well at that time, and nothing is handed on: name somebody else",
)

# -- pratique-requester ------------------------------------------------------------------------------------------------
FORGED = Denial(
    REQUESTER, "spec.requestedBy is set by the API server to the authenticated caller: leave it out of the manifest"
)
DEEP = Denial(REQUESTER, "spec.inputs is nested deeper than 12 levels: make it flatter")
BORN_WITHDRAWN = Denial(REQUESTER, "spec.withdrawn takes a waiting run back: a new run cannot start with it")
RUN_MARKS = Denial(
    REQUESTER,
    "labels, annotations and finalizers of pratique.dev on an ActionRun belong to the operator: leave them out",
)
NOT_BACK = Denial(REQUESTER, "withdrawn cannot be taken back: create another ActionRun")
NOT_YOURS = Denial(
    REQUESTER,
    "only the requester may withdraw a run",
    "only the requester, developer@example.com, may withdraw this run",
)
RUN_OWNERS = Denial(
    REQUESTER, "ownerReferences of an ActionRun cannot be changed: the garbage collector would delete by them"
)


RUN_KEPT = Denial(REQUESTER, "the operator changes nothing of an ActionRun but the finalizer pratique.dev/ends-objects")
RUN_ROOM = Denial(
    REQUESTER,
    "the metadata of an ActionRun is longer than 327680 characters: nothing would be left for its status",
)
ON_BEHALF = Denial(
    REQUESTER,
    "spec.onBehalfOf is for the submitters that the installation names (chart value submitters): leave it out",
    "developer@example.com may not ask on behalf of others: spec.onBehalfOf is for the submitters that the installation"
    " names (chart value submitters), so leave it out",
)


def one_shot(fields: str) -> Denial:
    """Return the answer to who changes these fields of a run."""
    return Denial(
        REQUESTER,
        "a run is one execution, so its spec cannot be changed, but for withdrawn: create another ActionRun",
        f"{fields} cannot be changed: a run is one execution; create another ActionRun",
    )


def not_your_record(phase: str) -> Denial:
    """Return the answer to who deletes another's run after its end."""
    record = "or who holds the RBAC verb withdraw on its Action: it is the record of what was asked for"
    return Denial(
        REQUESTER,
        f"only the requester may delete a run that has ended, {record}",
        f"only the requester, developer@example.com, may delete this run, which is {phase}, {record}",
    )


def not_yours_to_delete(phase: str) -> Denial:
    """Return the answer to who deletes another's run before its end."""
    return Denial(
        REQUESTER,
        "only the requester may delete a run that has not ended: that would withdraw it",
        f"only the requester, developer@example.com, may delete this run while it is {phase}: that would withdraw it",
    )


def may_not_run(who: str, action: str = "berth") -> Denial:
    """Return the answer to somebody without the verb run."""
    return Denial(
        REQUESTER,
        "you may not run this Action: it needs the RBAC verb run on actions.pratique.dev",
        f"{who} may not run Action {action} in namespace harbour: it needs the RBAC verb run on actions.pratique.dev",
    )


def not_waiting(phase: str) -> Denial:
    """Return the answer to who withdraws a run that does not wait."""
    return Denial(
        REQUESTER,
        "only a waiting run can be withdrawn",
        f"only a waiting run can be withdrawn; this one is {phase}",
    )


# -- pratique-decision -------------------------------------------------------------------------------------------------
PENDING = Denial(
    DECISION,
    "a pending Approval cannot be deleted: withdraw its run, or it where it has none (spec.withdrawn), or decline",
)
OPENED = Denial(
    DECISION,
    "only the operator opens the gate of a run: create an ActionRun, or leave kind out and give a title instead",
)
OPENED_BY_ANOTHER = Denial(DECISION, FORGED.rule)
NAME_OF_A_RUN = Denial(
    DECISION,
    "names that end in - and ten hexadecimal digits belong to the gates of runs: choose another, or generateName",
)
BARE = Denial(
    DECISION,
    "an Approval is the record of what was decided: it has no finalizers, no ownerReferences, and no labels or"
    " annotations of pratique.dev; leave them out",
)
TIMEOUT = Denial(DECISION, "an Approval without a run needs spec.policy.timeout, such as 24h: 90d at most")
DEADLINE_STAMPED = Denial(
    DECISION, "spec.policy.deadline is set by the API server, from spec.policy.timeout: leave it out of the manifest"
)
NEVER = Denial(
    DECISION,
    "this could never be approved: spec.policy.required is larger than the number of spec.policy.approvers.users"
    " who may decide, and who asks or is excluded may not",
)
OF_NO_GROUP = Denial(
    DECISION,
    "each group of spec.policy.requireFrom must be one of spec.policy.approvers.groups, and its count no larger"
    " than spec.policy.required",
)
BY_ITS_RUN = Denial(DECISION, "a gate of a run is withdrawn by its run: spec.withdrawn of the ActionRun")
GATE_NOT_BACK = Denial(DECISION, "withdrawn cannot be taken back: create another Approval")
NOT_YOUR_GATE = Denial(
    DECISION,
    "only who created an Approval may withdraw it, or who holds the RBAC verb withdraw on approvals.pratique.dev",
)
GATE_NOT_OPEN = Denial(
    DECISION, "only an open Approval can be withdrawn", "only an open Approval can be withdrawn; this one is Approved"
)
BORN_DECIDED = Denial(DECISION, "an Approval starts without decisions")
FROZEN = Denial(
    DECISION, "what is being approved, by whom and until when is frozen: only spec.decisions[you] may be added"
)
GATE_MARKS = Denial(
    DECISION,
    "labels, annotations, finalizers and ownerReferences of an Approval belong to the operator:"
    " only spec.decisions[you] may be added",
)
TAKES_NO_PART = Denial(
    DECISION,
    "an Approval is changed only by who decides, names a stand-in, says something, answers a counter-offer or withdraws"
    " it, and not by empty fields",
)
RESTORED_RUN = Denial(
    REQUESTER,
    "this run comes out of a backup (label velero.io/restore-name): what was asked for then is not done a second time."
    " Leave runs out of the restore, and ask again for what is still needed",
)
RESTORED_ENVIRONMENT = Denial(
    ENVIRONMENT,
    "this Environment comes out of a backup (label velero.io/restore-name): its time would begin anew. Leave Environments"
    " out of the restore, make a new one, and restore into its namespace",
)
RESTORED_BINDING = Denial(
    LEASH,
    "a run made this binding (label pratique.dev/run-uid), and it comes out of a backup (label velero.io/restore-name):"
    " whoever it let in would be let in again. Leave it out of the restore, and ask again",
)
MANAGED = Denial(DECISION, "managedFields of an Approval belong to the API server: send your decision and nothing else")
RECORDED = Denial(
    DECISION,
    "what somebody else decided cannot be changed or removed, nor your own decision be removed: take it back with"
    " the verdict Undecided (server-side apply needs a field manager of your own: --field-manager=$USER)",
)
UNCHANGED = Denial(
    DECISION, "time, groups and history of your decision are set by the API server: send verdict and comment alone"
)
TOO_OFTEN = Denial(DECISION, "you have changed your mind three times: what you said last stays")
REPLACED = Denial(DECISION, "a comment is replaced, not removed: send another one in its place")
HISTORY_STAMPED = Denial(DECISION, "the history of a decision is set by the API server: leave it out")
OWN_REQUEST = Denial(DECISION, "you cannot decide your own request")
FOR_YOU = Denial(DECISION, "you cannot decide a request that was made on your behalf")
EXCLUDED = Denial(
    DECISION,
    "you cannot decide this stage: you decided an earlier one of this request, or its rule excludes you"
    " (spec.excluded); it needs somebody else",
)
ONCE = Denial(DECISION, "you have decided, under your name in other letter case: one person counts once")
MACHINE = Denial(DECISION, "a ServiceAccount decides only where the policy lists it by its exact name")
NO_GLASS = Denial(
    DECISION, "this Approval has no break-glass: it is decided by its approvers (spec.policy.breakGlass is empty)"
)
NO_OFFERS = Denial(
    DECISION,
    "this Approval takes no counter-offer: its rule names no input for which others may be offered"
    " (spec.policy.counterOffer is empty)",
)
OUTSIDE_OF_OFFERS = Denial(
    DECISION,
    "a counter-offer names only inputs of spec.policy.counterOffer, and only values that it lists: texts as they are"
    " there, numbers of its range",
)
ASKER_ACCEPTS = Denial(
    DECISION, "only who asks accepts a counter-offer or rejects it, under their own name: spec.consent.by"
)
NOTHING_TO_ACCEPT = Denial(DECISION, "this Approval has ended: there is nothing to accept any more")
ACCEPTED_LATE = Denial(
    DECISION,
    "the deadline has passed, or managedFields were sent: a counter-offer is accepted before spec.policy.deadline",
)
OWN_GLASS = Denial(
    DECISION, "you cannot break the glass for your own request: spec.policy.breakGlass.requester forbids it"
)
AGAINST_A_DECLINE = Denial(
    DECISION,
    "no glass is broken against a decline: ask who declined, or let the others decide",
    "no glass is broken against the decline of lead-1@example.com: ask who declined, or let the others decide",
)
NOBODY_LEFT = Denial(
    DECISION,
    "nobody would be left to review it: decide it as an approver, if you are one, or let somebody else of"
    " spec.policy.breakGlass break it",
)
FOR_ONESELF = Denial(
    DECISION,
    "the glass is broken for oneself alone; you speak for somebody here, so another of spec.policy.breakGlass must",
)
REVIEW_STAYS = Denial(
    DECISION,
    PENDING.rule,
    "a review cannot be deleted before somebody has signed it, or objected: spec.decisions[you], by one of those who were"
    " skipped",
)
HAS_DECIDED_FOR_YOU = RECORDED
OWN_STAND_IN = Denial(
    DECISION,
    "a stand-in is named under your own user name only: spec.delegations[you] (server-side apply needs a field"
    " manager of your own: --field-manager=$USER)",
)
STAND_IN_STAYS = Denial(
    DECISION,
    "your stand-in has decided: the delegation stays as the record of it; decide yourself, and your word counts",
)
LOAN_ENDED = Denial(DECISION, "this Approval has ended: nobody stands in any more")
LOAN_SEALED = Denial(DECISION, "this Approval is decided: stand-ins stay as the record of it")
NO_STAND_INS = Denial(DECISION, "this gate takes no stand-ins: its rule does not say delegation: Allow")
MACHINE_NAMES = Denial(DECISION, "a machine names no stand-in")
NAMES_NONE = Denial(DECISION, "only who is an approver themselves names a stand-in: a stand-in names none")
OUT_NAMES = Denial(
    DECISION, "you may not decide this yourself, so nobody can for you: you asked for it, or spec.excluded names you"
)
UNVERBED_NAMES = Denial(
    DECISION,
    "you may not approve this Action, so nobody can for you: it needs the RBAC verb approve on actions.pratique.dev",
)
UNVERBED_NAMES_ALONE = Denial(
    DECISION,
    "you may not decide this Approval, so nobody can for you: it needs the RBAC verb approve on approvals.pratique.dev",
)
NAMES_TOO_LATE = Denial(
    DECISION,
    "nobody decides this any more when the stand-in would begin: name one, and notBefore, before spec.policy.deadline",
)
STAND_IN_IS_MACHINE = Denial(DECISION, "a stand-in is a person: user names of the system (system:…) are none")
BLANK_STAND_IN = Denial(DECISION, "a stand-in needs a name: spec.delegations[you].to is blank")
NOT_YOURSELF = Denial(DECISION, "you cannot stand in for yourself: name somebody else in spec.delegations[you].to")
ASKING_STAND_IN = Denial(DECISION, "who asks cannot be a stand-in: nobody decides their own request")
EXCLUDED_STAND_IN = Denial(
    DECISION,
    "who decided an earlier stage, or is excluded by the rule, cannot be a stand-in (spec.excluded): name somebody else",
)
OLD_UNTIL = Denial(DECISION, "until is over already: name a moment after now in spec.delegations[you].until")
TOO_LONG = Denial(DECISION, "a stand-in may decide for 60 days at most: make until earlier")
UNLENT = Denial(
    DECISION, "time and groups of a delegation are set by the API server: send to, until and notBefore alone"
)
LOAN_SOURCE = Denial(
    DECISION, "source says which Delegation the operator copied: to replace a copy send source: null with it"
)
LOAN_TIME = Denial(
    DECISION,
    "the time of a delegation is set by the API server: do not send it, nor managedFields; notBefore is replaced,"
    " not removed",
)
LOAN_GROUPS = Denial(DECISION, "the groups of a delegation are set by the API server: leave them out")
FOR_WHOM_STAYS = Denial(
    DECISION, "whom a decision is for cannot be changed: a person has one vote, for themselves or for one other"
)
OUT_FOR = Denial(
    DECISION, "nobody decides for who asks, nor for who decided an earlier stage or is excluded (spec.excluded)"
)
HAS_SPOKEN = Denial(DECISION, "the one for whom you stand in has decided: their own word counts")
SAME_PERSON = Denial(DECISION, "somebody has decided for the same person: one person counts once")
TIME_STAMPED = Denial(DECISION, "decidedAt is set by the API server: do not send it, nor managedFields")
GROUPS_STAMPED = Denial(DECISION, "the groups of a decision are set by the API server: leave them out")
LATE = Denial(DECISION, "the deadline has passed", "the deadline 2020-01-01T00:00:00Z has passed")
ENDED = Denial(DECISION, "this Approval has ended", "this Approval has ended: Approved")


ONLY_GROWS = Denial(
    "crd/approvals",
    "the history of decisions only grows: take yours back with the verdict Undecided"
    " (server-side apply needs a field manager of your own: --field-manager=$USER)",
)
"""The second layer, beside the field: it holds without the policy."""


def not_its_creators(fields: str) -> Denial:
    """Return the answer to who fills in what only the operator does."""
    return Denial(
        DECISION,
        "an Approval without a run has fields that only the operator fills in: leave them out",
        f"an Approval without a run has no {fields}: only the operator fills that in; leave it out",
    )


def may_not_decide(who: str, gate: str) -> Denial:
    """Return the answer to who is listed in a gate without a run and has no verb for it."""
    return Denial(
        DECISION,
        "you may not decide an Approval without a run: it needs the RBAC verb approve on approvals.pratique.dev",
        f"{who} may not decide Approval {gate} in namespace harbour: it needs the RBAC verb approve on"
        " approvals.pratique.dev",
    )


def sealed(how: str) -> Denial:
    """Return the answer to who decides what is decided, before the operator has looked."""
    return Denial(
        DECISION,
        "this Approval is decided: no further decision is taken",
        f"this Approval is decided: {how}; no further decision is taken",
    )


def a_record(who: str, state: str = "Approved") -> Denial:
    """Return the answer to who deletes an Approval that has ended."""
    verb = "goes with its namespace, or by who holds the RBAC verb purge on approvals.pratique.dev"
    return Denial(
        DECISION,
        f"an Approval is the record of what was decided: it {verb}",
        f"{who} may not delete this Approval, which is {state}: it is the record of what was decided, and {verb}",
    )


def own_name(who: str) -> Denial:
    """Return the answer to who writes under another's name."""
    return Denial(
        DECISION,
        "a decision can be recorded only under your own user name",
        f"a decision can be recorded only under your own user name: {who}",
    )


def no_stand_in(who: str, principal: str = "lead-1@example.com") -> Denial:
    """Return the answer to who decides for somebody who has not named them, or not for now."""
    return Denial(
        DECISION,
        "you are no stand-in of that person here and now: spec.delegations says who is, from when and until when",
        f"{who} is no stand-in of {principal} here and now: spec.delegations says who is, from when and until when",
    )


def not_listed(who: str, gate: str = "gate", approvers: str = "group platform-leads") -> Denial:
    """Return the answer to who is not asked."""
    return Denial(
        DECISION,
        "you are not an approver: spec.policy.approvers says who is, and spec.policy.escalation who is later",
        f"{who} is not an approver of {gate}; approvers are: {approvers}",
    )


def not_in_glass(who: str) -> Denial:
    """Return the answer to who breaks the glass and is not on call."""
    return Denial(
        DECISION,
        "you may not break the glass of this Approval: spec.policy.breakGlass says who may",
        f"{who} may not break the glass of glass; who may: lead-1@example.com, group sre-oncall",
    )


def may_not_break(who: str) -> Denial:
    """Return the answer to who is listed, without the verb break-glass."""
    return Denial(
        DECISION,
        "you may not break the glass of this Action: it needs the RBAC verb break-glass on actions.pratique.dev",
        f"{who} may not break the glass of Action create-environment in namespace harbour:"
        " it needs the RBAC verb break-glass on actions.pratique.dev",
    )


def may_not_approve(who: str) -> Denial:
    """Return the answer to who is listed, without the verb approve."""
    return Denial(
        DECISION,
        "you may not approve this Action: it needs the RBAC verb approve on actions.pratique.dev",
        f"{who} may not approve Action create-environment in namespace harbour:"
        " it needs the RBAC verb approve on actions.pratique.dev",
    )


def may_not_sign(who: str) -> Denial:
    """Return the answer to who is asked for a review, and holds neither of the verbs."""
    verbs = "it needs one of the RBAC verbs approve and break-glass on actions.pratique.dev"
    return Denial(
        DECISION,
        f"you may not sign this review: {verbs}",
        f"{who} may not sign the review of Action create-environment in namespace harbour: {verbs}",
    )


# -- the smaller policies ----------------------------------------------------------------------------------------------
ONLY_OPERATOR = Denial(STATUS, "only the operator writes the status")
LEASHED = Denial(
    LEASH,
    "the operator makes, fills and deletes only namespaces of Environments (label pratique.dev/environment-uid)",
)
LABEL_IS_OURS = Denial(
    LEASH,
    "the label pratique.dev/environment-uid says which namespace ends with an Environment: only the operator sets it,"
    " when it makes one",
)
ACTION_OWNERS = Denial(
    ACTION, "ownerReferences of an Action are changed by those who may delete it: the garbage collector would"
)
ENVIRONMENT_OWNERS = Denial(
    ENVIRONMENT,
    "ownerReferences of an Environment are changed by those who may end it (RBAC verb end on environments): the garbage"
    " collector would",
)
ENVIRONMENT_ROOM = Denial(
    ENVIRONMENT,
    "the metadata of an Environment is longer than 327680 characters: nothing would be left for its status",
)
DEEP_TEMPLATE = Denial(
    ACTION, "a template is nested deeper than 32 levels, or has a list of over 1000: make it flatter"
)
DEEP_SCHEMA = Denial(
    ACTION, "spec.inputs.schema is nested deeper than 32 levels, or has a list of over 1000: make it flatter"
)
ENVIRONMENT_MARKS = Denial(
    ENVIRONMENT, "labels, annotations and finalizers of pratique.dev on an Environment belong to the operator"
)
OWN_NAMESPACE = Denial(ENVIRONMENT, "spec.target.namespace.name is the operator's own namespace: choose another")


TIME_IS_UP = Denial(
    ENVIRONMENT,
    "its time is up, or it is being deleted, so a ttl changes nothing any more: create another Environment",
    "the time of Environment past is up (ttl 1s), so a ttl changes nothing any more: create another Environment",
)
_SOON = "it would end at once, or within 10 minutes: let ttl be longer, or delete the Environment"
NO_NOTICE = Denial(
    ENVIRONMENT,
    f"ttl counts from the creation of an Environment: with this one {_SOON}",
    f"ttl counts from the creation of Environment env: with 1s {_SOON}",
)
IN_GIT = Denial(
    ENVIRONMENT,
    "its ttl is in Git, which would take the change back: change it there",
    "the ttl of Environment applied is in Git, which would take the change back: change it there",
)


def not_allowed(message: str, told: str, value: str) -> Denial:
    """Return the answer to an Environment that asks for more than the installation allows."""
    who = f"; who installs Pratique can change that (chart value environments.{value})"
    return Denial(ENVIRONMENT, message + who, told + who)


PROTECTED = Denial(
    ENVIRONMENT,
    "this Environment is protected (spec.protected): who holds the RBAC verb protect on environments can take that away,"
    " then it can be deleted",
    "Environment kept is protected (spec.protected): who holds the RBAC verb protect on environments.pratique.dev can take"
    " that away, then it can be deleted",
)
TOO_LATE_TO_PROTECT = Denial(ENVIRONMENT, "this Environment is being deleted: spec.protected keeps it no more")


def may_not_protect(who: str) -> Denial:
    """Return the answer to who protects an Environment, or takes that away."""
    return Denial(
        ENVIRONMENT,
        "spec.protected keeps an Environment from its end: it needs the RBAC verb protect on environments",
        f"{who} may not change spec.protected of an Environment: it needs the RBAC verb protect on"
        " environments.pratique.dev",
    )


def may_not_end(who: str, name: str, owner: str = "developer@example.com") -> Denial:
    """Return the answer to who deletes the Environment of another."""
    return Denial(
        ENVIRONMENT,
        "an Environment is deleted by who it is for, or who holds the RBAC verb end on environments",
        f"{who} may not delete Environment {name}: it is for {owner}; it needs the RBAC verb end on"
        " environments.pratique.dev",
    )


def may_not_extend(who: str) -> Denial:
    """Return the answer to who changes an Environment directly."""
    return Denial(
        ENVIRONMENT,
        "an Environment is changed through an Action: it needs the RBAC verb extend on environments",
        f"{who} may not change Environment env: it needs the RBAC verb extend on environments.pratique.dev;"
        " ask through an Action",
    )


def may_not_lend(account: str, who: str = "author@example.com") -> Denial:
    """Return the answer to who lends an Action an account that is not theirs."""
    return Denial(
        ACTION,
        "you may not impersonate the ServiceAccount that the Action names",
        f"{who} may not impersonate ServiceAccount {account}, which this Action would act as",
    )


def creates_nothing(policy: str, what: str) -> Denial:
    """Return the answer to the operator that creates something of ours."""
    return Denial(policy, f"the operator itself creates no {what}: an Action does so under its own ServiceAccount")


def canary(policy: str, told: str = "") -> Denial:
    """Return the answer to an object that says it is a canary."""
    return Denial(policy, f"pratique canary: {policy}", f"pratique canary: {policy}{told}")


# -- not ours ----------------------------------------------------------------------------------------------------------
def crd(plural: str, rule: str, sentence: str = "") -> Denial:
    """Return the answer of a rule beside a field."""
    return Denial(f"crd/{plural}", rule, sentence)


def schema(sentence: str) -> Denial:
    """Return the answer of a CRD's schema."""
    return Denial("schema", "", sentence)


def rbac(
    who: str, verb: str, resource: str, group: str = "pratique.dev", scope: str = 'in the namespace "harbour"'
) -> Denial:
    """Return the answer of RBAC."""
    sentence = f'User "{who}" cannot {verb} resource "{resource}" in API group "{group}" {scope}'
    return Denial("RBAC", "", sentence)


def server(sentence: str) -> Denial:
    """Return an answer of Kubernetes itself."""
    return Denial("API server", "", sentence)


def stamped(policy: str, path: str, value: object) -> Shows:
    """Return what a stamp made of a forged value."""
    return Shows(path, value, policy, STAMP)
