"""What kubectl does for its plain commands, done in this process: the same requests, on a connection that is kept.

A call of the program costs up to a quarter of a second of CPU, and the request is a hundredth of that: it starts, reads
which kinds there are, and shakes hands anew. Tests of trust and of stories call it a thousand times, and are about what
the API server answers. What is sent here is what kubectl sends (it reads before it applies or patches), and what is
returned is what it would print: tests/controlplane/test_plain_kubectl.py compares both with the program. A command of
any other form, and an apply of what exists already, is the program's own work: `done` returns None.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
import yaml

from tests.support.http import Caller, Reply

Json = dict[str, Any]
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
DRY = " (server dry run)"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_ADMITTING = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingWebhookConfiguration")
_OURS = "/apis/pratique.dev/v1alpha1"
_PATCHES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json"}
_GONE_WITHIN = 60.0


@dataclass(frozen=True)
class Resource:
    """A kind, and where it is served."""

    kind: str
    api: str = "/api/v1"
    everywhere: bool = False
    """Whether it lives in no namespace."""

    @property
    def singular(self) -> str:
        """The kind in small letters."""
        return self.kind.lower()

    @property
    def plural(self) -> str:
        """As which it is served."""
        return f"{self.singular[:-1]}ies" if self.kind.endswith("y") else f"{self.singular}s"

    @property
    def group(self) -> str:
        """The group, for example `apps`; empty for the first kinds of Kubernetes."""
        return self.api.split("/")[2] if self.api.startswith("/apis/") else ""

    @property
    def version(self) -> str:
        """What objects say as their apiVersion."""
        return self.api.removeprefix("/apis/").removeprefix("/api/")

    def title(self, name: str) -> str:
        """Return how kubectl names one, for example `deployment.apps/web`."""
        return f"{self.singular}.{self.group}/{name}" if self.group else f"{self.singular}/{name}"

    def path(self, namespace: str | None, name: str = "") -> str:
        """Return the path of one of them, or of all; without a namespace, of those everywhere."""
        space = f"/namespaces/{namespace}" if namespace and not self.everywhere else ""
        return f"{self.api}{space}/{self.plural}" + (f"/{name}" if name else "")


RESOURCES = (
    *(Resource(kind) for kind in ("ConfigMap", "Secret", "ServiceAccount", "ResourceQuota", "Service", "Pod")),
    Resource("Namespace", everywhere=True),
    Resource("CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1", everywhere=True),
    *(Resource(kind, _ADMISSION, everywhere=True) for kind in _ADMITTING),
    Resource("Deployment", "/apis/apps/v1"),
    Resource("Job", "/apis/batch/v1"),
    Resource("Lease", "/apis/coordination.k8s.io/v1"),
    *(Resource(kind, _RBAC) for kind in ("Role", "RoleBinding")),
    *(Resource(kind, _RBAC, everywhere=True) for kind in ("ClusterRole", "ClusterRoleBinding")),
    *(Resource(kind, _OURS) for kind in ("ActionRun", "Approval", "Environment")),
    *(Resource(kind, _OURS, everywhere=True) for kind in ("Action", "NotificationChannel")),
)
"""The kinds that tests work with all the time."""
BY_NAME = {name: each for each in RESOURCES for name in (each.singular, each.plural)}
BY_NAME["crd"] = BY_NAME["customresourcedefinition"]
_BY_KIND: dict[tuple[object, object], Resource] = {(each.version, each.kind): each for each in RESOURCES}


@dataclass
class Said:
    """What was printed, and how it ended."""

    code: int = 0
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def fail(self, sentence: str) -> None:
        """It failed, with this sentence."""
        self.code = 1
        self.err.append(sentence)

    @property
    def texts(self) -> tuple[str, str]:
        """What went to standard output and to standard error."""
        return "".join(f"{each}\n" for each in self.out), "".join(f"{each}\n" for each in self.err)


class NotPlainError(Exception):
    """This is not a plain command: it is the program's to do, and nothing was sent yet."""


@dataclass(frozen=True)
class Command:
    """A plain command, read."""

    verb: str
    words: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, args: tuple[str, ...]) -> "Command":
        """Read it, or raise NotPlainError."""
        if not args or args[0] not in _OPTIONS:
            raise NotPlainError
        verb, words, options = args[0], [], {}
        rest = iter(args[1:])
        for each in rest:
            if not each.startswith("-"):
                words.append(each)
                continue
            name, joined, value = each.partition("=")
            if name not in _OPTIONS[verb]:
                raise NotPlainError
            options[_LONG.get(name, name)] = value if joined or name in _FLAGS else next(rest, "")
        return cls(verb, tuple(words), options)

    @property
    def namespace(self) -> str | None:
        """The namespace that was named."""
        return self.options.get("--namespace")

    @property
    def output(self) -> str | None:
        """How it shall be printed."""
        return self.options.get("-o")

    def parameters(self, manager: str) -> dict[str, str]:
        """Return what kubectl says in the query of a write."""
        dry = {"dryRun": "All"} if "--dry-run" in self.options else {}
        return {"fieldManager": manager, **dry}

    @property
    def dry(self) -> str:
        """What is said behind a result that stays nowhere."""
        return DRY if "--dry-run" in self.options else ""


_LONG = {"-n": "--namespace"}
_FLAGS = ("-A", "--ignore-not-found")
_WHERE = ("-n", "--namespace")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "create": (*_WHERE, "-f", "-o", "--dry-run"),
    "apply": (*_WHERE, "-f", "--dry-run"),
    "patch": (*_WHERE, "-p", "--type", "--subresource", "--dry-run", "-o"),
    "get": (*_WHERE, "-o", "-A"),
    "delete": (*_WHERE, "--wait", "--ignore-not-found"),
}
_VALUES = {"--dry-run": ("server",), "-f": ("-",), "-o": ("json", "name"), "--wait": ("true", "false")}


def done(caller: Caller, args: tuple[str, ...], given: str | None) -> Said | None:
    """Do what kubectl would do; None if this is the program's to do, which it then is from the beginning."""
    try:
        command = Command.read(args)
        if any(command.options.get(name, values[0]) not in values for name, values in _VALUES.items()):
            return None
        return _DO[command.verb](caller, command, given)
    except (NotPlainError, urllib3.exceptions.HTTPError):
        return None


def _create(caller: Caller, command: Command, given: str | None) -> Said:
    if command.words[:1] == ("namespace",) and len(command.words) == 2 and set(command.options) <= {"--dry-run"}:
        made: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": command.words[1]}}
        return _made(caller, command, [(BY_NAME["namespace"], made)], source=False)
    if command.words or "-f" not in command.options or command.output == "name":
        raise NotPlainError
    return _made(caller, command, list(_objects(command, given)))


def _made(caller: Caller, command: Command, objects: list[tuple[Resource, Json]], *, source: bool = True) -> Said:
    said = Said()
    if command.output == "json" and len(objects) != 1:
        raise NotPlainError
    for resource, body in objects:
        parameters = {**command.parameters("kubectl-create"), "fieldValidation": "Strict"}
        reply = caller.send("POST", _collection(resource, body), body, params=parameters)
        if not reply.ok:
            said.fail(_refusal(reply, "error when creating" if source else ""))
        elif command.output == "json":
            said.out.append(_shown(reply.body))
        else:
            said.out.append(f"{resource.title(reply.body['metadata']['name'])} created{command.dry}")
    return said


def _apply(caller: Caller, command: Command, given: str | None) -> Said:
    if command.words or "-f" not in command.options:
        raise NotPlainError
    objects = list(_objects(command, given))
    if not objects or not all(body["metadata"].get("name") and not _has_null(body) for _, body in objects):
        raise NotPlainError
    # What exists already is patched by a three-way merge: that is the program's.
    for resource, body in objects:
        if caller.send("GET", f"{_collection(resource, body)}/{body['metadata']['name']}").code != 404:
            raise NotPlainError
    said = Said()
    for resource, body in objects:
        parameters = {**command.parameters("kubectl-client-side-apply"), "fieldValidation": "Strict"}
        reply = caller.send("POST", _collection(resource, body), _annotated(body), params=parameters)
        if reply.ok:
            said.out.append(f"{resource.title(body['metadata']['name'])} created{command.dry}")
        else:
            said.fail(_refusal(reply, "error when creating"))
    return said


def _has_null(value: Any) -> bool:
    """Whether a null is anywhere in it: an apply leaves some of them out."""
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


def _annotated(body: Json) -> Json:
    annotations = dict(body["metadata"].get("annotations") or {})
    annotations.pop(APPLIED, None)
    metadata = {**body["metadata"], "annotations": annotations}
    text = json.dumps({**body, "metadata": metadata}, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return {**body, "metadata": {**metadata, "annotations": {**annotations, APPLIED: f"{text}\n"}}}


def _patch(caller: Caller, command: Command, given: str | None) -> Said:
    kind, name = _one(command.words)
    type_, part = command.options.get("--type"), command.options.get("--subresource")
    if type_ not in _PATCHES or "-p" not in command.options or part not in (None, "status"):
        raise NotPlainError
    if command.output == "name" or not _readable(command.options["-p"]):
        raise NotPlainError
    path = kind.path(_space(kind, command), name) + (f"/{part}" if part else "")
    before = caller.send("GET", path)
    said = Said()
    if not before.ok:
        said.fail(_refusal(before))
        return said
    text = command.options["-p"].encode()
    parameters = command.parameters("kubectl-patch")
    reply = caller.send("PATCH", path, text, content_type=_PATCHES[type_], params=parameters)
    if not reply.ok:
        said.fail(_refusal(reply))
    elif command.output == "json":
        said.out.append(_shown(reply.body))
    else:
        unchanged = " (no change)" if reply.body == before.body else ""
        said.out.append(f"{kind.title(name)} patched{unchanged}")
    return said


def _shown(body: Json) -> str:
    """Return an object, or a list of them, as `-o json` shows it: without who manages which field."""
    for each in body.get("items", [body]):
        each["metadata"].pop("managedFields", None)
    return json.dumps(body, indent=4)


def _readable(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _get(caller: Caller, command: Command, given: str | None) -> Said:
    if command.output is None or not command.words or given is not None:
        raise NotPlainError
    everywhere = "-A" in command.options
    said = Said()
    if len(command.words) == 1 and "/" not in command.words[0]:
        kind = _kind(command.words[0])
        reply = caller.send("GET", kind.path(None if everywhere else _space(kind, command)))
        if not reply.ok:
            said.fail(_refusal(reply))
        found = reply.body["items"] if reply.ok else []
        items = [{"apiVersion": kind.version, "kind": kind.kind, **each} for each in found]
        if command.output == "name":
            said.out += [kind.title(each["metadata"]["name"]) for each in items]
        else:
            listed = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
            said.out.append(_shown(listed))
        return said
    kind, name = _one(command.words)
    if everywhere:
        raise NotPlainError
    reply = caller.send("GET", kind.path(_space(kind, command), name))
    if not reply.ok:
        said.fail(_refusal(reply))
    else:
        said.out.append(kind.title(name) if command.output == "name" else _shown(reply.body))
    return said


def _delete(caller: Caller, command: Command, given: str | None) -> Said:
    if given is not None:
        raise NotPlainError
    said, going = Said(), []
    for kind, name in _several(command.words):
        path = kind.path(_space(kind, command), name)
        reply = caller.send("DELETE", path, {"propagationPolicy": "Background"})
        if reply.code == 404 and "--ignore-not-found" in command.options:
            continue
        if not reply.ok:
            said.fail(_refusal(reply))
            continue
        going.append(path)
        said.out.append(f'{kind.title("")[:-1]} "{name}" deleted')
    if command.options.get("--wait") != "false":
        deadline = time.monotonic() + _GONE_WITHIN
        for path in going:
            while caller.send("GET", path).ok:
                if time.monotonic() > deadline:
                    said.fail(f"{path} is still there after {_GONE_WITHIN:g} s")
                    break
                time.sleep(0.02)
    return said


_DO = {"create": _create, "apply": _apply, "patch": _patch, "get": _get, "delete": _delete}


def _objects(command: Command, given: str | None) -> Iterator[tuple[Resource, Json]]:
    """Yield what was given on standard input, each with its namespace."""
    for body in _documents(given or ""):
        resource = _BY_KIND.get((body.get("apiVersion"), body.get("kind")))
        metadata = body.get("metadata")
        if resource is None or not isinstance(metadata, dict):
            raise NotPlainError
        if resource.everywhere:
            if "namespace" in metadata:
                raise NotPlainError
            yield resource, body
            continue
        space = command.namespace or metadata.get("namespace") or "default"
        if metadata.get("namespace", space) != space:
            raise NotPlainError
        yield resource, {**body, "metadata": {**metadata, "namespace": space}}


def _documents(text: str) -> Iterator[Json]:
    try:
        found = [json.loads(text)] if text.lstrip().startswith("{") else list(yaml.load_all(text, _Loader))
    except (ValueError, yaml.YAMLError, RecursionError):
        raise NotPlainError from None
    for each in found:
        if not isinstance(each, dict):
            raise NotPlainError
        items = each["items"] if each.get("kind") == "List" else [each]
        if not all(isinstance(item, dict) for item in items):
            raise NotPlainError
        yield from items


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _collection(resource: Resource, body: Json) -> str:
    return resource.path(body["metadata"].get("namespace"))


def _kind(word: str) -> Resource:
    name, _, group = word.partition(".")
    found = BY_NAME.get(name)
    if found is None or group not in ("", found.group):
        raise NotPlainError
    return found


def _space(kind: Resource, command: Command) -> str | None:
    return None if kind.everywhere else command.namespace or "default"


def _one(words: tuple[str, ...]) -> tuple[Resource, str]:
    found = list(_several(words))
    if len(found) != 1:
        raise NotPlainError
    return found[0]


def _several(words: tuple[str, ...]) -> Iterator[tuple[Resource, str]]:
    """Yield the objects of `KIND NAME…` or `KIND/NAME…`."""
    if words and all("/" in each for each in words):
        for each in words:
            kind, _, name = each.partition("/")
            yield _kind(kind), _plain(name)
    elif len(words) >= 2 and not any("/" in each for each in words):
        kind_ = _kind(words[0])
        yield from ((kind_, _plain(name)) for name in words[1:])
    else:
        raise NotPlainError


def _plain(name: str) -> str:
    if not name or not all(each.isalnum() or each in "-." for each in name):
        raise NotPlainError
    return name


def _refusal(reply: Reply, doing: str = "") -> str:
    """Return how kubectl says what the API server answered."""
    status: Json = reply.body if isinstance(reply.body, dict) else {"message": reply.message}
    reason, message, details = status.get("reason"), status.get("message", ""), status.get("details")
    if reason == "Invalid":
        return _invalid(message, details)
    if doing:
        message = f'{doing} "STDIN": {message}'
    if reason == "Unauthorized":
        return f"error: You must be logged in to the server ({message})"
    return f"Error from server ({reason}): {message}" if reason else f"Error from server: {message}"


def _invalid(message: str, details: Json | None) -> str:
    if details is None:
        return f"The request is invalid: {message}" if message else "The request is invalid"
    said = "The request is invalid"
    if details.get("kind") or details.get("name"):
        said = f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid'
    elif message and not details.get("causes"):
        said += f": {message}"
    causes = [f"{each.get('field', '')}: {each.get('message', '')}" for each in details.get("causes", [])]
    distinct = list(dict.fromkeys(causes))
    if not distinct:
        return said
    if len(distinct) == 1:
        return f"{said}: {distinct[0]}"
    return "\n".join([f"{said}: ", *(f"* {each}" for each in distinct)])
