"""Writes the Helm chart from the same objects that `install()` gives, so that the two cannot tell different stories.

Decides only how a value becomes a template expression. The objects are built with placeholders for what a release
chooses, written as YAML, and the placeholders replaced. Pure text; called by `__main__.py`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pratique import __version__
from pratique.admission import guarding, stamping
from pratique.admission.webhook import SERVICE
from pratique.api.v1alpha1.environment import AccessRole, PodSecurity
from tools.codegen.crds import crds
from tools.codegen.people import people_roles
from tools.codegen.rbac import impersonation, operator_rbac, webhook_rbac
from tools.codegen.text import HEADER, to_yaml
from tools.codegen.values import Channels, Environments, Image, Limits, Resources, Values
from tools.codegen.workload import webhook_workload, workload

Manifest = dict[str, Any]

CHART = Path("charts/pratique")
STAMPS_SINCE = "1.36.0"
"""The Kubernetes that brings MutatingAdmissionPolicy; on an older one the webhook stamps."""

_EXPRESSIONS = {
    "NAMESPACE": ".Release.Namespace",
    "ACCOUNT": ".Values.serviceAccount.name",
    "REPOSITORY": ".Values.image.repository",
    "TAG": ".Values.image.tag | default .Chart.AppVersion",
    "PULL-POLICY": ".Values.image.pullPolicy",
    "CPU": ".Values.resources.cpu",
    "MEMORY": ".Values.resources.memory",
    "MEMORY-LIMIT": ".Values.resources.memoryLimit",
    "OPEN-RUNS": ".Values.limits.openRunsPerRequester | int",
    "EGRESS": '.Values.channels.allowedEgress | join ","',
    "PREFIX": ".Values.environments.namespacePrefix",
    "LENT-NAMESPACE": ".namespace",
    "LENT-NAMES": ".names | toJson",
}
"""What stands between @@ in the objects below, and what Helm puts there."""

_LISTS = {
    "SUBMITTERS": ".Values.submitters",
    "ROLES": ".Values.environments.roles",
    "POD-SECURITY": ".Values.environments.podSecurity",
    "LABELS": ".Values.environments.labels",
}
"""The same for whole lists of texts, in CEL and in JSON: the schema of the values lets no text in that would end them."""

_NEWER = f'semverCompare ">={STAMPS_SINCE}-0" .Capabilities.KubeVersion.Version'
_OLDER = f'semverCompare "<{STAMPS_SINCE}-0" .Capabilities.KubeVersion.Version'

_RELEASE = Values(
    namespace="@@NAMESPACE@@",
    service_account="@@ACCOUNT@@",
    submitters=("@@SUBMITTERS@@",),
    limits=Limits("@@OPEN-RUNS@@"),
    channels=Channels(("@@EGRESS@@",)),
    environments=Environments(("@@ROLES@@",), ("@@POD-SECURITY@@",), ("@@LABELS@@",), "@@PREFIX@@"),
    image=Image("@@REPOSITORY@@", "@@TAG@@", "@@PULL-POLICY@@"),
    resources=Resources("@@CPU@@", "@@MEMORY@@", "@@MEMORY-LIMIT@@"),
)


def chart_files() -> dict[Path, str]:
    """Return every file of the chart, by its path in the repository."""
    values = Values()
    files = {
        "Chart.yaml": HEADER + to_yaml([_chart()]),
        "values.yaml": HEADER + _VALUES.format(**_defaults(values)),
        "values.schema.json": json.dumps(_values_schema(), indent=2) + "\n",
        "templates/deployment.yaml": _template(workload(_RELEASE)),
        "templates/rbac.yaml": _template([*operator_rbac(_RELEASE.namespace, _RELEASE.service_account)]),
        "templates/people.yaml": _template(people_roles()),
        "templates/impersonation.yaml": _impersonation(),
        "templates/NOTES.txt": _NOTES.replace("@@OLDER@@", _OLDER),
    }
    files |= {f"templates/crds/{crd['spec']['names']['plural']}.yaml": _template([_kept(crd)]) for crd in crds()}
    files |= {
        f"templates/policies/{name}.yaml": _template(listed)
        for name, listed in _by_name(guarding(_RELEASE.guard)).items()
    }
    webhook = [*webhook_rbac(_RELEASE.namespace), *webhook_workload(_RELEASE)]
    files |= {
        "templates/stamps/policies.yaml": _template(stamping(_RELEASE.guard), when=_NEWER),
        "templates/stamps/webhook.yaml": _template([*stamping(_RELEASE.guard, older=True), *webhook], when=_OLDER),
    }
    return {CHART / name: text for name, text in files.items()}


def _template(manifests: Iterable[Manifest], *, when: str = "") -> str:
    """Return `manifests` as a template; text that Helm would take for a template of its own is an error."""
    text = to_yaml(manifests)
    if "{{" in text:
        raise ValueError("a manifest contains {{, which Helm would evaluate: write the expression without it")
    for name, expression in _LISTS.items():
        text = text.replace(f'["@@{name}@@"]', "{{ " + expression + " | toJson }}")
    for name, expression in _EXPRESSIONS.items():
        text = text.replace(f"@@{name}@@", "{{ " + expression + " }}")
    return HEADER + (f"{{{{- if {when} }}}}\n{text}{{{{- end }}}}\n" if when else text)


def _impersonation() -> str:
    subject = {"kind": "ServiceAccount", "name": _RELEASE.service_account, "namespace": _RELEASE.namespace}
    text = _template(impersonation("@@LENT-NAMESPACE@@", ["@@LENT-NAMES@@"], subject))
    # a list of one placeholder becomes the whole list; inside `range` the root is $
    text = text.replace("\n      - '{{ .names | toJson }}'", " {{ .names | toJson }}")
    text = text.replace("\n      - {{ .names | toJson }}", " {{ .names | toJson }}")
    for root in (".Release", ".Values"):
        text = text.replace("{{ " + root, "{{ $" + root)
    return HEADER + "{{- range .Values.impersonate }}\n---\n" + text.removeprefix(HEADER) + "{{- end }}\n"


def _kept(crd: Manifest) -> Manifest:
    """Return the CRD so that uninstalling the chart does not delete every object with it."""
    annotations = {"helm.sh/resource-policy": "keep"}
    return {**crd, "metadata": {**crd["metadata"], "annotations": annotations}}


def _by_name(manifests: Iterable[Manifest]) -> dict[str, list[Manifest]]:
    listed: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        listed.setdefault(manifest["metadata"]["name"], []).append(manifest)
    return listed


def _chart() -> Manifest:
    return {
        "apiVersion": "v2",
        "name": "pratique",
        "description": "Approvals for self-service on Kubernetes: developers serve themselves, a person holds the risky"
        " part.",
        "type": "application",
        "version": __version__,
        "appVersion": __version__,
        # ValidatingAdmissionPolicy is GA since 1.30
        "kubeVersion": ">=1.30.0-0",
    }


def _defaults(values: Values) -> dict[str, Any]:
    image = {f"image_{key}": value for key, value in asdict(values.image).items()}
    resources = {f"resources_{key}": value for key, value in asdict(values.resources).items()}
    environments = asdict(values.guard) | {"environment_prefix": json.dumps(values.environments.namespace_prefix)}
    lists = {key: f"[{', '.join(value)}]" for key, value in environments.items() if isinstance(value, tuple)}
    open_runs = values.limits.open_runs_per_requester
    return (
        environments | lists | {"open_runs": open_runs, "service_account": values.service_account, **image, **resources}
    )


_VALUES = """\
image:
  repository: {image_repository}
  # empty: the appVersion of the chart
  tag: "{image_tag}"
  pullPolicy: {image_pull_policy}

serviceAccount:
  # the operator's ServiceAccount; the admission policies know the operator by it
  name: {service_account}

# The ServiceAccounts that Actions may name in spec.execution.serviceAccountRef: the operator may become these and no
# others. The namespaces must exist.
#   - namespace: pratique-actions
#     names: [environment-maker]
impersonate: []

# The user names that may write spec.onBehalfOf into an ActionRun, exactly as the API server knows them: controllers that
# apply what people asked for elsewhere. Whoever can make one of them apply a manifest can ask in anybody's name.
#   - system:serviceaccount:argocd:argocd-application-controller
submitters: []

limits:
  # how many runs one person may have that are not at an end, in the whole cluster; one more is refused
  openRunsPerRequester: {open_runs}

# What an Environment may ask for, whoever writes it: the operator makes its namespace with a power that they do not have.
environments:
  # which of the ClusterRoles view, edit and admin may be given in it
  roles: {environment_roles}
  # which Pod Security Standards it may enforce; privileged pods can take over a node
  podSecurity: {environment_pod_security}
  # the keys of labels that may be put on the namespace: quotas, network rules and other policies may trust them
  labels: {environment_labels}
  # what the name of the namespace begins with: no other namespace should, so that no old binding points into it
  namespacePrefix: {environment_prefix}

channels:
  # what channels may reach although its address is not public: networks, addresses, or host names, which then may resolve
  # to private addresses. Whoever may write a NotificationChannel or its Secret makes the operator connect there.
  #   - 10.20.0.0/16
  #   - smtp.internal.example.com
  #   - "*.chat.example.com"
  allowedEgress: []

resources:
  cpu: {resources_cpu}
  memory: {resources_memory}
  memoryLimit: {resources_memory_limit}
"""

_NOTES = """\
Pratique {{ .Chart.AppVersion }} is installed in {{ .Release.Namespace }}.

The admission policies are in force before the operator starts; it is ready when it has seen them refuse:

  kubectl -n {{ .Release.Namespace }} rollout status deployment/pratique
{{- if @@OLDER@@ }}

This cluster is older than 1.36, so a webhook stamps who requests and who decides. While it is down both are refused:

  kubectl -n {{ .Release.Namespace }} rollout status deployment/pratique-webhook

After an upgrade of the cluster to 1.36 run `helm upgrade` once: policies in the API server then take the webhook's place.
{{- end }}

Next:

  1. Let the operator act as the ServiceAccounts of your Actions (values: impersonate).
  2. Bind people to the ClusterRoles pratique-requester, pratique-approver, pratique-viewer and pratique-admin
     (docs/guides/rbac.md).
  3. kubectl get pratique -A

Uninstalling keeps the CustomResourceDefinitions, and with them every object: docs/guides/uninstalling.md.
"""


def _values_schema() -> Manifest:
    """Return the JSON Schema of values.yaml: what is not in it is refused."""
    name = {"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
    names = {"type": "array", "minItems": 1, "items": {**name, "maxLength": 253}}
    quantity = {"type": "string", "pattern": "^[0-9]+(m|Ki|Mi|Gi)?$"}
    pull = {"type": "string", "enum": ["Always", "IfNotPresent", "Never"]}
    lent = _closed({"namespace": name, "names": names}, required=True)
    schema = _closed(
        {
            "image": _closed(
                {"repository": {"type": "string", "minLength": 1}, "tag": {"type": "string"}, "pullPolicy": pull}
            ),
            # the webhook's account has rights of its own, and the operator is not to have those
            "serviceAccount": _closed({"name": {**name, "not": {"const": SERVICE}}}),
            "impersonate": {"type": "array", "items": lent},
            "submitters": _set(_TEXT),
            "limits": _closed({"openRunsPerRequester": {"type": "integer", "minimum": 1, "maximum": 1000000}}),
            "environments": _environments(),
            "channels": _closed({"allowedEgress": {**_set(_EGRESS), "maxItems": 64}}),
            "resources": _closed({"cpu": quantity, "memory": quantity, "memoryLimit": quantity}),
            "global": {"type": "object"},
        }
    )
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the Pratique chart", **schema}


def _environments() -> Manifest:
    return _closed(
        {
            "roles": _set({"type": "string", "enum": [each.value for each in AccessRole]}),
            "podSecurity": _set({"type": "string", "enum": [each.value for each in PodSecurity]}),
            "labels": _set(_TEXT),
            "namespacePrefix": {"type": "string", "maxLength": 40, "pattern": "^([a-z0-9][-a-z0-9]*)?$"},
        }
    )


def _set(items: Manifest) -> Manifest:
    return {"type": "array", "maxItems": 32, "uniqueItems": True, "items": items}


_TEXT = {"type": "string", "minLength": 1, "maxLength": 253, "pattern": "^[A-Za-z0-9:@._/+#|~%=-]+$"}
"""Text that is written into CEL and JSON as it is: no quotes, no backslash, no blank, nothing that toJson would escape."""


_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?"
_EGRESS = {
    "type": "string",
    "maxLength": 253,
    "anyOf": [
        {"pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?$"},
        {"pattern": "^[0-9A-Fa-f:]*:[0-9A-Fa-f:]*([0-9A-Fa-f]|/[0-9]{1,3})$"},
        {"pattern": rf"^(\*\.)?({_LABEL}\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$"},
    ],
}
"""Networks, addresses and host names, as far as a pattern tells; `core.telling.egress` reads them. None ends in a colon."""


def _closed(properties: Manifest, *, required: bool = False) -> Manifest:
    closed: Manifest = {"type": "object", "additionalProperties": False, "properties": properties}
    return closed | ({"required": list(properties)} if required else {})
