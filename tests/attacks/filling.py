"""Attacks that fill an object up, until its status cannot be written any more."""

from tests.attacks.denials import (
    ENVIRONMENT_ROOM,
    RUN_ROOM,
)
from tests.attacks.environments import ENV_LABEL
from tests.attacks.model import Attack, Twin, create, patch
from tests.attacks.run_frozen import LABEL
from tests.attacks.world import voyage

_BIG = {
    "apiVersion": "pratique.dev/v1alpha1",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:metadata": {"f:labels": {f"f:x{n}": {} for n in range(40000)}}},
    "manager": "somebody",
    "operation": "Update",
    "time": "2020-01-01T00:00:00Z",
}


FILLED = [
    Attack(
        "fill-anothers-run",
        4,
        "developer-2",
        "another developer fills a run with labels, until it has no room for its own status",
        patch("actionruns/waiting", {"metadata": {"labels": {f"x{n}": "x" * 63 for n in range(5000)}}}),
        RUN_ROOM,
        LABEL,
    ),
    Attack(
        "fill-by-managed-fields",
        4,
        "developer-2",
        "another developer fills a run with managed fields",
        patch("actionruns/waiting", {"metadata": {"managedFields": [_BIG]}}),
        RUN_ROOM,
        LABEL,
    ),
    Attack(
        "born-full",
        4,
        "developer",
        "a developer creates a run that is full of labels",
        create(voyage(metadata__labels={f"x{n}": "x" * 63 for n in range(5000)})),
        RUN_ROOM,
        Twin(
            "developer",
            "creates it with five hundred",
            create(voyage(metadata__labels={f"x{n}": "x" for n in range(500)})),
        ),
    ),
    Attack(
        "fill-environment",
        16,
        "mallory",
        "somebody fills an Environment with labels, so that its end cannot be recorded",
        patch("environments/env", {"metadata": {"labels": {f"x{n}": "x" * 63 for n in range(5000)}}}),
        ENVIRONMENT_ROOM,
        ENV_LABEL,
    ),
]


ATTACKS = [*FILLED]
