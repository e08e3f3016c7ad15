"""The models: what goes in comes out, and what the models say about themselves holds together."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.builders import models

from pratique.api.v1alpha1 import (
    API_VERSION,
    KINDS,
    action_run,
    approval,
    conditions,
    environment,
    meta,
    notifications,
    people,
    status,
)
from pratique.api.v1alpha1 import action as action_module
from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.conditions import ConditionType, Reason
from pratique.api.v1alpha1.environment import EnvironmentSpec, EnvironmentStatus
from pratique.api.v1alpha1.meta import ApiModel, KubeObject
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.api.v1alpha1.scalars import duration_of, format_time
from pratique.api.v1alpha1.status import pending_condition

EXAMPLES = Path(__file__).parents[3] / "examples"
MOMENTS = st.datetimes(timezones=st.timezones()).filter(lambda moment: 1970 <= moment.year < 9999)
ENDS = {Phase.SUCCEEDED, Phase.FAILED, Phase.REFUSED, Phase.DECLINED, Phase.EXPIRED, Phase.WITHDRAWN, Phase.SUPERSEDED}
VALID: list[KubeObject] = [
    models.action(),
    models.waiting(),
    models.approval(models.gate({"lead@example.com": models.vote("Approve")})),
    models.environment(expires_at=models.DEADLINE),
    models.channel(),
]


@pytest.mark.parametrize(
    ("text", "length"),
    [("0s", 0), ("90s", 90), ("15m", 900), ("24h", 86_400), ("3d", 259_200), ("2w", 1_209_600)],
)
def test_durations(text: str, length: int) -> None:
    assert duration_of(text) == timedelta(seconds=length)


@pytest.mark.parametrize(
    "text", ["", "1", "m", "01m", "0m", "-1h", "1.5h", "1h30m", "1 h", "1y", "1h\n", "1234567890s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValidationError, match="ttl"):
        EnvironmentSpec.model_validate({"ttl": text, "target": {"namespace": {"name": "a"}}})


@given(MOMENTS)
def test_times_are_whole_seconds_in_utc(moment: datetime) -> None:
    text = format_time(moment)
    assert datetime.fromisoformat(text) == moment.astimezone(UTC).replace(microsecond=0)
    assert text.endswith("Z")


def test_only_the_first_three_phases_are_no_ends() -> None:
    assert {phase for phase in Phase if phase.is_end} == ENDS


def test_the_user_name_of_a_service_account() -> None:
    assert ServiceAccountRef(namespace="team-a", name="maker").username == "system:serviceaccount:team-a:maker"


def test_what_nobody_has_looked_at_is_pending() -> None:
    assert conditions.Condition.model_validate(pending_condition("Ready")).to_wire() == pending_condition("Ready")


@pytest.mark.parametrize("made", VALID, ids=lambda made: type(made).__name__)
def test_objects_survive_the_wire(made: KubeObject) -> None:
    wire = json.loads(json.dumps(made.to_wire()))
    assert wire["apiVersion"] == API_VERSION
    assert wire["kind"] == type(made).__name__
    assert type(made).model_validate(wire).to_wire() == wire
    assert type(made).model_validate({**wire, "unknown": {"x": 1}}).to_wire() == wire


def test_free_json_keeps_its_nulls_and_absent_fields_stay_absent() -> None:
    manifest = {"metadata": {"annotations": {"gone": None}}, "list": [None]}
    wire = models.planned("a", manifest).to_wire()
    assert wire == {"id": "a", "patch": False, "manifest": manifest}


def test_names_whose_letters_are_not_camel_case() -> None:
    spec = EnvironmentSpec.model_validate({"ttl": "1h", "maxTTL": "2h", "target": {"namespace": {"name": "a"}}})
    assert spec.to_wire()["maxTTL"] == "2h"
    assert EnvironmentStatus(namespace_uid="u").to_wire()["namespaceUID"] == "u"
    assert models.action().to_wire()["spec"]["inputs"]["schema"] == {"type": "object"}


def test_objects_are_values() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        models.action().spec.title = "other"  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_says_what_codegen_needs(kind: Any) -> None:
    assert kind.singular == kind.__name__.lower()
    assert kind.plural == kind.singular + "s"
    assert kind.__doc__.startswith(f"{kind.__name__} is ")
    assert [column.name for column in kind.columns][-1] == "Age"
    kind.model_fields["status"].annotation.model_validate(kind.default_status)


def _models(module: Any) -> Iterator[type[ApiModel]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, ApiModel) and each.__module__ == module.__name__:
            yield each


MODULES = (action_module, action_run, approval, conditions, environment, meta, notifications, people, status)
UNTOLD = {"ObjectMeta", "KubeObject", *(kind.__name__ for kind in KINDS)}
MODELS = [model for module in MODULES for model in _models(module) if model.__name__ not in UNTOLD]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_described(model: type[ApiModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_no_word_has_two_spellings() -> None:
    words: type[StrEnum]
    for words in (ConditionType, Reason):
        assert all(word.name.replace("_", "").lower() == word.value.lower() for word in words)
    assert {phase.value for phase in Phase} <= {reason.value for reason in conditions.Reason}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.yaml")), ids=lambda path: "/".join(path.parts[-2:]))
def test_every_example_of_ours_is_understood(path: Path) -> None:
    kinds: dict[str, Any] = {kind.__name__: kind for kind in KINDS}
    for document in yaml.safe_load_all(path.read_text()):
        if document.get("apiVersion") == API_VERSION and path.parent.name != "invalid":
            if document["kind"] == "Approval":
                document = _as_stamped(document)
            wire = kinds[document["kind"]].model_validate(document).to_wire()
            assert wire["metadata"]["name"] == document["metadata"]["name"]


def _as_stamped(approval: Any) -> Any:
    """Return an Approval without a run as the API server stores it."""
    name, policy = (
        f"{approval['metadata']['generateName']}x",
        {**approval["spec"]["policy"], "deadline": "2100-01-01T00:00:00Z"},
    )
    spec = {**approval["spec"], "requestedBy": {"username": "ci"}, "policy": policy}
    return {**approval, "metadata": {**approval["metadata"], "name": name}, "spec": spec}
