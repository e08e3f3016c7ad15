# ruff: noqa: E501 - answers as they come
"""What may be said of an API server's answer, and what it is worth: answers of a real one, with a value planted in each."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from pratique.core.kernel.answers import Cause, Standing, judge

PLANTED = "zqplantedvaluexk"
WHOLE = json.dumps(
    {"apiVersion": "v1", "data": {"password": PLANTED}, "metadata": {"annotations": {"x": '": not of type string'}}}
)
JOB_SPEC = json.dumps({"Containers": [{"Name": "c", "Env": [{"Name": "P", "Value": PLANTED}]}]})


def status(
    message: str,
    reason: str = "Invalid",
    causes: Iterable[tuple[str, ...]] = (),
    code: int = 422,
    **details: Any,
) -> dict[str, Any]:
    body = {"kind": "Status", "reason": reason, "message": message, "code": code}
    return body | {"details": {"causes": [{"field": field, "message": said} for field, said in causes], **details}}


def caused(field: Any, message: Any) -> Any:
    return status(f'X "x" is invalid: {field}: {message}', causes=[(field, message)])


def patch(tail: Any, shown: Any = WHOLE) -> Any:
    return caused("patch", f"Invalid value: {json.dumps(shown)}: {tail}")


TERMINATING = 'configmaps "x" is forbidden: unable to create new content in namespace p because it is being terminated'
RIGHTS = (
    'configmaps is forbidden: User "nobody" cannot create resource "configmaps" in API group "" in the namespace "p"'
)
GRANT = (
    'roles.rbac.authorization.k8s.io "x" is forbidden: user "binder" (groups=["system:authenticated"]) is attempting to'
    ' grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}\n{APIGroups:["apps"]}'
)
QUOTA = (
    'pods "x" is forbidden: exceeded quota: q, requested: requests.cpu=3, used: requests.cpu=0, limited: requests.cpu=1'
)
BUSY = (
    'Operation cannot be fulfilled on resourcequotas "busy": the object has been modified;'
    " please apply your changes to the latest version and try again"
)
POLICY = "ValidatingAdmissionPolicy 'p.example' with binding 'b' denied request"
PODS = "pod updates may not change fields other than `spec.containers[*].image`"


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        (
            422,
            patch("json: cannot unmarshal number into Go struct field ObjectMeta.metadata.annotations of type string"),
            "metadata.annotations: must be a string, not a number (json: cannot unmarshal number into Go struct field ObjectMeta.metadata.annotations)",
        ),
        (
            422,
            patch("json: cannot unmarshal number 3.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
            "spec.replicas: must be an integer, not a number (json: cannot unmarshal number into Go struct field DeploymentSpec.spec.replicas)",
        ),
        (
            422,
            patch("json: cannot unmarshal string into Go struct field S.spec.x of type map[string]string"),
            "spec.x: must be an object, not a string (json: cannot unmarshal string into Go struct field S.spec.x)",
        ),
        (422, patch("json: cannot unmarshal bool into Go value of type []v1.Port"), "the object: must be a list, not true or false (json: cannot unmarshal bool into Go value)"),
        (422, patch("json: cannot unmarshal array into Go value of type v1.Foo"), "the object: must be Foo, not a list (json: cannot unmarshal array into Go value)"),
        (422, patch('strict decoding error: unknown field "spec.x"'), 'unknown field "spec.x"'),
        (422, patch("cannot convert int64 to string", "map[metadata:map[a:30]]"), "cannot convert int64 to string"),
        (422, patch(f'parsing time "{PLANTED}" as "2006"'), "the patch does not fit the object"),
        (422, caused("patch", f"Invalid value: {WHOLE[:40]} {PLANTED}: illegal"), "the patch does not fit the object"),
        (422, caused("patch", f'Invalid value: "{PLANTED}'), "the patch does not fit the object"),
        (422, caused("spec.template", f"Invalid value: {JOB_SPEC}: field is immutable"), "spec.template: Invalid value: field is immutable"),
        (422, caused("spec.t", f"Invalid value: core.PodSpec{{Env: {PLANTED}}}: field is immutable"), "spec.t: Invalid value"),
        (422, caused("spec.t", f'Invalid value: {{"a": {PLANTED}}}: x'), "spec.t: Invalid value"),
        (422, caused("spec", f"Forbidden: {PODS}\n- {PLANTED}"), f"spec: Forbidden: {PODS}"),
        (422, caused("spec.x", f'Unsupported value: "{PLANTED}": supported values: "a", "b"'), 'spec.x: Unsupported value: supported values: "a", "b"'),
        (422, caused("metadata.uid", 'Invalid value: "abc": field is immutable'), "it is another object now: it was deleted and made again"),
        (422, caused("spec.n", "Invalid value: 70: spec.n in body should be less than or equal to 9"), "spec.n: Invalid value: spec.n in body should be less than or equal to 9"),
        (422, caused("spec.n", "Required value"), "spec.n: Required value"),
        (422, caused("spec.n", "not known: to us"), "spec.n: not known: to us"),
        (422, status("x", causes=[("", "whatever"), ("", "whatever")]), "the request is refused: whatever"),
        (422, status("x", causes=[(f"f{at}", "Required value") for at in range(5)]), "f0: Required value; f1: Required value; f2: Required value; and 2 more"),
        (422, status(f'c "c" is forbidden: {POLICY}: no way'), f"{POLICY}: no way"),
        (422, status("x", causes=[("", f"{POLICY}: no way")]), f"{POLICY}: no way"),
        (403, status('admission webhook "w.example" denied the request: images must be signed', "Forbidden"), 'admission webhook "w.example" denied the request: images must be signed'),
        (400, status('admission webhook "w.example" does not support dry run', "BadRequest"), 'admission webhook "w.example" does not support dry run'),
        (403, status('pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', "Forbidden"), 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'),
        (403, status(QUOTA, "Forbidden"), QUOTA),
        (403, status(RIGHTS, "Forbidden"), RIGHTS),
        (403, status(GRANT, "Forbidden"), 'roles.rbac.authorization.k8s.io "x" is forbidden: user "binder" is attempting to grant RBAC permissions not currently held: {APIGroups:[""], Resources:["pods"], Verbs:["get"]}'),
        (403, status(GRANT.split("\n", maxsplit=1)[0], "Forbidden"), 'roles.rbac.authorization.k8s.io "x" is forbidden: user "binder" is attempting to grant RBAC permissions not currently held'),
        (403, status(TERMINATING, "Forbidden"), TERMINATING),
        (403, status('pods "p" is forbidden: maximum cpu usage per Container is 2', "Forbidden"), 'pods "p" is forbidden: maximum cpu usage per Container is 2'),
        (404, status('namespaces "nope" not found', "NotFound"), 'namespaces "nope" not found'),
        (404, None, "HTTP 404, without a reason that can be shown"),
        (409, status(BUSY, "Conflict"), BUSY),
        (409, status('Operation cannot be fulfilled on ConfigMap "c": the UID in the precondition (a) does not match', "Conflict"), 'ConfigMap "c" is another object now: it was deleted and made again'),
        (400, status('ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dat", unknown field "b"', "BadRequest"), 'unknown field "dat", unknown field "b"'),
        (400, status(f"the object provided is unrecognized: json parse error ({PLANTED})", "BadRequest"), "the API server answered BadRequest (HTTP 400)"),
        (500, status('Internal error occurred: failed calling webhook "w.example": failed to call webhook: Post "https://x/y": dial tcp: connect: connection refused', "InternalError"), 'failed calling webhook "w.example": it takes no connection'),
        (500, status(f'Internal error occurred: failed calling webhook "w.example": {PLANTED}', "InternalError"), 'failed calling webhook "w.example": it gave no answer that can be used'),
        (500, status(f"Internal error occurred: {PLANTED}", "InternalError"), "the API server answered InternalError (HTTP 500)"),
        (500, status("etcdserver: leader changed", ""), "etcdserver: leader changed"),
        (418, {"kind": "Status", "details": "odd", "reason": f"{PLANTED} {PLANTED}"}, "the API server answered no reason (HTTP 418)"),
        (418, {"kind": "Status", "details": {"causes": ["odd"]}}, "the API server answered no reason (HTTP 418)"),
    ],
)  # fmt: skip
def test_what_may_be_said(code: int, body: dict[str, Any] | None, message: str) -> None:
    said = judge(code, body)
    assert said.message == message
    assert PLANTED not in repr(said)


def test_what_is_said_is_bounded() -> None:
    causes = [(f"spec.{'x' * 300}{at}", "Invalid value: 1: " + "y" * 2000) for at in range(9)]
    assert len(judge(422, status("x", causes=causes)).message) <= 400


@pytest.mark.parametrize(
    ("code", "body", "standing", "cause"),
    [
        (409, status(BUSY, "Conflict"), Standing.PASSES, Cause.BUSY_QUOTA),
        (409, status(BUSY.replace("resourcequotas", "deployments.apps"), "Conflict"), Standing.OURS, Cause.CHANGED),
        (409, status("Precondition failed: UID in precondition: a", "Conflict"), Standing.FINAL, Cause.REPLACED),
        (409, status("Apply failed with 1 conflict", "Conflict"), Standing.FINAL, Cause.OTHER),
        (422, caused("metadata.uid", 'Invalid value: "a": field is immutable'), Standing.FINAL, Cause.REPLACED),
        (422, patch("no"), Standing.FINAL, Cause.OTHER),
        (403, status(RIGHTS, "Forbidden"), Standing.FINAL, Cause.RIGHTS),
        (403, status(GRANT, "Forbidden"), Standing.FINAL, Cause.GRANT),
        (403, status(TERMINATING, "Forbidden"), Standing.FINAL, Cause.TERMINATING),
        (403, status('pods "x" is forbidden: status unknown for quota: q, resources: pods', "Forbidden"), Standing.PASSES, Cause.NEW_QUOTA),
        (403, status('pods "x" is forbidden: not yet ready to handle request', "Forbidden"), Standing.PASSES, Cause.STARTING),
        (403, status(QUOTA, "Forbidden"), Standing.FINAL, Cause.OTHER),
        (400, status('admission webhook "w" does not support dry run', "BadRequest"), Standing.FINAL, Cause.NO_DRY_RUN),
        (500, status('failed calling webhook "w": x', "InternalError"), Standing.PASSES, Cause.WEBHOOK_AWAY),
        (500, status("etcdserver: leader changed", ""), Standing.PASSES, Cause.OTHER),
        (401, status("Unauthorized", "Unauthorized"), Standing.PASSES, Cause.OTHER),
        (429, None, Standing.PASSES, Cause.OTHER),
        (404, None, Standing.FINAL, Cause.MISSING),
        (409, status('configmaps "c" already exists', "AlreadyExists"), Standing.FINAL, Cause.OTHER),
    ],
)  # fmt: skip
def test_what_it_is_worth(code: int, body: dict[str, Any] | None, standing: Standing, cause: Cause) -> None:
    found = judge(code, body)
    assert (found.standing, found.cause) == (standing, cause)


@pytest.mark.parametrize(
    ("reason", "message", "missing"),
    [
        ("NotFound", 'namespaces "nope" not found', "nope"),
        (
            "Forbidden",
            'pods "x" is forbidden: error looking up service account p/sa: serviceaccount "sa" not found',
            "sa",
        ),
        ("Forbidden", 'pods "x" is forbidden: no PriorityClass with name high was found', "high"),
        ("NotFound", "the server could not find the requested resource", ""),
    ],
)
def test_what_is_missing(reason: str, message: str, missing: str) -> None:
    found = judge(404 if reason == "NotFound" else 403, status(message, reason))
    assert (found.cause, found.missing) == (Cause.MISSING, missing)


@pytest.mark.parametrize(
    ("code", "reason"), [(404, "NotFound"), (409, "Conflict"), (401, "Unauthorized"), (422, "AlreadyExists")]
)
def test_a_policy_that_says_no_is_a_verdict_whatever_it_calls_it(code: int, reason: str) -> None:
    """Else it could say that an object is gone, or that the request will pass."""
    found = judge(code, status(f"{POLICY}: {RIGHTS}", reason, code=code))
    assert (found.reason, found.standing, found.cause) == ("Forbidden", Standing.FINAL, Cause.OTHER)


def test_a_webhook_that_is_broken_passes() -> None:
    body = status('admission webhook "w.example" denied the request: no database', "InternalError")
    assert judge(500, body).standing is Standing.PASSES


def test_what_others_wrote_is_hidden_or_left_out() -> None:
    found = judge(422, status(f'c "c" is forbidden: {POLICY}: {PLANTED} is weak'))
    assert found.has_words and found.without({"data": {"a": PLANTED}}).message == f"{POLICY}: (hidden) is weak"
    assert found.bare().message == POLICY and not found.bare().has_words


def test_what_was_not_done_is_sent_again() -> None:
    assert judge(429, None).undone and judge(409, status(BUSY, "Conflict")).undone
    assert not judge(503, None).undone and not judge(409, status("x", "Conflict")).undone


@pytest.mark.parametrize(
    "said",
    [
        "ttl is longer than maxTTL allows",
        "quota has the key request.cpu, which limits nothing: did you mean requests.cpu?",
        "quota: pods is 2.5: these are counted, so it must be a whole number",
        "default of cpu is 1, above max, 500m: a container that sets no limit would not be let in",
        "limits.defaultRequest of cpu is 5, above the quota of requests.cpu: a container that sets nothing would not be let in",
    ],
)
def test_what_a_rule_of_an_environment_says_is_said_and_of_no_other_kind(said: str) -> None:
    body = status("x", causes=[("spec.x", f"Invalid value: {said}")], group="pratique.dev")
    assert judge(422, body).message == f"spec.x: {said}"
    assert (
        said not in judge(422, status("x", causes=[("spec.x", f"Invalid value: {said}")], group="example.com")).message
    )
    other = status("x", causes=[("spec.x", f'Invalid value: "{PLANTED}": must be short')], group="pratique.dev")
    assert PLANTED not in judge(422, other).message
