"""What `helm test` runs in a Pod, against replicas that answer one after the other."""

import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from pratique.core.operating.certificates import Step, Terms
from pratique.processes import pki
from pratique.processes.tls import use

SCRIPT = Path(__file__).parents[3] / "charts" / "pratique" / "files" / "test.py"


def served(leader: int, guarded: int = 1, version: str = "1.2.3") -> str:
    """Return the metrics that matter."""
    info = f'pratique_build_info{{version="{version}"}} 1.0'
    return f"# HELP x\npratique_guarded {guarded}.0\npratique_leader {leader}.0\n{info}\n"


def tried(server: HTTPServer, ready: str, metrics: Sequence[str], seconds: str = "0.6") -> tuple[int, list[str]]:
    """Run it; return its exit code and its lines."""
    turns = cycle(metrics)
    server.expect_request("/readyz").respond_with_data(ready, status=200 if ready == "ok" else 503)
    server.expect_request("/metrics").respond_with_handler(lambda _: Response(next(turns)))
    service = "PRATIQUE_METRICS_SERVICE"
    place = {
        f"{service}_HOST": server.host,
        f"{service}_PORT_METRICS": str(server.port),
        "PRATIQUE_METRICS_SCHEME": "http",
    }
    environ = os.environ | place | {"PRATIQUE_VERSION": "1.2.3", "PRATIQUE_TEST_SECONDS": seconds}
    text = SCRIPT.read_text()
    done = subprocess.run([sys.executable, "-c", text], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_it_asks_until_it_has_seen_the_leader(httpserver: HTTPServer) -> None:
    code, lines = tried(httpserver, "ok", [served(0), served(0), served(1)], "20")
    assert (code, {line.split()[0] for line in lines}) == (0, {"ok"})


@pytest.mark.parametrize(
    ("ready", "metrics", "missing"),
    [
        ("waiting for the guard: x", served(1), "not ok  a replica is ready"),
        ("ok", served(0), "not ok  a replica leads"),
        ("ok", served(1, guarded=0), "not ok  a replica sees that the API server guards"),
        ("ok", served(1, version="1.2.2"), "not ok  a replica is version 1.2.3"),
    ],
)
def test_it_says_what_is_missing(httpserver: HTTPServer, ready: str, metrics: str, missing: str) -> None:
    code, lines = tried(httpserver, ready, [metrics])
    assert code == 1 and [line for line in lines if line.startswith("not ok")] == [missing]
    assert lines[-1] == f"/readyz said last: {ready}"


def test_it_shows_its_token_where_metrics_are_for_those_who_may_read_them(tmp_path: Path) -> None:
    """As the chart serves them by default: over TLS, with a certificate that each process makes."""
    made = pki.carry_out(Step.CREATE, pki.Material(), ("127.0.0.1",), datetime.now(UTC), Terms())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    use(context, made.key + made.certificate)
    (tmp_path / "token").write_text("secret")
    with HTTPServer(host="127.0.0.1", ssl_context=context) as secured, HTTPServer(host="127.0.0.1") as plain:
        plain.expect_request("/readyz").respond_with_data("ok")
        asked = secured.expect_request("/metrics", headers={"Authorization": "Bearer secret"})
        asked.respond_with_data(served(1))
        service = "PRATIQUE_METRICS_SERVICE"
        ports = {f"{service}_PORT_METRICS": str(secured.port), f"{service}_PORT_HEALTH": str(plain.port)}
        environ = os.environ | ports | {f"{service}_HOST": "127.0.0.1", "PRATIQUE_METRICS_SCHEME": "https"}
        environ |= {"PRATIQUE_VERSION": "1.2.3", "PRATIQUE_TEST_SECONDS": "20"}
        text = SCRIPT.read_text().replace("/var/run/secrets/kubernetes.io/serviceaccount", str(tmp_path))
        done = subprocess.run([sys.executable, "-c", text], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
