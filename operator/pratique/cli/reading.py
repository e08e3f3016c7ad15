"""Reads what somebody may see, with their own rights. What they may not see is left out, and said: never a failure.

Must not decide what belongs into an inbox (`views.inbox` does). Called by `cli.inbox`.
"""

from collections.abc import Sequence

from pratique.api.v1alpha1 import ActionRun, Approval, Environment
from pratique.cli.errors import hopeless, not_listed, not_read, unknown
from pratique.cluster.client import Api, ApiError
from pratique.cluster.person import Kind, listed, who_am_i
from pratique.views.inbox import Seen
from pratique.views.rows import Unseen, Viewer


async def viewer_of(api: Api) -> Viewer:
    """Return who asks; raises CommandError."""
    try:
        user = await who_am_i(api)
    except ApiError as error:
        raise unknown(error, api.connection.server) from error
    return Viewer(user.username, user.groups)


async def seen_in(api: Api, namespaces: Sequence[str | None]) -> Seen:
    """Return what is in these namespaces (None: in all); raises CommandError if the API server is not there."""
    reader = _Reader(api)
    runs = [each for namespace in namespaces for each in await reader.read(ActionRun, namespace)]
    approvals = [each for namespace in namespaces for each in await reader.read(Approval, namespace)]
    environments = [each for namespace in namespaces for each in await reader.read(Environment, namespace)]
    return Seen(tuple(runs), tuple(approvals), tuple(environments), reader.unseen())


class _Reader:
    """Lists kinds, and remembers what it could not list or read."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._failures: dict[tuple[str | None, int], tuple[ApiError, list[str]]] = {}
        self._unreadable: list[Unseen] = []

    async def read(self, kind: type[Kind], namespace: str | None) -> list[Kind]:
        """Return the objects of a kind; none if they may not be listed."""
        try:
            objects, unreadable = await listed(self._api, kind, namespace)
        except ApiError as error:
            if (end := hopeless(error, self._api.connection.server)) is not None:
                raise end from error
            self._failures.setdefault((namespace, error.code), (error, []))[1].append(kind.plural)
            return []
        if unreadable:
            text = not_read(kind.singular, unreadable)
            self._unreadable.append(Unseen((kind.plural,), namespace, text))
        return objects

    def unseen(self) -> tuple[Unseen, ...]:
        """Return what is missing: one sentence for each namespace and reason."""
        failed = (
            Unseen(tuple(kinds), namespace, not_listed(kinds, namespace, error))
            for (namespace, _), (error, kinds) in self._failures.items()
        )
        return (*failed, *self._unreadable)
