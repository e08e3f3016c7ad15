"""The health that Argo CD shows: for every kind in every state that the planners write, by two interpreters."""

import pytest
import yaml
from tests.builders.states import STATES, held, offered
from tests.support.lua_health import PATH, RUNTIMES, health_of

from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.environment import EnvironmentPhase


@pytest.mark.parametrize("version", RUNTIMES)
@pytest.mark.parametrize("state", STATES)
def test_health(state: str, version: str) -> None:
    body, expected = STATES[state]
    assert health_of(body, version)[0] == expected


def test_its_message_is_the_objects_own() -> None:
    assert health_of(held())[1] == "Waiting for leads"
    assert health_of(offered("spec.title: no"))[1] == "spec.title: no"


def test_what_argo_cd_is_given_holds_this_very_check() -> None:
    patch = yaml.safe_load((PATH.parent / "argocd-cm.yaml").read_text(encoding="utf-8"))
    given = yaml.safe_load(patch["data"]["resource.customizations"])
    assert list(given) == ["pratique.dev/*"]
    assert given["pratique.dev/*"]["health.lua"] == PATH.read_text(encoding="utf-8")


def test_every_state_is_tried() -> None:
    tried = {
        body["status"].get("phase") or body["status"].get("state") for body, _ in STATES.values() if "status" in body
    }
    assert {*Phase, *ApprovalState, *EnvironmentPhase} - tried == set()
