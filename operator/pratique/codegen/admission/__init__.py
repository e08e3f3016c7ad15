"""The admission policies: CEL that the API server itself evaluates, so that nothing is open while the operator is down.

Each module holds one concern as data: which requests, what must be true, the sentence for the one who is refused.
Called by `manifests.py` and `chart.py`.
"""

from pratique.codegen.admission.build import Manifest
from pratique.codegen.admission.decision import decision
from pratique.codegen.admission.guards import action, environment, leash, status
from pratique.codegen.admission.requester import requester
from pratique.codegen.values import Values


def admission_policies(values: Values) -> list[Manifest]:
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
