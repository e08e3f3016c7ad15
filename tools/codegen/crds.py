"""Builds one CustomResourceDefinition per kind from its model.

Decides names, columns, subresources and the default status. It must not describe fields: those are in the models.
Called by `manifests.py` (install) and `__main__.py` (the files under crds/).
"""

from typing import Any

from pratique.api.v1alpha1 import GROUP, KINDS, VERSION
from pratique.api.v1alpha1.meta import KubeObject
from tools.codegen.schema import Schema, cel_validations, structural_schema

Manifest = dict[str, Any]

SELECTABLE = {
    "ActionRun": (".status.phase", ".status.settled"),
    "Approval": (".status.state", ".status.settled", ".spec.action"),
}
"""Fields that `kubectl get --field-selector` and watches may filter on."""

_API_VERSION = "The version of the schema of this object, pratique.dev/v1alpha1."


def crds() -> list[Manifest]:
    """Return the CustomResourceDefinitions."""
    return [crd(kind) for kind in KINDS]


def crd(kind: type[KubeObject]) -> Manifest:
    """Return the CustomResourceDefinition of one kind."""
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column.model_dump()) for column in kind.columns],
        "schema": {"openAPIV3Schema": root_schema(kind)},
    }
    if fields := SELECTABLE.get(kind.__name__):
        version["selectableFields"] = [{"jsonPath": path} for path in fields]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "pratique"}},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.__name__,
                "listKind": f"{kind.__name__}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": ["pratique"],
            },
            "scope": kind.scope,
            "versions": [version],
        },
    }


def root_schema(kind: type[KubeObject]) -> Schema:
    """Return the schema of a whole object: `spec` is required, so that `spec: null` can undo nothing."""
    status = structural_schema(kind.model_fields["status"].annotation)  # type: ignore[arg-type]
    schema: Schema = {
        "description": _prose(kind.__doc__),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": _API_VERSION, "type": "string"},
            "kind": {"description": f"The kind of this object, {kind.__name__}.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(kind.model_fields["spec"].annotation),  # type: ignore[arg-type]
            "status": {**status, "default": kind.default_status},
        },
    }
    if rules := getattr(kind, "cel_rules", ()):
        schema["x-kubernetes-validations"] = cel_validations(rules)
    return schema


def _prose(doc: str | None) -> str:
    return " ".join((doc or "").split())


def _column(column: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": column["name"],
        "type": column["type"],
        "description": column["description"],
        "jsonPath": column["json_path"],
        **({"priority": column["priority"]} if column["priority"] else {}),
    }
