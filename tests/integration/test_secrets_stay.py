"""A planted secret is found nowhere: not in a status, an Event, a log, a metric, nor in what another receiver gets.

Channels of every type, each with a secret of its own and a receiver that sends it back in one way; and Secrets that are
malformed so that an error might quote them. Everything is told, then everything is searched, the audit log included:
it has each write of the operator, also those that later ones replaced.
"""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision, run
from tests.conftest import PEOPLE
from tests.doubles.raw_receivers import Echo
from tests.support.cluster import Cluster, wait_for
from tests.support.http import Callers, Reply
from tests.support.outboxes import entries
from tests.support.own_plane import note_action, own_plane
from tests.support.planted import Channel, Search, forms, planted
from tests.support.planted_channels import hostile_channels, manifests
from tools.codegen.values import Values
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess

from pratique.api.v1alpha1.notification_channel import CHANNEL_TYPES
from pratique.cluster.client import MERGE_PATCH

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
SPACE = "secrets"
EVENTS = ["ApprovalRequested", "Approved", "Declined", "Succeeded"]
CHANNELS_PER_ACTION = 20
OURS = "actions,actionruns,approvals,environments,notificationchannels"
API = "/apis/pratique.dev/v1alpha1"


@dataclass(frozen=True)
class World:
    """All was told, and the operator is off."""

    channels: tuple[Channel, ...]
    search: Search
    texts: dict[str, str]
    """What can be read, by where it is."""
    requests: dict[str, list[bytes]]
    """What receivers got, by the name of their channel."""
    outcomes: dict[str, list[tuple[str, str]]]
    """What became of a channel's messages: state and error."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Tell everything through every channel."""
    folder = tmp_path_factory.mktemp("secrets")
    options = Options(audit="Request")
    with (
        own_plane(SPACE, folder, options, people=(PEOPLE,)) as (plane, cluster),
        Callers(plane) as callers,
        Echo() as echo,
    ):
        channels = hostile_channels(echo, folder)
        for each in channels:
            secret, ours = manifests(each)
            _must(callers["admin"].send("POST", "/api/v1/namespaces/pratique-system/secrets", secret))
            _must(callers["admin"].send("POST", f"{API}/notificationchannels", ours))
        log = folder / "operator.log"
        arguments = ("--log-level", "debug")
        operator = OperatorProcess(plane.kubeconfig("operator"), log, arguments=arguments)
        operator.start()
        operator.wait_ready()
        outcomes = _stories(callers, channels)
        texts = _readable(cluster) | {
            path: _fetched(operator, path) for path in ("metrics", "healthz?verbose", "readyz")
        }
        operator.stop()
        assert plane.audit_log is not None
        texts |= {"log": log.read_text(), "audit": _written(plane.audit_log)}
        yield World(channels, Search(each.name for each in channels), texts, dict(echo.got), outcomes)


def _stories(callers: Callers, channels: tuple[Channel, ...]) -> dict[str, list[tuple[str, str]]]:
    """Grant one run and decline another through each channel; wait until each message was tried."""
    groups = [channels[at : at + CHANNELS_PER_ACTION] for at in range(0, len(channels), CHANNELS_PER_ACTION)]
    for number, group in enumerate(groups):
        action = yaml.safe_load(note_action(SPACE, f"note-{number}", gated=True))
        names = [each.name for each in group]
        rules = [{"channels": names[at : at + 8], "events": EVENTS} for at in range(0, len(names), 8)]
        action["spec"]["notifications"] = rules
        _must(callers["admin"].send("POST", f"{API}/actions", action))
        for verdict in ("approve", "decline"):
            wanted = run(f"{verdict}-{number}", SPACE, f"note-{number}", inputs={})
            _must(callers["developer"].send("POST", f"{API}/namespaces/{SPACE}/actionruns", wanted))
    gates = wait_for("every run is held", lambda: _gates(callers, 2 * len(groups)))
    for name, gate in gates.items():
        patch = json.loads(decision("lead-1@example.com", name.partition("-")[0].title(), "because"))
        path = f"{API}/namespaces/{SPACE}/approvals/{gate}"
        _must(callers["lead-1"].send("PATCH", path, patch, content_type=MERGE_PATCH))
    return wait_for("every channel was tried", lambda: _outcomes(callers, channels), 90)


def _must(reply: Reply) -> None:
    assert reply.ok, reply.message


def _statuses(callers: Callers) -> dict[str, Any]:
    items = callers["admin"].send("GET", f"{API}/namespaces/{SPACE}/actionruns").body["items"]
    return {each["metadata"]["name"]: each.get("status", {}) for each in items}


def _gates(callers: Callers, wanted: int) -> dict[str, str] | None:
    found = {
        name: status["approvals"][0]["name"] for name, status in _statuses(callers).items() if status.get("approvals")
    }
    return found if len(found) == wanted else None


def _outcomes(callers: Callers, channels: tuple[Channel, ...]) -> dict[str, list[tuple[str, str]]] | None:
    """Return what became of each message that was tried; what is behind one that fails waits for it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for status in _statuses(callers).values():
        if status["phase"] not in ("Succeeded", "Declined"):
            return None
        for entry in entries(status):
            if entry.get("attempts"):
                found.setdefault(entry["channel"], []).append((entry["state"], entry.get("error", "")))
    works = {each.name for each in channels if each.becomes == "Sent"}
    settled = all(len(found.get(name, ())) == len(EVENTS) + 1 for name in works)  # two runs were held
    return found if settled and {each.name for each in channels} <= set(found) else None


def _readable(cluster: Cluster) -> dict[str, str]:
    kinds = {"objects": OURS, "Events": "events.events.k8s.io,events", "other": "configmaps,leases,namespaces"}
    get = ("get", "-A", "-o", "yaml", "--show-managed-fields")
    return {place: cluster.kubectl("admin", *get, kind).out for place, kind in kinds.items()}


def _fetched(operator: OperatorProcess, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/{path}", timeout=5) as answer:
        return str(answer.read().decode())


def _written(log: Path) -> str:
    """Return all that the operator ever asked the API server for, with what it wrote."""
    entries = (json.loads(line) for line in log.read_text().splitlines())
    ours = [each for each in entries if each["user"]["username"] == Values().operator]
    asked = [(each["requestURI"], each.get("requestObject"), each.get("responseStatus")) for each in ours]
    assert sum(written is not None for _, written, _ in asked) > 100
    return "\n".join(map(json.dumps, asked))


def test_every_type_is_told(world: World) -> None:
    assert {next(iter(each.spec)) for each in world.channels} == set(CHANNEL_TYPES), "a new type: plant secrets in it"


def test_each_channel_came_to_its_end(world: World) -> None:
    """Else the search would be in what did not happen."""
    for each in world.channels:
        outcomes = world.outcomes[each.name]
        for state, error in outcomes:
            assert each.becomes in (error or state), (each.name, outcomes)


def test_nothing_that_can_be_read_holds_a_secret(world: World) -> None:
    for place, text in world.texts.items():
        assert text, place
        assert world.search.found(text) == set(), place


def test_no_receiver_gets_the_secret_of_another(world: World) -> None:
    """Its own it gets where it belongs: in the request's line and headers, and never in a message.

    Some services of Apprise log in first, by a request of their own whose body is the password.
    """
    assert len(world.requests) > 60
    for name, requests in world.requests.items():
        for request in requests:
            head, _, body = request.decode(errors="replace").partition("\r\n\r\n")
            login = name in ("apprise-matrix", "apprise-rocket", "apprise-form")
            assert world.search.found(body, name if login else "") == set(), (name, body)
            assert name == "ok" or world.search.found(head, name) == set(), (name, head)


def test_the_search_finds_what_is_there(world: World) -> None:
    """Every form of a secret of each channel, whole or cut, in the very texts that were searched."""
    whole = world.texts["objects"] + world.texts["log"][:10_000]
    at = len(whole) // 2
    for each in world.channels:
        for form, text, enough in forms(planted(each.name)):
            for shown in (text, text[-enough:]):
                assert (each.name, form) in world.search.found(f"{whole[at - 100 : at]}{shown}{whole[at : at + 100]}")
    assert world.search.found(f"{whole[:at]}Zz{planted('slack-ok').upper()}{whole[at:]}") == {("slack-ok", "as it is")}


def test_the_search_looks_where_secrets_are(world: World) -> None:
    """Each receiver that was reached by its secret got it: what they were sent was searched in the form that it has."""
    reached = [name for name in world.requests if name.startswith(("slack-", "msteams-", "webhook-"))]
    for name in reached:
        assert name in {found for found, _ in world.search.found(world.requests[name][0].decode(errors="replace"))}
