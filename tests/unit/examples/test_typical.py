"""Twenty actions that are typical for portals and Terraform modules are expressed as Actions, with nothing lost."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders import models
from tests.support.certain import certain

from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.testing.cases import Asked, Case, Expected
from pratique.testing.judgement import listed_of, target_of

TYPICAL: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "typical.yaml").read_text())


def test_there_are_twenty() -> None:
    assert len({each["what"] for each in TYPICAL}) == 20


@pytest.mark.parametrize("each", TYPICAL, ids=[each["what"] for each in TYPICAL])
def test_what_is_typical_can_be_expressed(each: dict[str, Any]) -> None:
    named = {"name": "made", "namespace": "team-a"}
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": each["data"]}
    does = {"serviceAccountRef": {"namespace": "a", "name": "a"}, "resources": [{"id": "made", "template": template}]}
    acts = {"actsOn": each["actsOn"]} if "actsOn" in each else {}
    action = models.action(inputs=each["inputs"], execution=does, **acts)
    assert check_action(action) == ()
    case = Case(name="it", target=each.get("target"), options=each.get("offered", {}), expect=Expected())
    target = target_of(action, Asked(), case)
    ref = {"target_ref": {"name": target["metadata"]["name"]}} if target is not None else {}
    run = models.run(spec={"inputs": each["asks"], **ref})
    evaluation = judge(action, run, target=target, listed=listed_of(action, Asked(), case))
    assert evaluation.refusals == ()
    assert certain(evaluation.plan).objects[0].manifest["data"] == each["gives"]
