"""What a kubeconfig says of the API server, the person and the namespace; and what is said of one that cannot be used."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from pratique.cluster.client import Api
from pratique.cluster.connection import ConnectionConfigError, connect

CLUSTER = {"name": "c", "cluster": {"server": "http://127.0.0.1:1/"}}
MAIN = {"name": "main", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}}
OTHER = {"name": "other", "context": {"cluster": "c", "user": "u"}}
USER = {"name": "u", "user": {"token": "t"}}
WHOLE = {"current-context": "main", "clusters": [CLUSTER], "contexts": [MAIN, OTHER], "users": [USER]}


class Headers:
    """A server that keeps the headers of impersonation of each request, as they were sent."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[str, str]]] = {}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        begins = "impersonate-"
        pairs = [
            (name[len(begins) :], value) for name, value in request.headers.items() if name.lower().startswith(begins)
        ]
        self.seen[request.path] = pairs
        return web.json_response({})


def write(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def test_the_context_says_where_and_as_whom(tmp_path: Path) -> None:
    found = connect(write(tmp_path / "a", WHOLE))
    assert (found.server, found.token, found.namespace) == ("http://127.0.0.1:1", "t", "team-a")
    assert (found.impersonate, found.impersonate_groups) == ({}, ())
    assert connect(str(tmp_path / "a"), "other").namespace == "default"


def test_several_files_are_one_and_the_first_counts(tmp_path: Path) -> None:
    acting = {"name": "u", "user": {"token": "t", "as": "lead-1", "as-groups": ["leads", "directors"]}}
    first = write(tmp_path / "a", {"clusters": [CLUSTER], "users": [acting], "contexts": [], "current-context": "main"})
    second = write(tmp_path / "b", {"contexts": [MAIN], "users": [USER]})
    found = connect(f"{first}:{second}")
    assert found.headers() == {"Authorization": "Bearer t", "Impersonate-User": "lead-1"}
    assert (found.impersonate_groups, found.namespace) == (("leads", "directors"), "team-a")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "No cluster to talk to: "),
        ("{", "The kubeconfig cannot be read (ParserError): `kubectl config view` says where it is wrong."),
        ("[]", "The kubeconfig cannot be read (TypeError): "),
        ("hello", "The kubeconfig cannot be read (TypeError): "),
        ({**WHOLE, "contexts": None}, "No cluster to talk to: "),
        ({**WHOLE, "users": [{"name": "u", "user": "me"}]}, "The kubeconfig cannot be read ("),
    ],
)
def test_what_cannot_be_used(content: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConnectionConfigError) as raised:
        connect(write(tmp_path / "a", content))
    assert str(raised.value).startswith(sentence)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConnectionConfigError, match=r"No configuration found\. Set KUBECONFIG or run inside a Pod\.$"):
        connect(str(tmp_path / "none"))
    with pytest.raises(ConnectionConfigError, match=r"`kubectl config get-contexts` lists them\.$"):
        connect(write(tmp_path / "a", WHOLE), "another")
    with pytest.raises(ConnectionConfigError, match="cannot be read"):
        connect(str(tmp_path))


async def test_groups_are_those_of_the_person_and_not_of_whom_we_act_as(tmp_path: Path) -> None:
    headers = Headers()
    async with RawTestServer(headers.answer) as server:
        acting = {"name": "u", "user": {"as": "lead-1", "as-groups": ["leads", "directors"]}}
        cluster = {"name": "c", "cluster": {"server": str(server.make_url(""))}}
        connection = connect(write(tmp_path / "a", {**WHOLE, "clusters": [cluster], "users": [acting]}))
        async with Api(connection) as api:
            await api.request("GET", "/own")
            await api.request("GET", "/lent", run_as="system:serviceaccount:a:b")
    assert headers.seen["/own"] == [("User", "lead-1"), ("Group", "leads"), ("Group", "directors")]
    assert headers.seen["/lent"] == [("User", "system:serviceaccount:a:b")]
