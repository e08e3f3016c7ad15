"""Looks what of an Action the cluster has: its account and whether it is lent to us, its kinds, and their schemas.

It finds facts and says what is missing; what a template or an expression makes of a schema is judged in the sandbox. What
the API server does not let us see is taken for sound: runs are what finds it out then.
"""

from collections.abc import Iterator
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.cluster.client import Api, ApiError
from pratique.core.kernel.effects import Inspection, Json
from pratique.core.kernel.text import nearest

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_REVIEW = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
_KEPT = ("type", "properties", "items", "additionalProperties", "allOf", "oneOf", "anyOf", "$ref", "enum")
_MARKS = ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
_MAX_SCHEMAS = 64


async def inspect(api: Api, action: Action) -> Inspection:
    """Return what is missing, and the schemas of the kinds that are there; raises ApiError if the API server is away."""
    problems: list[str] = []
    schemas: dict[str, Json] = {}
    published = _Published(api)
    for path, version, kind in _named(action):
        problem = await _missing(api, version, kind)
        if problem is not None:
            problems.append(f"{path}.{problem}")
        elif (key := f"{version}/{kind}") not in schemas and (
            schema := await published.schema(version, kind)
        ) is not None:
            schemas[key] = schema
    problems += await _account(api, action)
    return Inspection(tuple(problems), schemas)


def _named(action: Action) -> Iterator[tuple[str, str, str]]:
    """Yield each kind that an Action names, with its field; the check of templates says of one that is computed."""
    acts_on = action.spec.acts_on
    if acts_on is not None:
        yield "spec.actsOn", acts_on.api_version, acts_on.kind
    for name, options in action.spec.inputs.offers.items():
        yield f"spec.inputs.fields.{name}.options.from", options.from_.api_version, options.from_.kind
    for index, stage in enumerate(action.spec.approval.stages):
        for place, source in stage.sources:
            yield f"spec.approval.stages[{index}].{place}", source.api_version, source.kind
    for index, each in enumerate(action.spec.execution.resources):
        raw = each.template if each.delete is None else each.delete.to_wire()
        version, kind = str(raw.get("apiVersion")), str(raw.get("kind"))
        if each.request is None and "${" not in version + kind:
            yield f"spec.execution.resources[{index}].{each.sort}", version, kind


async def _account(api: Api, action: Action) -> list[str]:
    """Say whether the ServiceAccount is missing, or not lent to us."""
    account, field = action.spec.execution.service_account_ref, "spec.execution.serviceAccountRef"
    try:
        await api.request("GET", f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}")
    except ApiError as error:
        if error.transient:
            raise
        if error.code == 404:
            where = f"{account.namespace}/{account.name}"
            return [f"{field}: there is no ServiceAccount {where}; create it, or name the one that is meant"]
    attributes = {"verb": "impersonate", "resource": "serviceaccounts", "version": "v1"}
    spec = {"resourceAttributes": {**attributes, "namespace": account.namespace, "name": account.name}}
    try:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = await api.request("POST", path, {**_REVIEW, "spec": spec}, fenced=False)
    except ApiError as error:
        if error.transient:
            raise
        return []
    if answer.get("status", {}).get("allowed") is not False:
        return []
    rule = f'{{apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate], resourceNames: [{account.name}]}}'
    return [
        f"{field}: the operator may not act as ServiceAccount {account.namespace}/{account.name}; in namespace"
        f" {account.namespace} bind the operator's ServiceAccount to a Role with the rule {rule}"
    ]


async def _missing(api: Api, version: str, kind: str) -> str | None:
    """Return what is wrong with apiVersion or kind, if the cluster does not have them."""
    try:
        if await api.has_kind(version, kind):
            return None
    except ApiError as error:
        if error.transient:
            raise
        return None
    known = [pair async for pair in _kinds(api)]
    same_kind = sorted({have for have, named in known if named == kind})
    here = sorted({named for have, named in known if have == version})
    if here:
        meant = nearest(kind, here)
        hint = f"did you mean {meant}?" if meant else _elsewhere(kind, same_kind)
        return f"kind: the cluster has no kind {kind} in {version}; {hint}"
    hint = _elsewhere(kind, same_kind)
    if not same_kind and (meant := nearest(version, {have for have, _ in known})):
        hint = f"did you mean {meant}?"
    return f"apiVersion: the cluster has no {version}; {hint}"


def _elsewhere(kind: str, versions: list[str]) -> str:
    if versions:
        return f"{kind} is in {', '.join(versions[:3])}"
    return "install what brings it (its CustomResourceDefinition), or mend the name"


async def _kinds(api: Api) -> Any:  # noqa: ANN401 - an async iterator of pairs
    """Yield every apiVersion and kind of the cluster."""
    for path in ("/api", "/apis"):
        found = await api.request("GET", path, accept=_DISCOVERY)
        for group in found.get("items") or ():
            name = group.get("metadata", {}).get("name") or ""
            for version in group.get("versions") or ():
                label = f"{name}/{version['version']}" if name else version["version"]
                for resource in version.get("resources") or ():
                    yield label, str((resource.get("responseKind") or {}).get("kind"))


class _Published:
    """The schemas that the API server publishes; where they are is read once, with the first kind of an Action."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._paths: Json | None = None

    async def schema(self, version: str, kind: str) -> Json | None:
        """Return the schema of a kind, as far as it is looked at; None if none is published."""
        part = f"apis/{version}" if "/" in version else f"api/{version}"
        try:
            if self._paths is None:
                self._paths = (await self._api.request("GET", "/openapi/v3")).get("paths") or {}
            address = self._paths.get(part, {}).get("serverRelativeURL")
            if not isinstance(address, str) or not address.startswith("/openapi/v3/"):
                return None
            return await self._kept(address, version, kind)
        except ApiError as error:
            if error.transient:
                raise
            return None

    async def _kept(self, address: str, version: str, kind: str) -> Json | None:
        key, schemas = f"{address} {kind}", self._api.schemas
        if key not in schemas:
            found = _of_kind(await self._api.request("GET", address), version, kind)
            if len(schemas) >= _MAX_SCHEMAS:
                schemas.clear()
            schemas[key] = found
        return schemas[key]


def _of_kind(document: Json, version: str, kind: str) -> Json | None:
    group, _, number = version.rpartition("/")
    wanted = {"group": group, "version": number, "kind": kind}
    components = document.get("components", {}).get("schemas", {})
    marks = {name: each.get("x-kubernetes-group-version-kind", ()) for name, each in components.items()}
    root = next((name for name, mark in marks.items() if wanted in mark), None)
    if root is None:
        return None
    kept: dict[str, Any] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in kept and name in components:
            kept[name] = _pruned(components[name])
            waiting += _references(kept[name])
    return {"root": root, "components": kept}


def _pruned(schema: Any) -> Any:  # noqa: ANN401
    """Return a schema without its texts, of which there are many."""
    if not isinstance(schema, dict):
        return schema
    pruned = {word: schema[word] for word in (*_KEPT, *_MARKS) if word in schema}
    if isinstance(pruned.get("properties"), dict):
        pruned["properties"] = {name: _pruned(each) for name, each in pruned["properties"].items()}
    for word in ("items", "additionalProperties"):
        if word in pruned:
            pruned[word] = _pruned(pruned[word])
    return pruned


def _references(schema: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
