"""The pins install on a new machine: pip in hash mode wants every extra that a package asks for pinned under its name."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PINS = Path(__file__).parents[3] / "requirements"


def pinned(name: str) -> dict[str, set[str]]:
    """Return the packages of a pin file with the extras that are pinned."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[([^]]*)\])?==", (PINS / name).read_text(), re.MULTILINE)
    return {package.lower(): set(filter(None, extras.split(","))) for package, extras in found}


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_extra_that_a_package_asks_for_is_pinned(name: str) -> None:
    pins, missing = pinned(name), []
    for package in pins:
        try:
            wanted = [Requirement(each) for each in metadata.requires(package) or []]
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        for need in wanted:
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if applies and not need.extras <= pins.get(need.name.lower(), set()):
                missing.append(f"{package} wants {need.name}{sorted(need.extras)}")
    assert not missing, f"{missing}: make requirements"
