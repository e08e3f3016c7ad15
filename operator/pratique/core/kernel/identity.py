"""Decides who it is that asks: the authenticated caller, and the person for whom a submitter asks. Pure.

The API server has stamped the one and let in the other only from submitters. Neither of the two may decide. What people
read names the person; what counts for rights names both.
"""

from pratique.api.v1alpha1.action_run import ActionRunSpec
from pratique.api.v1alpha1.approval import ApprovalSpec

SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"
NOT_STAMPED = "the API server did not say who asks (spec.requestedBy): is Pratique's admission policy in force?"

Asked = ActionRunSpec | ApprovalSpec


def is_service_account(username: str) -> bool:
    """Whether a user name is that of a ServiceAccount; the API server lets nobody else have such a name."""
    return username.startswith(SERVICE_ACCOUNT_PREFIX)


def askers(spec: Asked) -> tuple[str, ...]:
    """Return the user names of all who ask: none of them may decide."""
    requester, person = spec.requested_by, spec.on_behalf_of
    return tuple(each.username for each in (requester, person) if each is not None)


def person_of(spec: Asked) -> str:
    """Return for whom it is: the person on whose behalf it was asked, or else the requester; empty if nobody knows."""
    return next(reversed(askers(spec)), "")


def asked_by(spec: Asked) -> str:
    """Return who asked, as people read it: `developer@example.com (by system:serviceaccount:argocd:controller)`."""
    match askers(spec):
        case (requester, person):
            return f"{person} (by {requester})"
        case names:
            return "".join(names)


def fold(username: str) -> str:
    """Return a name by which one person is known in any letter case.

    Letter by letter, as the API server compares (`same_person` of the policies): there `STRASSE` is not `Straße`. Were it
    one person here and two there, a decision could be taken and then count for nothing.
    """
    if username.isascii():  # the same, twenty times as fast
        return username.lower()
    return "".join(_folded(letter) for letter in username)


def _folded(letter: str) -> str:
    """Return one letter for one letter, or the letter itself where its folding would be longer."""
    return next((folding for folding in (letter.casefold(), letter.lower()) if len(folding) == 1), letter)


def is_among(username: str, names: tuple[str, ...]) -> bool:
    """Whether a user is one of these, in any letter case: two accounts of one person often differ in nothing else."""
    return fold(username) in map(fold, names)
