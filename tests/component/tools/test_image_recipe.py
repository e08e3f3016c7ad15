"""What can be seen of the image's recipe without building it; tests/image builds it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
IMAGE = ROOT / "tools" / "image"
SCRIPTS = sorted(IMAGE.glob("*.sh"))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
BUILD = (IMAGE / "build.sh").read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_bash_and_stop_at_the_first_error(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "\nset -euo pipefail\n" in script.read_text() and script.stat().st_mode & 0o100


@pytest.mark.parametrize("path", [*SCRIPTS, IMAGE / "sbom.py", ROOT / "Dockerfile"], ids=lambda path: path.name)
def test_where_packages_come_from_is_the_machines_matter(path: Path) -> None:
    assert "://" not in path.read_text()


def test_every_tool_is_pinned_with_hashes() -> None:
    pins = (ROOT / "requirements" / "image.txt").read_text()
    wanted = [line for line in (ROOT / "requirements" / "image.in").read_text().splitlines() if line[:1].isalpha()]
    assert wanted and [each for each in wanted if not re.search(rf"^{re.escape(each)}==", pins, re.MULTILINE)] == []
    blocks = re.split(r"\n(?=\S)", pins.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_both_ways_take_the_same_files() -> None:
    """What git archives for the one, .dockerignore lets through for the other."""
    (listed,) = re.findall(r"^git archive HEAD (.*) \|", BUILD, re.MULTILINE)
    let = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")} - {"tools"}
    assert set(listed.split()) == let
    assert all((ROOT / each).exists() for each in let)


@pytest.mark.parametrize(
    "word", ["65532:65532", "/usr/bin/pratique", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]
)
def test_both_ways_say_the_same_of_the_image(word: str) -> None:
    assert word in DOCKERFILE and word in BUILD


def test_the_user_of_the_image_is_the_one_of_the_chart() -> None:
    values = (ROOT / "charts" / "pratique" / "values.yaml").read_text()
    assert "runAsUser: 65532" in values and "pratique:x:65532:65532:" in (IMAGE / "rootfs.sh").read_text()
