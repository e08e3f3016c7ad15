"""A port that cannot be listened on: the option and the reason in one sentence, and no traceback."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pratique.main import main

KUBECONFIG = {
    "current-context": "main",
    "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
}


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """`main` sets logging up for its process; here it is the tests'."""
    root = logging.getLogger()
    handlers, level, of_kopf = root.handlers[:], root.level, logging.getLogger("kopf").level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("kopf").setLevel(of_kopf)


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        yield str(bound.getsockname()[1])


@pytest.mark.parametrize("command", ["operator", "webhook"])
@pytest.mark.parametrize("option", ["--health-port", "--metrics-port"])
def test_a_port_that_is_taken(
    command: str, option: str, taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(yaml.safe_dump(KUBECONFIG))
    free = ["--health-port", "0"] if option == "--metrics-port" else []
    assert main([command, "--kubeconfig", str(config), *free, option, taken]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"pratique: --health-host, {option}: ")
    assert said.endswith(f":{taken} cannot be listened on (address already in use): choose another")


@pytest.mark.parametrize("port", ["99999", "-1", "http", "8080 ", "123456"])
@pytest.mark.parametrize("option", ["--health-port", "--metrics-port"])
def test_what_is_no_port(option: str, port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["operator", f"{option}={port}"])
    assert f"argument {option}: {port!r} is no port: write a number from 1 to 65535" in capsys.readouterr().err
