"""Whether a live object is what was planned: everything that was planned is in it, and the server may have added more.

Asked when a name is taken by an object that says it belongs to the run: after a crash it is the run's own, but anybody who
may create such objects could have planted it. Pure; called by `execution`.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?[0-9.]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_SUFFIXES = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(1000)}
_SUFFIXES |= {suffix: Decimal(1000) ** power for power, suffix in enumerate("MGTPE", start=2)}
_SUFFIXES |= {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}


def contains(live: Any, planned: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Return whether all of `planned` is in `live`; the server's defaults beside it do not matter."""
    match planned:
        case Mapping():
            return isinstance(live, Mapping) and all(_field(live, planned, key) for key in planned)
        case list():
            same_length = isinstance(live, list) and len(live) == len(planned)
            return same_length and all(contains(*pair) for pair in zip(live, planned, strict=True))
        case None | "":
            return live in (None, "", planned)
        case _:
            return bool(live == planned) or _same_quantity(live, planned)


def _field(live: Mapping[str, Any], planned: Mapping[str, Any], key: str) -> bool:
    """Return whether a planned field is there. The API server leaves out some that are empty, such as a ConfigMap's data.

    Where something stands in its place (a hostPath for an emptyDir), it was not left out.
    """
    if key not in live and planned[key] in ({}, []):
        return live.keys() <= planned.keys()
    return contains(live.get(key), planned[key])


def _same_quantity(live: Any, planned: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Return whether two values are the same amount: the API server stores `1000m` as `1`."""
    one, other = _quantity(live), _quantity(planned)
    return one is not None and one == other


def _quantity(value: Any) -> Decimal | None:  # noqa: ANN401 - any JSON value
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None or found[1].count(".") > 1 or not any(digit.isdigit() for digit in found[1]):
        return None
    return Decimal(found[1]) * _SUFFIXES[found[2] or ""]
