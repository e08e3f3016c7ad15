"""The image, built as users build it: the same twice, by umoci and by the Dockerfile; small, and whole.

Takes root, Debian's tools and some minutes, so `make test-image` runs it, and `make test` does not.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pratique import __version__

ROOT = Path(__file__).parents[2]
PROGRAMS = ("mmdebstrap", "umoci", "buildah", "shellcheck")
MOST = 75_000_000
Json = dict[str, Any]

pytestmark = pytest.mark.timeout(1500)


def run(*command: str | Path, **variables: str) -> str:
    """Run a command; its output, or its error, is what a failure shows."""
    words = [str(each) for each in command]
    done = subprocess.run(words, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words[:3]}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """Say what is missing."""
    missing = [each for each in PROGRAMS if shutil.which(each) is None]
    assert os.geteuid() == 0 and not missing, (
        f"the image is made by root, with Debian's {', '.join(missing or PROGRAMS)}"
    )


def test_the_scripts_have_no_known_mistake() -> None:
    run("shellcheck", *sorted((ROOT / "tools" / "image").glob("*.sh")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, unpacked."""
    folder = tmp_path_factory.mktemp("built")
    run("tools/image/build.sh", folder)
    (folder / "oci").mkdir()
    run("tar", "-C", folder / "oci", "-xf", folder / "pratique.tar")
    return folder


@pytest.fixture(scope="module")
def tree(built: Path) -> Iterator[Path]:
    """What a container sees, in a folder that nobody can write to."""
    bundle = built / "bundle"
    run("umoci", "unpack", "--image", f"{built / 'oci'}:{__version__}", bundle)
    yield bundle / "rootfs"
    shutil.rmtree(bundle)


def blob(built: Path, digest: str) -> Json:
    """Return a JSON document of the image."""
    return dict(json.loads((built / "oci" / "blobs" / digest.replace(":", "/")).read_text()))


def manifest(built: Path) -> Json:
    """Return the manifest of the one image there is."""
    (entry,) = json.loads((built / "oci" / "index.json").read_text())["manifests"]
    return blob(built, entry["digest"])


def inside(tree: Path, *command: str) -> str:
    """Run a command in the image as its Pods do: as user 65532, with a root that cannot be written to."""
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec chroot --userspec=65532:65532 "$@"'
    return run("unshare", "--mount", "sh", "-c", script, "sh", tree, *command)


def test_the_same_commit_gives_the_same_digest(built: Path, tmp_path: Path) -> None:
    run("tools/image/build.sh", tmp_path)
    assert (tmp_path / "digest").read_text() == (built / "digest").read_text()
    assert (tmp_path / "pratique.tar").read_bytes() == (built / "pratique.tar").read_bytes()


def test_it_is_small_and_an_upgrade_is_smaller(built: Path) -> None:
    sizes = [layer["size"] for layer in manifest(built)["layers"]]
    assert sum(sizes) <= MOST and len(sizes) == 3
    assert sizes[-1] < 3_000_000


def test_it_says_what_it_is(built: Path) -> None:
    found = blob(built, manifest(built)["config"]["digest"])
    head = run("git", "rev-parse", "HEAD").strip()
    assert found["config"]["User"] == "65532:65532" and found["config"]["Entrypoint"] == ["/usr/bin/pratique"]
    labels = {key.removeprefix("org.opencontainers.image."): text for key, text in found["config"]["Labels"].items()}
    assert (labels["version"], labels["revision"], labels["licenses"]) == (__version__, head, "Apache-2.0")
    assert labels["created"] == found["created"]


def test_it_runs_as_its_pods_do(tree: Path) -> None:
    said = inside(tree, "/usr/bin/pratique", "version")
    assert f"pratique         {__version__}\n" in said and run("git", "rev-parse", "HEAD") in said.replace(
        "commit           ", ""
    )
    assert "pratique operator" in inside(tree, "/usr/bin/pratique", "operator", "--help")
    every = "kopf, kubernetes, apprise, aiohttp, cryptography, cel_expr_python, pratique.processes.operator"
    assert (
        inside(tree, "/usr/bin/python3", "-c", f"import {every}; import getpass; print(getpass.getuser())")
        == "pratique\n"
    )
    cannot = (
        "import pathlib, sys\ntry: pathlib.Path('/usr/x').write_text('')\nexcept OSError as error: print(error.errno)"
    )
    assert inside(tree, "/usr/bin/python3", "-c", cannot) == "30\n"  # a file system that is read-only


def test_nothing_is_compiled_at_a_start(tree: Path) -> None:
    sources = [path for path in tree.glob("usr/lib/python3*/**/*.py") if "site-packages" not in path.parts]
    missing = [each for each in sources if not list((each.parent / "__pycache__").glob(f"{each.stem}.cpython-*.pyc"))]
    # templates of source text, which are no Python
    assert len(missing) < 20 and not [each for each in missing if "pratique" in each.parts]


def test_there_is_no_shell_and_nothing_that_gives_power(tree: Path) -> None:
    programs = sorted(path.name for place in ("bin", "sbin") for path in (tree / "usr" / place).glob("*"))
    assert programs == ["pratique", "python3", "python3.13"]
    for path in tree.rglob("*"):
        mode = path.lstat().st_mode
        if not path.is_symlink():
            assert not mode & 0o6000, path
            assert not mode & 0o002 or path == tree / "tmp", path


def test_nothing_of_this_machine_is_in_it(tree: Path) -> None:
    own = (str(ROOT), "/build/usr", "/tmp/tmp.")
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes()
            assert not [each for each in own if each.encode() in text], path


def test_the_bill_of_materials_lists_what_is_there(built: Path, tree: Path) -> None:
    inner = tree / "usr/share/doc/pratique/sbom.cdx.json"
    assert inner.read_bytes() == (built / "sbom.cdx.json").read_bytes()
    bill = json.loads(inner.read_text())
    listed = {each["purl"].partition("?")[0] for each in bill["components"]}
    there = [path.name.removesuffix(".dist-info").rpartition("-") for path in tree.rglob("*.dist-info")]
    installed = {f"pkg:pypi/{name.lower().replace('_', '-')}@{version}" for name, _, version in there} - {
        f"pkg:pypi/pratique@{__version__}"
    }
    assert installed == {each for each in listed if each.startswith("pkg:pypi/")}
    pinned = {line.split()[0] for line in (ROOT / "requirements/runtime.txt").read_text().splitlines() if "==" in line}
    assert {each.replace("==", "@").partition(";")[0] for each in pinned} == {
        each.removeprefix("pkg:pypi/") for each in installed
    }
    licensed = {path.name for path in (tree / "usr/share/doc").iterdir() if (path / "copyright").exists()}
    named = {each["name"] for each in bill["components"] if each["purl"].startswith("pkg:deb/")}
    assert "python3.13-minimal" in named and named - licensed == set()
    assert bill["metadata"]["component"]["name"] == "pratique"


def files(layers: tuple[Path, ...]) -> dict[str, str]:
    """Return what layers hold below their root, each file by what it is, but for times.

    Buildah writes the kind of a file into its mode as well.
    """
    found = {}
    for layer in layers:
        with tarfile.open(layer) as archive:
            for entry in archive:
                name = entry.name.removeprefix("./").rstrip("/")
                if name in ("", "."):
                    continue
                data = archive.extractfile(entry) if entry.isfile() else None
                digest = hashlib.sha256(data.read()).hexdigest() if data else entry.linkname
                found[name] = f"{entry.type!r} {entry.mode & 0o7777:o} {entry.uid} {entry.gid} {digest}"
    return found


@pytest.fixture
def storage() -> Iterator[Path]:
    """Where buildah keeps what it makes; pytest's own folders are deleted by whoever runs pytest next, mounts or not."""
    folder = Path(tempfile.mkdtemp(prefix="pratique-buildah-"))
    yield folder
    shutil.rmtree(folder)


def test_the_dockerfile_makes_the_same_files(built: Path, storage: Path) -> None:
    """With buildah, since it needs no daemon; its base is made here, since there may be no registry."""
    roots = ("--root", storage / "root", "--runroot", storage / "runroot", "--storage-driver", "vfs")

    def buildah(*words: str | Path) -> str:
        return run("buildah", *roots, *words, BUILDAH_ISOLATION="chroot").strip()

    run("mmdebstrap", "--quiet", "--variant=minbase", "trixie", storage / "base.tar")
    base = buildah("from", "scratch")
    buildah("add", "--quiet", base, storage / "base.tar", "/")
    buildah("commit", "--quiet", base, "localhost/base")
    context = storage / "context"
    context.mkdir()
    run("git", "archive", "--output", storage / "context.tar", "HEAD")
    run("tar", "-C", context, "-xf", storage / "context.tar")
    head, when = run("git", "rev-parse", "HEAD").strip(), run("git", "log", "-1", "--format=%ct").strip()
    chosen = [f"--build-arg={each}" for each in (f"COMMIT={head}", f"SOURCE_DATE_EPOCH={when}", "BASE=localhost/base")]
    if found := os.environ.get("PIP_CERT"):  # how this machine reaches its package index
        chosen += ["--volume", f"{found}:/run/host-ca.crt:ro", "--build-arg=PIP_CERT=/run/host-ca.crt"]
    if found := index():
        chosen += [f"--build-arg=PIP_INDEX_URL={found}"]
    buildah("bud", "--pull-never", "--layers=false", "--network=host", *chosen, "-t", "localhost/pratique", context)
    archive = storage / "made.tar"
    buildah("push", "--quiet", "localhost/pratique", f"oci-archive:{archive}:localhost/pratique:latest")
    (storage / "made" / "oci").mkdir(parents=True)
    run("tar", "-C", storage / "made" / "oci", "-xf", archive)
    ours, theirs = files(layers(built)), files(layers(storage / "made"))
    assert {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)} == set()
    assert blob(storage / "made", manifest(storage / "made")["config"]["digest"])["config"]["User"] == "65532:65532"


def layers(built: Path) -> tuple[Path, ...]:
    """Return the archives of an image, from the lowest."""
    return tuple(built / "oci" / "blobs" / each["digest"].replace(":", "/") for each in manifest(built)["layers"])


def index() -> str:
    """Return where pip is configured to find packages, if anywhere."""
    done = subprocess.run(["pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False)
    return done.stdout.strip()
