"""Whether Argo CD knows the health of our kinds: in the forms that its ConfigMap may have."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from tests.unit.doctor.test_doctor_checks import SOUND
from tools.installation import ROOT

from pratique.doctor.checks import check
from pratique.doctor.findings import Finding

OURS = yaml.safe_load((ROOT / "examples" / "gitops" / "argo-cd" / "argocd-cm.yaml").read_text())["data"]
EACH = "resource.customizations.health.pratique.dev_"
KINDS = ("Action", "ActionRun", "Approval", "Environment", "NotificationChannel")
SAYS = "ConfigMap argocd/argocd-cm has no health check for {}: a sync goes on before people have answered"


def said(*several: dict[str, Any] | None) -> list[Finding]:
    settings = [{"metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": data} for data in several]
    return [each for each in check(replace(SOUND, argo_cd=tuple(settings))) if each.about == "Argo CD"]


@pytest.mark.parametrize(
    "data",
    [
        OURS,
        {EACH + kind: "return {}" for kind in KINDS},
        {EACH + "*": "return {}"},
        {"resource.customizations": '"*/*": {health.lua: "return {}"}'},
        {"resource.customizations.health.*_*": "return {}"},
    ],
)
def test_all_kinds_are_known(data: dict[str, str]) -> None:
    assert [str(each.level) for each in said(data)] == ["ok"]


@pytest.mark.parametrize(
    ("data", "lacking"),
    [
        (None, KINDS),
        ({"url": "https://argocd.example.com"}, KINDS),
        ({"resource.customizations": 'pratique.dev/ActionRun: {health.lua: "return {}"}'}, set(KINDS) - {"ActionRun"}),
        ({"resource.customizations": "pratique.dev/*: {ignoreDifferences: x}"}, KINDS),
        ({"resource.customizations": "not: [closed"}, KINDS),
        ({"resource.customizations": "text"}, KINDS),
        (
            {EACH + "Approval": "return {}", "resource.customizations.actions.pratique.dev_Action": "x"},
            set(KINDS) - {"Approval"},
        ),
    ],
)
def test_what_is_lacking_is_named_with_the_remedy(data: dict[str, str] | None, lacking: tuple[str, ...]) -> None:
    (found,) = said(data)
    assert (str(found.level), found.text) == ("warning", SAYS.format(", ".join(sorted(lacking))))
    assert "docs/guides/argo-cd.md" in found.remedy


def test_nothing_is_said_where_there_is_none_and_each_is_judged_where_there_are_two() -> None:
    assert said() == []
    assert [str(each.level) for each in said(OURS, None)] == ["ok", "warning"]
