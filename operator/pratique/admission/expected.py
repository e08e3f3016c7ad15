"""What must be installed for the API server to guard: the policies of this version, and its CRDs, whose rules guard too.

Called by the operator, which compares; never by what installs. The CRDs are generated at build time (`crds.json` beside
this module, without its prose), since the operator does not carry the generator; they are read when they are needed, and
not kept.
"""

import json
from pathlib import Path
from typing import Any

from pratique.admission import guarding, stamping
from pratique.admission.language import Manifest
from pratique.admission.values import GuardValues
from pratique.core.kernel.effects import ObjectRef

CRDS = Path(__file__).with_name("crds.json")


def expected(values: GuardValues, *, older: bool = False) -> list[Manifest]:
    """Return everything that guards, as this version installs it.

    Where a webhook stamps (`older`) it is left out, since the policies check what it does, and its certificate
    may change at any time.
    """
    crds: list[Manifest] = json.loads(CRDS.read_text())
    return [*crds, *guarding(values), *([] if older else stamping(values))]


def refs(values: GuardValues, *, older: bool = False) -> list[ObjectRef]:
    """Return the names of all of these."""
    return [
        ObjectRef(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in expected(values, older=older)
    ]


def without_prose(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a CRD without its descriptions: other words weaken nothing."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key != "description" or not isinstance(value, str)}
        return {key: without_prose(value) for key, value in kept.items()}
    return [without_prose(each) for each in schema] if isinstance(schema, list) else schema
