"""Reads Prometheus text: what the API server and the operator count. Pure."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_REQUESTS = "apiserver_request_total"
_WRITES = ("POST", "PUT", "PATCH", "APPLY", "DELETE")
_OURS = "pratique.dev"
_MADE_BY_RUNS = ("configmaps",)


def total(text: str, name: str, **labels: str) -> float:
    """Return the sum of a metric over all its series with these labels; 0 if there is none."""
    return sum(
        sample.value
        for sample in _samples(line for line in text.splitlines() if line.startswith(name))
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def writes(text: str) -> Counter[str]:
    """Return the accepted writes of what runs are made of, by verb and resource; dry runs, Events, Leases are left out."""
    found: Counter[str] = Counter()
    for sample in _samples(line for line in text.splitlines() if line.startswith(_REQUESTS)):
        labels = sample.labels
        about_runs = labels["group"] == _OURS or labels["resource"] in _MADE_BY_RUNS
        accepted = labels["code"].startswith("2") and not labels["dry_run"]
        if about_runs and accepted and labels["verb"] in _WRITES:
            part = f"/{labels['subresource']}" if labels["subresource"] else ""
            found[f"{labels['verb']} {labels['resource']}{part}"] += int(sample.value)
    return found


def _samples(lines: Iterable[str]) -> Iterable[Sample]:
    families: Iterable[Metric] = text_string_to_metric_families("\n".join(lines) + "\n")
    return (sample for family in families for sample in family.samples)
