"""The step `request`: what is called outside of the cluster, as Actions write it, plans hold it, and runs record it."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import Expression, JsonObject, Time
from pratique.api.v1alpha1.spelling import Duration, ObjectName, SecretKey, seconds

MAX_SECONDS = 120
"""That one call may take."""
MIN_EVERY, MAX_EVERY = 5, 3600
"""Seconds between two looks at something that was started."""


class Method(StrEnum):
    """What is done under the address."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"

    @property
    def is_idempotent(self) -> bool:
        """Whether HTTP says that twice is as good as once."""
        return self in (Method.GET, Method.PUT, Method.DELETE)


class SecretValueRef(ApiModel):
    """One key of a Secret in the namespace of the Action's ServiceAccount, read as that account."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the namespace of the ServiceAccount.")]
    key: Annotated[SecretKey, Field(description="Key in the Secret.")]


class HeaderFrom(ApiModel):
    """A header whose value is secret: the plan names the Secret, and nobody is shown what is in it."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="Name of the header, such as Authorization.")]
    prefix: Annotated[str, Field(max_length=64, description="What stands before the value, such as `Bearer `.")] = ""
    secret_ref: Annotated[SecretValueRef, Field(description="Where the value is.")]


class SigningStyle(StrEnum):
    """How a call is signed, over its very body."""

    STANDARD_WEBHOOKS = "StandardWebhooks"
    GITHUB = "GitHub"


class RequestSigning(ApiModel):
    """Signs the call, so that its receiver knows who sent it."""

    style: Annotated[
        SigningStyle,
        Field(
            description="StandardWebhooks: webhook-id, webhook-timestamp, webhook-signature, with keys whsec_…, one a line;"
            " GitHub: X-Hub-Signature-256, HMAC-SHA256 of the body with the whole value as the key, from a Secret with the"
            " annotation pratique.dev/allowed-hosts."
        ),
    ]
    secret_ref: Annotated[SecretValueRef, Field(description="Where the key is.")]


class EventAttributes(ApiModel):
    """Sends the body as the data of a CloudEvent 1.0, structured: what the event says of itself."""

    type: Annotated[
        str, Field(min_length=1, max_length=255, description="Its type, such as dev.acme.deploy.requested.v1.")
    ]
    source: Annotated[
        str,
        Field(max_length=1024, description="Its source, a URI reference with ${CEL}; default: the path of the run."),
    ] = ""
    subject: Annotated[str, Field(max_length=1024, description="Its subject, with ${CEL}, if it has one.")] = ""


StatusCode = Annotated[int, Field(ge=200, le=599)]


class Until(ApiModel):
    """What a call waits for: it is made again and again until its answer says that it is done, or has failed."""

    done: Annotated[
        Expression,
        Field(
            description="CEL over `answer.status`, `answer.body` and `answer.location`: true says that what was started is"
            " done. What it reads that is not there yet is waited for."
        ),
    ]
    failed: Annotated[
        Expression | None, Field(description="CEL over the same: true says that it has failed, and the run with it.")
    ] = None
    message: Annotated[
        Expression | None,
        Field(
            description="CEL over the same that gives a text, number or boolean, such as answer.body.status: people are"
            " told it while the run waits, and when it has failed. No secrets."
        ),
    ] = None
    every: Annotated[
        Duration, Field(description="How long after one answer it is asked again, 5s to 1h; longer where that fails.")
    ] = "15s"

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=f"{seconds('self.every')} >= {MIN_EVERY} && {seconds('self.every')} <= {MAX_EVERY}",
            message="every is from 5s to 1h: receivers limit how often they are asked",
            field_path=".every",
        ),
    )


class HttpRequest(ApiModel):
    """One HTTP call. In a plan it is the same, with its templates rendered."""

    method: Annotated[Method, Field(description="The method.")] = Method.POST
    url: Annotated[
        str,
        Field(
            min_length=8,
            max_length=2048,
            description="Where to, https or http. Scheme, host and port are written out; behind them ${CEL} over `inputs`,"
            " `run`, `action` may stand, each for one segment of the path or one value of the query; so may"
            " ${resources.<id>.<name>}, what the `answer` of an earlier call keeps.",
        ),
    ]
    headers: Annotated[
        dict[str, Annotated[str, Field(max_length=2048)]],
        Field(
            max_length=16,
            description="Headers that are no secret, with ${CEL} in their values. The plan shows them.",
        ),
    ] = {}
    headers_from: Annotated[
        list[HeaderFrom],
        Field(
            max_length=4,
            description="Headers from Secrets, each with the annotation pratique.dev/allowed-hosts, sent by https; by http"
            " only where that names http://HOST:PORT.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = []
    body: Annotated[
        JsonObject | None,
        Field(
            description="What is sent, as JSON, with ${CEL} in its strings. Approvers read it: no secrets.",
        ),
    ] = None
    cloud_event: Annotated[
        EventAttributes | None, Field(description="Send the body as a CloudEvent, whose id is the idempotency key.")
    ] = None
    signing: Annotated[RequestSigning | None, Field(description="Sign it.")] = None
    idempotent: Annotated[
        bool,
        Field(
            description="The receiver does once what comes twice with one Idempotency-Key: it is then sent again whenever"
            " no answer came. GET, PUT and DELETE are by themselves."
        ),
    ] = False
    answer_within: Annotated[Duration, Field(description="How long one call may take, at most 120s.")] = "30s"
    expect: Annotated[
        list[StatusCode],
        Field(
            max_length=8,
            description="Which status codes say that it was done; default: any 2xx.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = []
    answer: Annotated[
        dict[str, Expression],
        Field(
            max_length=8,
            description="What is kept of the answer: a name to CEL over `answer.status`, `answer.body` (JSON) and"
            " `answer.location`, which gives a text, number or boolean. Outputs and the url of later calls read it as"
            " resources.<id>.<name>. People see it: no secrets.",
        ),
    ] = {}
    until: Annotated[
        Until | None, Field(description="Of a GET: make it again until what was started is done; the next entry waits.")
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!(self.method in ['GET', 'DELETE']) || !(has(self.body) || has(self.cloudEvent))",
            message="GET and DELETE have no body: leave body and cloudEvent out, or set another method",
            field_path=".method",
        ),
        Rule(
            rule=f"{seconds('self.answerWithin')} >= 1 && {seconds('self.answerWithin')} <= {MAX_SECONDS}",
            message=f"answerWithin is from 1s to {MAX_SECONDS}s: for what takes longer, let the receiver answer at once",
            field_path=".answerWithin",
        ),
        Rule(
            rule="!has(self.until) || self.method == 'GET'",
            message="until asks again and again, which only a GET may: start it with one entry, and wait with another",
            field_path=".until",
        ),
    )


class RunRequest(ApiModel):
    """One call of a run. That it is about to be made is written here before it is made."""

    id: Annotated[str, Field(max_length=35, description="The id of the step.")]
    attempt: Annotated[int, Field(ge=0, description="How often it was tried, or was about to be.")] = 0
    ticket: Annotated[
        str | None,
        Field(max_length=64, description="Set before the call is made: the process that has it makes it, once."),
    ] = None
    not_before: Annotated[Time | None, Field(description="When it is tried again.")] = None
    code: Annotated[int | None, Field(ge=0, description="The status code that was answered.")] = None
    answer: Annotated[JsonObject, Field(description="What the Action keeps of the answer.")] = {}
    done: Annotated[bool, Field(description="Whether it was done.")] = False
    message: Annotated[str, Field(max_length=512, description="What it waits for, or why it failed.")] = ""
