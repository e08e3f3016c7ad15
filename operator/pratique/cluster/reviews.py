"""Asks the API server what somebody may do (SubjectAccessReview). Raises ApiError where it gives no answer."""

from typing import Any

from pratique.cluster.client import Api
from pratique.core.kernel.effects import ObjectRef

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def within(ref: ObjectRef) -> dict[str, str]:
    """Return the namespace of a request for an object, as a review has it. A Namespace is within itself."""
    is_namespace = (ref.api_version, ref.kind) == ("v1", "Namespace")
    space = ref.name if is_namespace else ref.namespace
    return {"namespace": space} if space else {}


async def may(api: Api, username: str, groups: tuple[str, ...], asked: dict[str, str]) -> bool:
    """Ask whether somebody may do what is `asked`. An authorizer that could not say is a no: for what takes a right."""
    return bool((await review(api, username, groups, asked))["allowed"])


async def review(api: Api, username: str, groups: tuple[str, ...], asked: dict[str, str]) -> dict[str, Any]:
    """Return what the API server says of whether somebody may do what is `asked`."""
    spec = {"user": username, "groups": list(groups), "resourceAttributes": asked}
    asks = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = await api.request("POST", _REVIEWS, asks)
    return dict(answer["status"])
