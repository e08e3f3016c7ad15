"""The pictures of the guide. `make pictures` (GOLDEN=1) draws those anew that are older than what they show."""

import io
import os
import subprocess

import pytest
from PIL import Image
from tests.pictures.conftest import Opener
from tests.pictures.gallery import PICTURES, SCALE, Picture, drop_strays, is_fresh, keep
from tests.pictures.looks import problems

COLOURS = 56


@pytest.fixture(scope="module", autouse=True)
def golden() -> bool:
    """Whether pictures are drawn; then with the fonts that the guide's pictures have."""
    if not os.environ.get("GOLDEN"):
        return False
    assert "Noto" in subprocess.check_output(["fc-match", "Noto Sans"], text=True), "install fonts-noto-core"
    drop_strays()
    return True


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_can_be_drawn(show: Opener, picture: Picture, golden: bool) -> None:
    page = show(picture.draw(), picture.width, scale=SCALE, dark=picture.dark)
    assert problems(page) == {}
    if golden and not is_fresh(picture):
        keep(picture, small(page.screenshot(full_page=True)))
    assert is_fresh(picture), "run: make pictures"


def small(png: bytes) -> bytes:
    """Return a picture in so few colours that its text is still smooth, and its surfaces are as they were."""
    out = io.BytesIO()
    shot = Image.open(io.BytesIO(png)).convert("RGB")
    shot.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
