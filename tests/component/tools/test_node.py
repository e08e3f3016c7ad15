"""What of the node needs neither root nor a kernel's leave: its sentences, its images, its settings."""

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml
from tools.controlplane.servers import Layout, Options, apiserver, controller_manager, scheduler
from tools.installation import ROOT
from tools.node import NodeError, machine, releases, settings
from tools.node.__main__ import main
from tools.node.addresses import NUMBERS, Addresses
from tools.node.images import write_image
from tools.node.node import Node

PORTS = {"kube-apiserver": 1, "etcd": 2, "etcd-peer": 3, "kube-controller-manager": 4, "kube-scheduler": 5}


@pytest.mark.parametrize(
    ("platform", "user", "version", "may_write", "said"),
    [
        ("darwin", 0, "v2", True, "needs Linux"),
        ("linux", 1000, "v2", True, "sudo -E"),
        ("linux", 0, "none", True, "There is no cgroup below"),
        ("linux", 0, "v1", False, "is read-only here"),
        ("linux", 0, "v1", True, None),
        ("linux", 0, "v2", True, None),
    ],
)
def test_what_no_package_can_change_is_a_sentence(
    tmp_path: Path, platform: str, user: int, version: str, may_write: bool, said: str | None
) -> None:
    folders = {"v2": [tmp_path], "v1": [tmp_path / "cpu", tmp_path / "memory"], "none": []}[version]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.procs").touch()
    answer = machine.forbidding(platform, user, tmp_path, may_write)
    assert (answer is None) if said is None else (said in str(answer))
    assert machine.hierarchies(tmp_path) == folders


def test_what_is_not_installed_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "PLUGINS", (tmp_path,))
    assert machine.missing() == [
        "conntrack",
        "containerd",
        "containernetworking-plugins",
        "iproute2",
        "iptables",
        "mmdebstrap",
        "runc",
        "umoci",
        "util-linux",
    ]
    monkeypatch.setattr(machine, "forbidding", lambda *_: None)
    with pytest.raises(NodeError, match=r"needs what Debian calls conntrack, containerd, .*make up"):
        machine.require()


def test_an_image_of_one_program_is_an_oci_archive(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(b"#!/bin/true\n")
    write_image(program, "1", tmp_path / "one.tar")
    write_image(program, "1", tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        files = {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]
    found = json.loads(files["index.json"])["manifests"][0]
    manifest = json.loads(files[f"blobs/sha256/{found['digest'].removeprefix('sha256:')}"])
    config = json.loads(files[f"blobs/sha256/{manifest['config']['digest'].removeprefix('sha256:')}"])
    assert found["annotations"] == {"org.opencontainers.image.ref.name": "1"}
    assert config["config"] == {"User": "65532:65532", "Entrypoint": ["/hello"]}


def test_two_nodes_share_neither_name_nor_address() -> None:
    seen: set[str] = set()
    for number in NUMBERS:
        at = Addresses(number)
        mine = {at.link, at.cgroup, at.machine, at.node, at.pods, at.bridge, at.nodes.services, at.nodes.dns}
        assert not mine & seen
        seen |= mine


def test_settings_are_what_the_programs_read(tmp_path: Path) -> None:
    place, at = settings.Place(tmp_path), Addresses(7)
    containerd = tomllib.loads(settings.containerd(place, Path("/plugins")))
    assert containerd["plugins"]["io.containerd.grpc.v1.cri"]["cni"]["bin_dir"] == "/plugins"
    kubelet = yaml.safe_load(settings.kubelet(place, at, tmp_path / "ca.crt", 10250))
    assert kubelet["containerRuntimeEndpoint"] == f"unix://{containerd['grpc']['address']}"
    assert (kubelet["cgroupRoot"], kubelet["clusterDNS"]) == ("/pratique-node-7", ["10.245.7.10"])
    assert json.loads(settings.network(at))["plugins"][0]["ipam"]["ranges"][0][0]["subnet"] == "10.244.7.0/24"


def test_a_control_plane_that_has_a_node_is_told_where_it_is(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with_node, without = Options(nodes=Addresses(7).nodes), Options()
    flags = apiserver(layout, PORTS, with_node)
    assert {"--bind-address=10.243.7.1", "--authorization-mode=Node,RBAC"} <= set(flags)
    assert "--bind-address=127.0.0.1" in apiserver(layout, PORTS, without)
    assert not [each for each in flags if each.startswith("--endpoint-reconciler-type")]
    assert "kube-scheduler" in with_node.servers and "kube-scheduler" not in without.servers
    assert f"--kubeconfig={layout.own_kubeconfig('kube-scheduler')}" in scheduler(layout, PORTS, with_node)
    controllers = [
        next(each for each in controller_manager(layout, PORTS, o) if "controllers" in each)
        for o in (with_node, without)
    ]
    assert "-nodelifecycle" not in controllers[0] and "-nodelifecycle" in controllers[1]


def test_a_node_that_does_not_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = Node(tmp_path)
    assert not node.running()
    node.stop()
    with pytest.raises(NodeError, match="No node was started"):
        _ = node.addresses
    with pytest.raises(NodeError, match="does not run"):
        _ = node.first


def test_a_failure_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.node.__main__.HOME", tmp_path / "home")
    assert main(["down"]) == 0
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["up", "--bare"]) == 1
    assert "error: A node is started by root" in capsys.readouterr().err


def test_a_commit_that_changes_nothing_of_the_image_needs_no_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = {"one": "tree", "two": "tree", "three": "other"}
    monkeypatch.setattr(releases, "_git", lambda *words: trees[words[1]])
    assert releases._key("one") == releases._key("two") != releases._key("three")


def test_the_earlier_release_is_one_that_stores_otherwise() -> None:
    earlier = releases.before_the_last_schema()
    changed = subprocess.run(
        ["git", "diff", "--name-only", earlier, "HEAD", "--", *releases._SCHEMAS],
        capture_output=True,
        text=True,
        check=True,
    )
    assert changed.stdout.strip()


@pytest.mark.parametrize(
    ("has", "said"), [([], "kind is not in PATH"), (["kind"], "kind needs Docker, and none answers")]
)
def test_kind_without_docker_is_refused_with_what_to_do(tmp_path: Path, has: list[str], said: str) -> None:
    for name in has:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    environ = {**os.environ, "PATH": str(tmp_path), "PRATIQUE_TEST_CLUSTER": "kind"}
    command = [sys.executable, "-m", "pytest", "tests/node/test_story.py", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert said in done.stdout and "make test-node" in done.stdout
