"""Waits until an API server has seen a change of rights: its authorizer follows roles and bindings by watches.

Whoever is bound and asks at once may still be refused, and whoever is unbound may still be let in. A watch brings the
changes of one kind in their order, so a role and a binding that are made afterwards, and seen, come behind all others.
"""

import re
import time
import uuid
from typing import Any

from tests.support.http import Caller

_WRITES = ("create", "apply", "patch", "replace", "delete")
_IN_TEXT = re.compile(r"\bkind[\"']?:\s*[\"']?(Cluster)?Role(Binding)?\b")
_IN_WORDS = re.compile(r"\b(cluster)?role(binding)?s?\b", re.IGNORECASE)
_RBAC = "rbac.authorization.k8s.io"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_SEEN_WITHIN = 15.0


def change_rights(args: tuple[str, ...], given: str | None) -> bool:
    """Whether this command of kubectl may change a role or a binding."""
    if not args or args[0] not in _WRITES or any(each.startswith("--dry-run") for each in args):
        return False
    return any(_IN_WORDS.search(each) for each in args[1:3]) or bool(_IN_TEXT.search(given or ""))


def wait_until_seen(admin: Caller) -> None:
    """Return once the authorizer has seen all that was written to roles and bindings before."""
    name = f"seen-{uuid.uuid4().hex[:12]}"
    made: list[str] = []
    try:
        for scope, space in (("Cluster", ""), ("", "/namespaces/default")):
            for kind, body in ((f"{scope}Role", _role(name)), (f"{scope}RoleBinding", _binding(name, f"{scope}Role"))):
                path = f"/apis/{_RBAC}/v1{space}/{kind.lower()}s"
                reply = admin.send("POST", path, {**body, "apiVersion": f"{_RBAC}/v1", "kind": kind})
                assert reply.ok, reply.message
                made.append(f"{path}/{name}")
            _until_allowed(admin, name, "default" if space else "")
            for path in made:  # the right of the cluster would answer for that of the namespace
                admin.send("DELETE", path)
            made.clear()
            name += "-too"
    finally:
        for path in made:
            admin.send("DELETE", path)


def _role(name: str) -> dict[str, Any]:
    rule = {"apiGroups": ["tests.pratique.dev"], "resources": ["nothings"], "verbs": ["get"]}
    return {"metadata": {"name": name}, "rules": [rule]}


def _binding(name: str, kind: str) -> dict[str, Any]:
    subject = {"apiGroup": _RBAC, "kind": "User", "name": name}
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
        "subjects": [subject],
    }


def _until_allowed(admin: Caller, user: str, namespace: str) -> None:
    attributes = {"group": "tests.pratique.dev", "resource": "nothings", "verb": "get", "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    deadline = time.monotonic() + _SEEN_WITHIN
    while True:
        reply = admin.send("POST", _REVIEWS, review)
        if reply.ok and reply.body["status"]["allowed"]:
            return
        assert time.monotonic() < deadline, f"the API server has not seen a binding for {_SEEN_WITHIN:g} s: {reply}"
        time.sleep(0.005)
