"""`pratique away` and `pratique back`: who decides while somebody is away, in the gates to come and in those that are open.

It writes as whoever runs it: a Delegation, which gates take in as they open, and the own entry in each that is open. Which
gates these are `views.away` decides; each of them is one request, and what the API server refuses of it is shown.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from pratique.api.v1alpha1 import API_VERSION, Approval, Delegation
from pratique.api.v1alpha1.meta import KubeObject
from pratique.cli.errors import hopeless, not_listed, not_read
from pratique.cli.reading import viewer_of
from pratique.cluster.client import MERGE_PATCH, Api, ApiError
from pratique.cluster.connection import connect
from pratique.cluster.person import Kind, listed
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import PratiqueError
from pratique.core.kernel.text import clean
from pratique.core.telling.wording import moment
from pratique.views.away import Absence, lending, taking_back, to_end, to_lend, to_take_back
from pratique.views.rows import Viewer

_ROOT = f"/apis/{API_VERSION}"
_INTERRUPTED = 130


class _Teller:
    """Prints what was done, and what was not; the exit code is 1 if anything was not."""

    def __init__(self) -> None:
        self.failed = False

    def did(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")

    def did_not(self, text: str) -> None:
        self.failed = True
        sys.stderr.write(f"{text}\n")


def away(options: argparse.Namespace) -> int:
    """Name who decides for the caller."""
    absence = Absence(options.to, options.until, options.begin, options.reason)
    return _run(options, lambda api, viewer, teller: _leave(api, viewer, options, absence, teller))


def back(options: argparse.Namespace) -> int:
    """End it."""
    return _run(options, lambda api, viewer, teller: _return(api, viewer, options, teller))


def _run(options: argparse.Namespace, work: Callable[[Api, Viewer, _Teller], Awaitable[None]]) -> int:
    teller = _Teller()

    async def act() -> None:
        async with Api(connect(options.kubeconfig, options.context)) as api:
            await work(api, await viewer_of(api), teller)

    try:
        asyncio.run(act())
    except (PratiqueError, OSError) as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 1 if teller.failed else 0


async def _leave(api: Api, viewer: Viewer, options: argparse.Namespace, absence: Absence, teller: _Teller) -> None:
    period = f"until {moment(absence.until)}"
    period = period if absence.begin is None else f"from {moment(absence.begin)} {period}"
    try:
        made = await api.request("POST", f"{_ROOT}/delegations", absence.manifest())
        name = made["metadata"]["name"]
        teller.did(
            f"Delegation {name}: {clean(absence.to)} decides for you {period}, in gates that open and take stand-ins"
        )
    except ApiError as error:
        _refused(api, error, "No Delegation was made, so gates that open do without it", teller)
    now = datetime.now(UTC)
    for gate in to_lend(await _gates(api, options, teller), viewer, absence, now):
        done = f"{_place(gate)}: {clean(absence.to)} decides for you {period}"
        await _write(api, gate, lending(gate, viewer, absence, now), done, teller)


async def _return(api: Api, viewer: Viewer, options: argparse.Namespace, teller: _Teller) -> None:
    now, ended = datetime.now(UTC), 0
    for each in to_end(await _list(api, Delegation, None, teller), viewer, now, later=options.all):
        ended += 1
        try:
            await api.request("DELETE", f"{_ROOT}/delegations/{quote(each.metadata.name, safe='')}")
            teller.did(
                f"Delegation {each.metadata.name}: deleted; {clean(each.spec.to)} decides for you in no gate to come"
            )
        except ApiError as error:
            _refused(api, error, f"Delegation {each.metadata.name} stays", teller)
    for gate in to_take_back(await _gates(api, options, teller), viewer, now, later=options.all):
        ended += 1
        await _write(api, gate, taking_back(viewer), f"{_place(gate)}: nobody decides for you any more", teller)
    if not ended and not teller.failed:
        teller.did("Nobody decides for you: there was nothing to end")


async def _write(api: Api, gate: Approval, patch: Json, done: str, teller: _Teller) -> None:
    meta = gate.metadata
    path = f"{_ROOT}/namespaces/{meta.namespace}/approvals/{quote(meta.name, safe='')}"
    try:
        await api.request("PATCH", path, patch, params={"fieldManager": "pratique"}, content_type=MERGE_PATCH)
    except ApiError as error:
        _refused(api, error, f"{_place(gate)} stays as it is", teller)
    else:
        teller.did(done)


def _refused(api: Api, error: ApiError, what: str, teller: _Teller) -> None:
    """Show a refusal; raises CommandError where every other request would get it too."""
    if (end := hopeless(error, api.connection.server)) is not None:
        raise end from error
    teller.did_not(f"{what}: {clean(error.message)}")


async def _gates(api: Api, options: argparse.Namespace, teller: _Teller) -> list[Approval]:
    namespaces: Sequence[str | None] = list(dict.fromkeys(options.namespace)) or [None]
    return [each for namespace in namespaces for each in await _list(api, Approval, namespace, teller)]


async def _list(api: Api, kind: type[Kind], namespace: str | None, teller: _Teller) -> list[Kind]:
    try:
        found, unreadable = await listed(api, kind, namespace)
    except ApiError as error:
        if (end := hopeless(error, api.connection.server)) is not None:
            raise end from error
        teller.did_not(not_listed([kind.plural], namespace, error))
        return []
    if unreadable:
        teller.did_not(not_read(kind.singular, unreadable))
    return found


def _place(gate: KubeObject) -> str:
    return f"{gate.metadata.namespace}/{gate.metadata.name}"
