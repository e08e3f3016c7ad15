"""The admission policies: CEL that the API server itself evaluates, so that nothing is open while the operator is down.

Each module holds one concern as data: which requests, what must be true, the sentence for the one who is refused.
Called by codegen, which writes them, and by the operator, which compares what is installed with them.
"""

from pratique.admission.build import Manifest
from pratique.admission.decision import decision
from pratique.admission.guards import action, environment, leash, status
from pratique.admission.requester import requester
from pratique.admission.values import GuardValues


def admission_policies(values: GuardValues) -> list[Manifest]:
    """Return all policies, each followed by its binding."""
    operator = values.operator
    return [
        *requester(operator),
        *decision(operator),
        *action(operator),
        *environment(operator, values.namespace),
        *status(operator),
        *leash(operator),
    ]
