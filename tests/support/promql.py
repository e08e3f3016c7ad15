"""Queries of Prometheus, parsed by its own grammar: which metrics each asks for, and which labels of each."""

from collections.abc import Iterator
from typing import Any

import promql_parser

GIVEN_BY_GRAFANA = {"$__rate_interval": "5m"}


def asked(query: str) -> dict[str, set[str]]:
    """Return the labels that a query uses, by metric; what cannot be parsed is an error."""
    for name, value in GIVEN_BY_GRAFANA.items():
        query = query.replace(name, value)
    found: dict[str, set[str]] = {}
    for metric, labels in _used(promql_parser.parse(query), set()):
        found.setdefault(metric, set()).update(labels)
    return found


def _used(part: Any, outer: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the metrics below a part, each with its own labels and those that stand around it."""
    if isinstance(part, promql_parser.VectorSelector):
        yield str(part.name), outer | {each.name for each in part.matchers.matchers}
        return
    modifier = getattr(part, "modifier", None)
    grouped = getattr(modifier, "matching", modifier)
    named = set(getattr(grouped, "labels", None) or ())
    below = [getattr(part, field, None) for field in ("lhs", "expr", "param", "vector_selector")]
    for each in (*below, *getattr(part, "args", ())):
        if each is not None:
            yield from _used(each, outer | named)
    if isinstance(part, promql_parser.BinaryExpr):
        only_chooses = str(part.op) in ("and", "unless")  # then the labels of the result are those of the left side
        yield from _used(part.rhs, named if only_chooses else outer | named)
