"""Which object under the name of a planned one is the run's own, made before a crash; admission may have its part in it."""

from typing import Any

import pytest
from tests.builders.models import RUN_UID, live, manifest, planned, run

from pratique.api.v1alpha1.planned import DryRun, FieldChange
from pratique.core.execution.adoption import is_made_by

LABELS = {"pratique.dev/run-uid": RUN_UID}
WEB = {"name": "web", "image": "web:1"}
TOKEN = {"name": "kube-api-access-x7f2p"}
MIRRORED = FieldChange(path="spec.template.spec.containers[web].image", before='"web:1"', after='"mirror/web:1"')


def pod(*containers: dict[str, Any], volumes: tuple[dict[str, Any], ...] = (TOKEN,)) -> dict[str, Any]:
    return manifest("Pod", "it", labels=LABELS, spec={"containers": list(containers), "volumes": list(volumes)})


def web(*containers: Any) -> Any:
    template = {"spec": {"containers": list(containers)}}
    return manifest("Deployment", "it", "apps/v1", labels=LABELS, spec={"template": template})


def service(**spec: Any) -> Any:
    return manifest("Service", "it", labels=LABELS, spec=spec)


def binding(*names: Any) -> Any:
    subjects = [{"kind": "User", "name": name} for name in names]
    return manifest("RoleBinding", "it", "rbac.authorization.k8s.io/v1", labels=LABELS, subjects=subjects)


def shown(*changes: Any) -> Any:
    return DryRun(result="Passed", changes=list(changes), listing="ByEntry")


@pytest.mark.parametrize(
    ("made", "found", "dry_run", "is_ours"),
    [
        (pod(WEB, volumes=()), pod(WEB, volumes=()), None, True),
        (pod(WEB), pod(WEB, {"name": "proxy-10:01"}, volumes=(TOKEN, {"name": "more"})), None, True),
        (pod(WEB), pod({**WEB, "image": "planted"}), None, False),
        (pod(WEB), pod({"name": "planted"}), None, False),
        (web(WEB), web(WEB, {"name": "proxy"}), None, True),
        (web(WEB), web({**WEB, "image": "mirror/web:1"}), shown(MIRRORED), True),
        (web(WEB), web({**WEB, "image": "planted"}), shown(MIRRORED), False),
        (
            service(clusterIP="", ports=[{"port": 80, "nodePort": 0}]),
            service(clusterIP="10.0.0.7", ports=[{"port": 80, "nodePort": 31000}]),
            None,
            True,
        ),
        (service(ports=[{"port": 80}]), service(ports=[{"port": 80}, {"port": 81}]), None, False),
        (binding("ann"), binding("ann", "mallory"), None, False),
    ],
)
def test_what_is_ours(made: dict[str, Any], found: dict[str, Any], dry_run: DryRun | None, is_ours: bool) -> None:
    each = planned("it", made, dry_run=dry_run)
    assert is_made_by(run(), each, live(found)) is is_ours


def test_what_cannot_be_read_or_has_no_mark_is_not_ours() -> None:
    assert not is_made_by(run(), planned("it", pod(WEB)), None)
    assert not is_made_by(run(), planned("it", pod(WEB)), live(pod(WEB), labels={}))
