"""By which marks an object is known to be held by Git: a GitOps controller makes it again when it is deleted. Pure data.

Used by the planner of Environments and by the policy for them. What a run made is not held, whatever its template copied.
"""

from collections.abc import Mapping

from pratique.core.plans.objects import RUN_UID_LABEL

LABELS = ("app.kubernetes.io/instance", "kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
ANNOTATIONS = ("argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name")
MANAGERS = "^(argocd|kustomize-controller|helm)"
"""Field managers of those who apply what Git holds."""


def git_mark(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    """Return the mark that says that Git holds an object, with its value; None if it is not held."""
    if RUN_UID_LABEL in labels:
        return None
    marks = [(key, labels[key]) for key in LABELS if key in labels]
    marks += [(key, annotations[key]) for key in ANNOTATIONS if key in annotations]
    return next((f"{key}: {value}" for key, value in marks), None)
