"""The values of the chart beside the code: defaults, choices, memory, alerts; and the page that lists them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.codegen.chart_values import comments, values_page
from tools.codegen.values import Values

from pratique.api.v1alpha1.environment import AccessRole, PodSecurity
from pratique.channels.apprise.channel import MEMORY
from pratique.channels.kit.processes import MOST
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.telling.egress import EgressError, egress_of
from pratique.processes.settings import SANDBOX_WORKERS
from pratique.sandbox.pool import DEFAULT_MEMORY

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "pratique"
TEXT = (CHART / "values.yaml").read_text()
VALUES = yaml.safe_load(TEXT)
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
ALERTS = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
MIB = 1024 * 1024


def test_the_defaults_are_those_of_the_code() -> None:
    values, environments = Values(), VALUES["environments"]
    assert VALUES["serviceAccount"]["name"] == values.service_account
    assert (VALUES["impersonate"], VALUES["submitters"]) == ([], [])
    assert VALUES["limits"]["openRunsPerRequester"] == OPEN_RUNS_PER_REQUESTER
    assert tuple(environments["roles"]) == values.environments.roles
    assert tuple(environments["podSecurity"]) == values.environments.pod_security
    assert tuple(environments["labels"]) == values.environments.labels
    assert environments["namespacePrefix"] == values.environments.namespace_prefix


def test_the_choices_are_those_of_the_code() -> None:
    choices = SCHEMA["properties"]["environments"]["properties"]
    assert choices["roles"]["items"]["enum"] == [each.value for each in AccessRole]
    assert choices["podSecurity"]["items"]["enum"] == [each.value for each in PodSecurity]


@pytest.mark.parametrize(
    "text", ["10.20.0.0/16", "::/0", "fd00::1", "*.chat.example.com", "smtp", "10.20", "*", "example.com:25"]
)
def test_what_the_schema_lets_through_is_what_the_operator_reads(text: str) -> None:
    patterns = [each["pattern"] for each in SCHEMA["definitions"]["egress"]["anyOf"]]
    try:
        egress_of([text])
        read = True
    except EgressError:
        read = False
    assert any(re.search(pattern, text) for pattern in patterns) is read


def closed(schema: dict[str, Any]) -> bool:
    """Return whether all objects with named fields refuse others."""
    inner = list(schema.get("properties", {}).values())
    return all(closed(each) for each in inner) and (not inner or schema.get("additionalProperties") is False)


def test_what_is_not_listed_is_refused() -> None:
    assert closed(SCHEMA)


def test_every_value_has_a_default_and_a_meaning() -> None:
    def missing(values: dict[str, Any], schema: dict[str, Any], prefix: str) -> list[str]:
        assert set(schema["properties"]) - {"global"} == set(values), prefix
        found = []
        for name, value in values.items():
            inner, path = schema["properties"][name], f"{prefix}{name}"
            if "properties" in inner:
                found += missing(value, inner, f"{path}.")
            elif not said.get(path):
                found.append(path)
        return found

    said = comments(TEXT)
    assert missing(VALUES, SCHEMA, "") == []


def test_the_page_lists_values_with_type_default_and_meaning() -> None:
    (page,) = values_page().values()
    assert (
        '| `log.format` | `json` \\| `text` | `"json"` | json: an object a line, for machines; text: for people |'
        in page
    )
    assert "| `limits.openRunsPerRequester` | number | `50` | how many runs" in page
    assert "example.com" not in page  # examples are for the file


LEADER = 129 * MIB
"""What a leader was seen to use in a Pod, its idle sandboxes included."""
LEADER_AT_ITS_LARGEST = 170 * MIB
"""With 10,000 runs that wait: docs/benchmark."""


def size(text: str) -> int:
    """Return a quantity of memory in bytes."""
    number, unit = re.fullmatch(r"([0-9]+)(Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": MIB, "Gi": 1024 * MIB}[unit]


def test_what_is_hostile_ends_its_worker_and_never_the_leader() -> None:
    """The kernel may end the whole container that takes more than its limit, so all processes together may not reach it."""
    processes = SANDBOX_WORKERS * DEFAULT_MEMORY + MOST * MEMORY
    resources = VALUES["resources"]
    assert size(resources["requests"]["memory"]) >= LEADER
    assert size(resources["limits"]["memory"]) >= LEADER_AT_ITS_LARGEST + processes


def alerts() -> list[dict[str, Any]]:
    """Return all alerts."""
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each["alert"])
def test_an_alert_asks_for_what_is_served_and_has_its_paragraph(alert: dict[str, Any]) -> None:
    served = set(re.findall(r"^\| `(pratique_\w+)`", (ROOT / "docs/guides/metrics.md").read_text(), re.MULTILINE))
    asked = set(re.findall(r"pratique_\w+", alert["expr"]))
    assert asked and asked <= served
    assert alert["labels"]["severity"] in ("critical", "warning")
    page = (ROOT / "docs/guides/alerts.md").read_text()
    assert f"\n## {alert['alert']}\n" in page
    assert alert["annotations"]["runbook_url"] == f"docs/guides/alerts.md#{alert['alert'].lower()}"


def test_no_paragraph_is_about_an_alert_that_is_gone() -> None:
    page = (ROOT / "docs/guides/alerts.md").read_text()
    assert re.findall(r"^## (Pratique\w+)$", page, re.MULTILINE) == [each["alert"] for each in alerts()]
