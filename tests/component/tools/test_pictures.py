"""The pictures of the guide show what is sent today. Without a browser: of each, the hash of its page is kept."""

import re
import struct

from tests.pictures.gallery import FOLDER, MAX_BYTES, PICTURES, SCALE, is_fresh, read_index

REMEDY = "messages have changed since these pictures were taken: make pictures, and look at them"


def test_no_picture_is_older_than_what_it_shows() -> None:
    assert [each.file.name for each in PICTURES if not is_fresh(each)] == [], REMEDY


def test_there_is_no_other_picture() -> None:
    names = {each.file.name for each in PICTURES}
    assert len(names) == len(PICTURES)
    assert {each.name for each in FOLDER.iterdir()} == {*names, "index.json"}
    assert read_index().keys() == names


def test_pictures_are_small() -> None:
    assert {each.file.name: size for each in PICTURES if (size := each.file.stat().st_size) > MAX_BYTES} == {}


def test_pictures_are_as_wide_as_their_window() -> None:
    for picture in PICTURES:
        (width,) = struct.unpack(">I", picture.file.read_bytes()[16:20])
        assert width == picture.width * SCALE


def test_the_guide_shows_each_picture_and_says_what_is_on_it() -> None:
    guide = (FOLDER.parent / "notifications.md").read_text()
    shown = re.findall(r'<img src="pictures/([^"]+)" width="(\d+)" alt="([^"]{60,})">', guide)
    wanted = [(each.file.name, str(each.width)) for each in PICTURES]
    assert sorted((name, width) for name, width, _ in shown) == sorted(wanted)
    assert len({alt for _, _, alt in shown}) == len(shown)
