"""What a person at a terminal may see of a cluster: who they are there, and the objects that they may list.

Everything is asked with their own credentials. Must not word an error for people: the command that asked does.
"""

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.meta import KubeObject
from pratique.cluster.client import Api, ApiError

_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_PAGE = "500"

Kind = TypeVar("Kind", bound=KubeObject)


@dataclass(frozen=True)
class Identity:
    """A user as the API server authenticated them."""

    username: str
    groups: tuple[str, ...]


async def who_am_i(api: Api) -> Identity:
    """Return who the API server takes us for."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await api.request("POST", _REVIEWS, review)
    try:
        user = answer["status"]["userInfo"]
        return Identity(str(user["username"]), tuple(user.get("groups") or ()))
    except (KeyError, TypeError) as error:
        raise ApiError(0, "NoReview", "the API server did not say who we are") from error


async def listed(api: Api, kind: type[Kind], namespace: str | None) -> tuple[list[Kind], list[str]]:
    """Return the objects of a kind in a namespace, or in all, and the names of those that this version cannot read."""
    space = f"/namespaces/{quote(namespace, safe='')}" if namespace is not None else ""
    objects: list[Kind] = []
    unreadable: list[str] = []
    async for items, _ in api.pages(f"/apis/{API_VERSION}{space}/{kind.plural}", {"limit": _PAGE}):
        for body in items:
            try:
                objects.append(kind.model_validate(body))
            except ValidationError:
                unreadable.append(f"{body['metadata'].get('namespace')}/{body['metadata']['name']}")
    return objects, unreadable
