"""What an attack is: data. Who tries what against which state, the verbatim answer, who gives it, and the allowed twin.

Sends nothing. The modules beside it hold the attacks, `world.py` the state that they meet, `table.py` all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders.manifests import API_VERSION
from tests.support.http import JSON, Headers

SPACE = "harbour"
"""The namespace of all attacks: a fixed name, so that answers are verbatim."""

Json = dict[str, Any]
Live = Callable[[str], Json]
"""Returns an object as it is, by its target, for those who replace it."""

_KINDS = {
    "actions": "Action",
    "actionruns": "ActionRun",
    "approvals": "Approval",
    "delegations": "Delegation",
    "environments": "Environment",
    "notificationchannels": "NotificationChannel",
}
_CLUSTER_WIDE = ("actions", "delegations", "notificationchannels")
_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
    "strategic": "application/strategic-merge-patch+json",
}


@dataclass(frozen=True)
class Request:
    """One HTTP request. A dry run unless the real thing is needed."""

    method: str
    path: str
    body: Any = None
    content_type: str = JSON
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = ()
    dry: bool = True

    @property
    def query(self) -> dict[str, str]:
        """All parameters."""
        return {**({"dryRun": "All"} if self.dry else {}), **self.params}


def path_of(target: str) -> str:
    """Return the path of `plural[/name[/subresource]]` of ours."""
    scope = "" if target.split("/", maxsplit=1)[0] in _CLUSTER_WIDE else f"/namespaces/{SPACE}"
    return f"/apis/{API_VERSION}{scope}/{target}"


def patch(target: str, body: Any, kind: str = "merge", **params: str) -> Request:
    """Return a PATCH of an object of ours."""
    return Request("PATCH", path_of(target), body, _PATCHES[kind], params)


def apply(target: str, body: Json, manager: str = "attacks", **params: str) -> Request:
    """Return a server-side apply; `body` holds what follows kind and name."""
    plural, name = target.split("/")[:2]
    manifest = {"apiVersion": API_VERSION, "kind": _KINDS[plural], **body}
    manifest["metadata"] = {"name": name, **body.get("metadata", {})}
    return Request("PATCH", path_of(target), manifest, _PATCHES["apply"], {"fieldManager": manager, **params})


def create(manifest: Json, **params: str) -> Request:
    """Return a POST of an object of ours."""
    plural = next(plural for plural, kind in _KINDS.items() if kind == manifest["kind"])
    return Request("POST", path_of(plural), manifest, JSON, params)


def replacing(target: str, change: Callable[[Json], None], **params: str) -> Request:
    """Return a PUT of an object as it is, but for one change."""

    def body(live: Live) -> Json:
        found = live("/".join(target.split("/")[:2]))
        change(found)
        return found

    return Request("PUT", path_of(target), body, JSON, params)


def delete(target: str, options: Json | None = None, **params: str) -> Request:
    """Return a DELETE of an object, or of a collection, of ours; a body with options makes the query count for nothing."""
    body = None if options is None else {**options, "dryRun": ["All"]}
    return Request("DELETE", path_of(target), body, JSON, params)


def raw(method: str, path: str, body: Any = None, **more: Any) -> Request:
    """Return a request to any path."""
    return Request(method, path, body, **more)


def for_real(request: Request) -> Request:
    """Return the same request, but no dry run."""
    return replace(request, dry=False)


def by_headers(request: Request, *headers: tuple[str, str]) -> Request:
    """Return the same request with further headers."""
    return replace(request, headers=(*request.headers, *headers))


@dataclass(frozen=True)
class Denial:
    """Who says no, by which rule, in which words.

    `by` is a policy, `crd/PLURAL`, or one of RBAC, schema, API server. `rule` is the rule's own message, where it is one of
    ours; `sentence` differs from it where the sentence has names in it.
    """

    by: str
    rule: str = ""
    sentence: str = ""

    @property
    def told(self) -> str:
        """The sentence that is answered."""
        return self.sentence or self.rule


@dataclass(frozen=True)
class Seen:
    """A value that is known only when it is there: what the table calls it, and whether one is it."""

    text: str
    holds: Callable[[Any], bool]


def _is_now(found: Any) -> bool:
    age = datetime.now(UTC) - datetime.fromisoformat(found) if isinstance(found, str) else timedelta.max
    return abs(age) < timedelta(minutes=10)


NOW = Seen("the time of the request", _is_now)


@dataclass(frozen=True)
class Shows:
    """Accepted, without the effect: what the answer shows at a path (parts with dots in them between slashes)."""

    path: str
    value: Any
    by: str = ""
    rule: str = ""
    """The mutating policy that undoes it, and its patch, which is `stamp`; else the API server does."""


@dataclass(frozen=True)
class Proven:
    """Needs an operator, or more than a request: the test that proves it, and what it sees."""

    test: str
    sentence: str
    by: str = "operator"


@dataclass(frozen=True)
class Twin:
    """The same, allowed."""

    who: str
    what: str
    request: Request


@dataclass(frozen=True)
class Attack:
    """One line of the table."""

    id: str
    point: int
    who: str
    what: str
    request: Request | None
    answer: Denial | Shows | Proven
    twin: Twin | None = None
    peer: str = ""
    behind: tuple[Denial | Shows, ...] = ()
    """Who else says no once the rule is gone: defence in depth. Without all of them it is accepted."""
