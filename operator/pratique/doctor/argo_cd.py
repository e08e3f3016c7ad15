"""Decides whether an Argo CD of the cluster knows the health of our kinds. Pure.

It takes what it does not know for healthy, so a sync would go on over a request that nobody has answered.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import yaml

from pratique.doctor.facts import Facts, Json
from pratique.doctor.findings import Finding, Level

_GROUP = "pratique.dev"
_KINDS = ("Action", "ActionRun", "Approval", "Environment", "NotificationChannel")
_ALL, _EACH = "resource.customizations", "resource.customizations.health."
_REMEDY = "patch it with examples/gitops/argo-cd/argocd-cm.yaml: docs/guides/argo-cd.md"


def judge_argo_cd(facts: Facts) -> list[Finding]:
    """Return what each Argo CD lacks, or that it lacks nothing; nothing where there is none."""
    found = []
    for settings in facts.argo_cd:
        where = f"ConfigMap {settings['metadata']['namespace']}/{settings['metadata']['name']}"
        patterns = list(_known(settings))
        lacking = [kind for kind in _KINDS if not any(fnmatchcase(f"{_GROUP}/{kind}", each) for each in patterns)]
        if lacking:
            text = f"{where} has no health check for {', '.join(lacking)}: a sync goes on before people have answered"
            found.append(Finding(Level.WARNING, "Argo CD", text, _REMEDY))
        else:
            found.append(Finding(Level.OK, "Argo CD", f"{where} knows the health of all kinds"))
    return found


def _known(settings: Json) -> Iterator[str]:
    """Yield the kinds that have a health check, as GROUP/KIND, either of which may hold `*`."""
    data = settings.get("data") or {}
    yield from (key.removeprefix(_EACH).replace("_", "/", 1) for key in data if key.startswith(_EACH))
    for key, value in _table(data.get(_ALL, "")).items():
        if isinstance(value, Mapping) and value.get("health.lua"):
            yield str(key)


def _table(text: str) -> Mapping[Any, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, Mapping) else {}
