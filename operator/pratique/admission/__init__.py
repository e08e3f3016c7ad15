"""The admission policies: CEL that the API server itself evaluates, so that nothing is open while the operator is down.

Each module holds one concern as data: which requests, what must be true, the sentence for the one who is refused.
Called by `tools.codegen`, which writes them, and by the operator, which compares what is installed with them.
"""

from pratique.admission.away import away, away_stamp
from pratique.admission.decision import decision, decision_stamp
from pratique.admission.delegating import delegation_stamp
from pratique.admission.environment import environment
from pratique.admission.guards import action, leash, status
from pratique.admission.language import Manifest, mutating
from pratique.admission.requester import requester, requester_stamp
from pratique.admission.standalone import standalone_stamp
from pratique.admission.talking import message_stamp
from pratique.admission.values import GuardValues
from pratique.admission.webhook import webhook_configuration


def admission_policies(values: GuardValues, *, older: bool = False, webhook_url: str | None = None) -> list[Manifest]:
    """Return all policies, each followed by its binding: those that stamp, then those that guard.

    `older` is a cluster before 1.36, where a webhook stamps: as a Service, or at `webhook_url`.
    """
    return [*stamping(values, older=older, webhook_url=webhook_url), *guarding(values)]


def stamping(values: GuardValues, *, older: bool = False, webhook_url: str | None = None) -> list[Manifest]:
    """Return what writes identities and times into requests."""
    stamps = (
        requester_stamp(),
        decision_stamp(),
        delegation_stamp(),
        message_stamp(),
        standalone_stamp(),
        away_stamp(),
    )
    if older:
        return [webhook_configuration(stamps, values.namespace, webhook_url)]
    return [manifest for stamp in stamps for manifest in mutating(stamp)]


def guarding(values: GuardValues) -> list[Manifest]:
    """Return what refuses: these check the stamps too, whoever stamped."""
    operator = values.operator
    return [
        *requester(operator, values.submitters),
        *decision(operator),
        *action(operator),
        *environment(values),
        *away(),
        *status(operator),
        *leash(operator),
    ]
