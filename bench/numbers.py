"""Statistics of a run of the benchmark: pure functions over numbers, so that a unit test holds them."""

import math
from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least `share` percent of the values do not exceed."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share / 100), 1) - 1]


def ratio_of_rounds(ours: Sequence[float], floors: Sequence[float]) -> float:
    """Return the median of the ratios of rounds: the two of a round were taken one right after the other."""
    return median(one / floor for one, floor in zip(ours, floors, strict=True))


def milliseconds(seconds: Sequence[float]) -> list[float]:
    """Return seconds as milliseconds."""
    return [each * 1000 for each in seconds]


def curve(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the values in order, and what share (in percent) of all is not above each."""
    ordered = sorted(values)
    return ordered, [100 * (number + 1) / len(ordered) for number in range(len(ordered))]


def rounded(value: object, digits: int = 4) -> object:
    """Return a value of JSON with its floats rounded: what is beyond is noise, and makes files long."""
    match value:
        case float():
            return round(value, digits)
        case dict():
            return {key: rounded(each, digits) for key, each in value.items()}
        case list() | tuple():
            return [rounded(each, digits) for each in value]
        case _:
            return value
