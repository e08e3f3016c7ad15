"""Identities, certificates and flags of a control plane: what is written before a server starts."""

import base64
import csv
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from tools.controlplane import servers, state
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.identities import (
    IDENTITIES,
    ensure_tokens,
    impersonating_kubeconfig,
    known,
    token_kubeconfig,
    write_kubeconfig,
)
from tools.controlplane.pki import ensure_certificates
from tools.controlplane.processes import Process
from tools.controlplane.servers import Layout, Options

PORTS = {name: 20000 + number for number, name in enumerate(servers.PORTS)}


def test_tokens_are_random_kept_and_private(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    first = ensure_tokens(path, list(IDENTITIES.values())[:3])
    assert len(set(first.values())) == 3
    assert min(map(len, first.values())) > 40
    everybody = ensure_tokens(path, IDENTITIES.values())
    assert first.items() <= everybody.items()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = {row[1]: row for row in csv.reader(path.read_text().splitlines())}
    assert rows["system:serviceaccount:team-a:robot"][3] == "system:serviceaccounts,system:serviceaccounts:team-a"
    assert len(rows["mallory@example.com"]) == 3, "an empty field would be a group without a name"


def test_only_admin_is_master() -> None:
    assert [each.name for each in IDENTITIES.values() if "system:masters" in each.groups] == ["admin"]


def test_an_unknown_identity_names_the_known_ones() -> None:
    with pytest.raises(ControlPlaneError, match=r"no identity 'root': choose one of admin, developer"):
        known("root")


def test_a_kubeconfig_holds_all_it_needs_for_its_owner_only(tmp_path: Path) -> None:
    document = token_kubeconfig(known("lead-1"), "https://127.0.0.1:1", b"authority", "secret")
    path = write_kubeconfig(tmp_path / "kubeconfigs" / "lead-1", document)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = yaml.safe_load(path.read_text())
    assert base64.b64decode(read["clusters"][0]["cluster"]["certificate-authority-data"]) == b"authority"
    assert read["users"] == [{"name": "lead-1", "user": {"token": "secret"}}]
    assert read["current-context"] == read["contexts"][0]["name"]


def test_on_a_foreign_cluster_the_admin_impersonates() -> None:
    admin = {"clusters": [{"cluster": {"server": "https://c"}}], "users": [{"user": {"token": "theirs"}}]}
    operator = impersonating_kubeconfig(known("operator"), admin)
    assert operator["users"][0]["user"] == {
        "token": "theirs",
        "as": "system:serviceaccount:pratique-system:pratique",
        "as-groups": ["system:serviceaccounts", "system:serviceaccounts:pratique-system"],
    }
    assert impersonating_kubeconfig(known("admin"), admin)["users"][0]["user"] == {"token": "theirs"}
    assert admin["users"][0]["user"] == {"token": "theirs"}


def test_certificates_are_signed_by_the_plane_and_kept(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for name in ("apiserver", "etcd"):
        certificate = x509.load_pem_x509_certificate((tmp_path / f"{name}.crt").read_bytes())
        certificate.verify_directly_issued_by(authority)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ensure_certificates(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("server", [servers.etcd, servers.apiserver, servers.controller_manager])
def test_servers_listen_on_loopback_and_their_own_ports_only(server: Callable[..., Any], tmp_path: Path) -> None:
    flags = server(Layout(tmp_path), PORTS, Options())
    assert any("127.0.0.1" in flag for flag in flags)
    assert not any("=0.0.0.0" in flag or "http://" in flag for flag in flags)
    assert any(str(port) in flag for flag in flags for port in PORTS.values())


def test_options_become_flags(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    plain, rich = Options(), Options(durable=True, audit="RequestResponse", emulated_version="1.35")
    assert "--unsafe-no-fsync" in servers.etcd(layout, PORTS, plain)
    assert "--unsafe-no-fsync" not in servers.etcd(layout, PORTS, rich)
    assert not any("audit" in flag or "emulated" in flag for flag in servers.apiserver(layout, PORTS, plain))
    assert f"--audit-log-path={layout.audit_log}" in servers.apiserver(layout, PORTS, rich)
    for server in (servers.apiserver, servers.controller_manager):
        assert "--emulated-version=1.35" in server(layout, PORTS, rich)
    writes, rest = yaml.safe_load(servers.audit_policy("RequestResponse"))["rules"]
    assert writes["level"] == "RequestResponse" and "patch" in writes["verbs"] and rest == {"level": "Metadata"}


def test_state_survives_and_a_broken_file_is_an_empty_state(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert state.load(path) == state.State()
    written = state.State({"etcd": 1}, (Process("etcd", 2, "boot/3"),), Process("owner", 4, "boot/5"))
    state.save(path, written)
    assert state.load(path) == written
    for broken in ("", "[]", '{"ports": 1}', '{"ports": {}, "servers": [{}], "owner": null}'):
        path.write_text(broken)
        assert state.load(path) == state.State()
