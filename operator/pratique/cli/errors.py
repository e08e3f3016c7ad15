"""Decides what a person reads when the API server did not do what a command asked: what is wrong, and what to do. Pure."""

from collections.abc import Iterable

from pratique.cluster.client import ApiError
from pratique.core.kernel.errors import PratiqueError

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _GONE = 401, 403, 404, 410


class CommandError(PratiqueError):
    """Why a command cannot do anything at all; one sentence that names the remedy."""


def hopeless(error: ApiError, server: str) -> CommandError | None:
    """Return what to say of an answer that every other request would get too; None if others may work."""
    if error.code == _UNAUTHORIZED:
        return CommandError(
            f"{server} does not accept your credentials: log in again, as you do for kubectl"
            " (`kubectl auth whoami` tells whether it works)."
        )
    if error.code == 0:
        return CommandError(
            f"{server} did not answer as an API server does: is it the right context (`kubectl config current-context`),"
            " and does `kubectl version` reach it?"
        )
    return None


def unknown(error: ApiError, server: str) -> CommandError:
    """Return what to say if the API server does not tell who somebody is."""
    return hopeless(error, server) or CommandError(
        f"{server} did not say who you are (HTTP {error.code}): it has to allow SelfSubjectReview, as the ClusterRole"
        " system:basic-user does for everybody who has logged in."
    )


def not_listed(kinds: Iterable[str], namespace: str | None, error: ApiError) -> str:
    """Return why kinds are left out of an inbox, and what to do."""
    what, where = _phrase(kinds), "all namespaces" if namespace is None else f"namespace {namespace}"
    if error.code == _FORBIDDEN and namespace is None:
        return f"You may not list {what} in {where}: name those where you may (-n NAMESPACE, which may be repeated)."
    if error.code == _FORBIDDEN:
        return (
            f"You may not list {what} in {where}, so they are left out:"
            " ask your platform team for the role pratique-viewer there."
        )
    if error.code == _NOT_FOUND:
        return f"The cluster has no {what}: is Pratique installed there, and is it the right context?"
    if error.code == _GONE:
        return f"The list of {what} in {where} changed too much while it was read: try again."
    return f"{_capital(what)} in {where} could not be listed (HTTP {error.code}), so they are left out: try again."


def not_read(kind: str, names: Iterable[str]) -> str:
    """Return what to say of objects that a newer operator has written."""
    return f"Not readable for this version of pratique, so left out: {kind} {', '.join(names)}. Update the command."


def _phrase(kinds: Iterable[str]) -> str:
    *most, last = kinds
    return f"{', '.join(most)} and {last}" if most else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
