"""Writes `templates/generated/` of the Helm chart from the same objects that `install()` gives: CRDs, policies, rights.

All else of the chart is written by hand. Decides only how a value becomes a template expression: the objects are built with
placeholders for what a release chooses, written as YAML, and the placeholders replaced. Pure text; called by `__main__.py`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pratique.admission import guarding, stamping
from tools.codegen.crds import crds
from tools.codegen.people import people_roles
from tools.codegen.rbac import LABELS, impersonation, operator_rights, webhook_rights
from tools.codegen.text import HEADER, to_yaml
from tools.codegen.values import Environments, Values

Manifest = dict[str, Any]

CHART = Path("charts/pratique")
GENERATED = CHART / "templates" / "generated"

_EXPRESSIONS = {
    "NAMESPACE": "$.Release.Namespace",
    "ACCOUNT": "$.Values.serviceAccount.name",
    "PREFIX": "$.Values.environments.namespacePrefix",
    "LENT-NAMESPACE": ".namespace",
    "LENT-NAMES": ".names | toJson",
}
"""What stands between @@ in the objects below, and what Helm puts there."""

_LISTS = {
    "SUBMITTERS": "$.Values.submitters",
    "ROLES": "$.Values.environments.roles",
    "POD-SECURITY": "$.Values.environments.podSecurity",
    "LABELS": "$.Values.environments.labels",
}
"""The same for whole lists of texts, in CEL and in JSON: the schema of the values lets no text in that would end them."""

_STAMPS = 'eq (include "pratique.stamps" $) "{}"'
_OUR_LABELS = to_yaml([{"labels": LABELS}]).replace("\n", "\n  ").rstrip(" ")
_ALL_LABELS = 'labels:\n    {{- include "pratique.labels" $ | nindent 4 }}\n'
_KEPT = "  {{- if $.Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n"

_RELEASE = Values(
    namespace="@@NAMESPACE@@",
    service_account="@@ACCOUNT@@",
    submitters=("@@SUBMITTERS@@",),
    environments=Environments(("@@ROLES@@",), ("@@POD-SECURITY@@",), ("@@LABELS@@",), "@@PREFIX@@"),
)


def chart_files() -> dict[Path, str]:
    """Return every generated file of the chart, by its path in the repository."""
    guard = _RELEASE.guard
    files = {
        "rights.yaml": _template(operator_rights(_RELEASE.namespace, _RELEASE.service_account)),
        "people.yaml": _template(people_roles()),
        "impersonation.yaml": _impersonation(),
        "stamps-policies.yaml": _template(stamping(guard), when=_STAMPS.format("Policies")),
        "stamps-webhook.yaml": _template(
            [*stamping(guard, older=True), *webhook_rights(_RELEASE.namespace)], when=_STAMPS.format("Webhook")
        ),
    }
    files |= {f"crd-{crd['spec']['names']['plural']}.yaml": _definition(crd) for crd in crds()}
    files |= {f"policy-{name}.yaml": _template(listed) for name, listed in _by_name(guarding(guard)).items()}
    return {GENERATED / name: text for name, text in files.items()}


def _template(manifests: Iterable[Manifest], *, when: str = "") -> str:
    """Return `manifests` as a template; text that Helm would take for a template of its own is an error."""
    text = to_yaml(manifests)
    if "{{" in text:
        raise ValueError("a manifest contains {{, which Helm would evaluate: write the expression without it")
    for name, expression in _LISTS.items():
        text = text.replace(f'["@@{name}@@"]', "{{ " + expression + " | toJson }}")
    for name, expression in _EXPRESSIONS.items():
        text = text.replace(f"@@{name}@@", "{{ " + expression + " }}")
    text = text.replace(_OUR_LABELS, _ALL_LABELS)
    return HEADER + (f"{{{{- if {when} }}}}\n{text}{{{{- end }}}}\n" if when else text)


def _impersonation() -> str:
    subject = {"kind": "ServiceAccount", "name": _RELEASE.service_account, "namespace": _RELEASE.namespace}
    text = _template(impersonation("@@LENT-NAMESPACE@@", ["@@LENT-NAMES@@"], subject)).removeprefix(HEADER)
    # a list of one placeholder becomes the whole list
    text = text.replace("\n      - '{{ .names | toJson }}'", " {{ .names | toJson }}")
    return HEADER + "{{- range $.Values.impersonate }}\n---\n" + text + "{{- end }}\n"


def _definition(crd: Manifest) -> str:
    """Return the CRD so that uninstalling the chart does not delete every object with it, if the values say so."""
    return _template([crd], when="$.Values.crds.enabled").replace(_ALL_LABELS, _ALL_LABELS + _KEPT, 1)


def _by_name(manifests: Iterable[Manifest]) -> dict[str, list[Manifest]]:
    listed: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        listed.setdefault(manifest["metadata"]["name"], []).append(manifest)
    return listed
