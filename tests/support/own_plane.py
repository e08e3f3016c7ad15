"""A control plane of a test module's own: installed, with the people, a namespace, and an account to act as."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools.codegen.values import Values
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import ControlPlane, temporary_plane
from tools.controlplane.servers import Options
from tools.installation import WebhookProcess, installed

from tests.builders.manifests import Manifest
from tests.conftest import BORROWED, PEOPLE, default_options
from tests.support.cluster import Cluster
from tests.support.runs import account
from tests.support.snapshot import plane_with_pratique

NOTES = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]}
NOTES_AND_JOBS = {
    "apiGroups": ["", "batch"],
    "resources": ["configmaps", "jobs", "pods", "events"],
    "verbs": ["create", "get", "list", "patch", "delete"],
}
_NOTE = """
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: NAME}
spec:
  title: Write a note
  inputs: {schema: {type: object, properties: {gated: {type: boolean, default: DEFAULT}}}}
  approval:
    stages: [{name: lead, when: inputs.gated, deadline: DEADLINE, approvers: {groups: [platform-leads]}}]
  execution:
    serviceAccountRef: {namespace: SPACE, name: writer}
    resources:
    - id: note
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "${run.name}", namespace: "${run.namespace}"}}
"""
_JOB = """
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: job}
spec:
  title: Run a Job that vanishes when it is done
  inputs: {schema: {type: object}}
  execution:
    serviceAccountRef: {namespace: SPACE, name: writer}
    resources:
    - id: job
      readyWhen: "true"
      template:
        apiVersion: batch/v1
        kind: Job
        metadata: {name: "${run.name}", namespace: "${run.namespace}"}
        spec:
          ttlSecondsAfterFinished: 0
          template: {spec: {restartPolicy: Never, containers: [{name: main, image: none}]}}
"""


def note_action(space: str, name: str = "note", *, gated: bool = False, deadline: str = "24h") -> str:
    """Return an Action that writes a ConfigMap; `gated` is what its input is by default."""
    parts = {"NAME": name, "DEFAULT": str(gated).lower(), "DEADLINE": deadline, "SPACE": space}
    return _filled(_NOTE, parts)


def brief_action(space: str, after: str = "3s") -> str:
    """Return an Action that writes a ConfigMap for some seconds."""
    return note_action(space, "brief").replace("- id: note\n", f"- id: note\n      expiresAfter: {after}\n")


def job_action(space: str) -> str:
    """Return an Action that makes a Job which is ready at once and has no time to stay."""
    return _filled(_JOB, {"SPACE": space})


def failing_action(space: str) -> str:
    """Return an Action that makes a Job which has failed as soon as it is there."""
    return job_action(space).replace("name: job}", "name: failing}").replace("readyWhen:", "failedWhen:")


def _filled(text: str, parts: dict[str, str]) -> str:
    for placeholder, value in parts.items():
        text = text.replace(placeholder, value)
    return text


@contextmanager
def own_plane(
    space: str,
    folder: Path,
    options: Options | None = None,
    rights: Manifest = NOTES,
    values: Values | None = None,
    people: tuple[Path, ...] = (PEOPLE, BORROWED),
) -> Iterator[tuple[ControlPlane, Cluster]]:
    """Start it with the rights in the files; Actions are the caller's to apply, when an operator runs or before."""
    with _plane(space, folder, options or default_options(), rights, values, people) as (plane, cluster, _):
        yield plane, cluster


@contextmanager
def older_plane(
    space: str, folder: Path, version: str | None
) -> Iterator[tuple[ControlPlane, Cluster, WebhookProcess]]:
    """Start one of a Kubernetes before 1.36, with the webhook that it needs; None is one that was upgraded since."""
    everybody, options = (PEOPLE, BORROWED), Options(emulated_version=version)
    with _plane(space, folder, options, NOTES, None, everybody, older=True) as (plane, cluster, webhook):
        assert webhook is not None
        yield plane, cluster, webhook


@contextmanager
def _plane(
    space: str,
    folder: Path,
    options: Options,
    rights: Manifest,
    values: Values | None,
    people: tuple[Path, ...],
    older: bool | None = None,
) -> Iterator[tuple[ControlPlane, Cluster, WebhookProcess | None]]:
    with ExitStack() as stack:
        usual = stack.enter_context(plane_with_pratique(space, options)) if values is None and older is None else None
        plane = usual or stack.enter_context(temporary_plane(space, options))
        cluster = stack.enter_context(Cluster.of(plane, Kubectl(folder / "kube-cache")))
        webhook = None
        if usual is None:
            needed = WebhookProcess(plane.kubeconfig("webhook"), folder / "webhook.log")
            installing = installed(cluster.runner, plane.kubeconfig("admin"), needed, values, older)
            webhook = stack.enter_context(installing)
        space_itself = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
        if people:
            cluster.kubectl("admin", "apply", *(arg for file in people for arg in ("-f", str(file))))
        cluster.apply("admin", [space_itself, *account(space, "writer", rights)])
        yield plane, cluster, webhook
