"""The pictures of the guide, each made of what a channel sends; and whether the committed ones still show that.

`docs/guides/pictures/index.json` keeps, for each picture, the hash of the page that it was taken of.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.pictures.clients import in_mail, in_slack, in_teams, in_thread
from tests.pictures.stories import STORIES

FOLDER = Path(__file__).parents[2] / "docs" / "guides" / "pictures"
INDEX = FOLDER / "index.json"
MAX_BYTES = 90_000
SCALE = 1.5
WIDE, PHONE = 720, 360


@dataclass(frozen=True)
class Picture:
    """A page at the width of its window."""

    name: str
    draw: Callable[[], str]
    width: int = WIDE
    dark: bool = False

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.png"

    @property
    def source(self) -> str:
        """The hash of all that the picture shows."""
        return digest(f"{self.width} {self.dark} {self.draw()}".encode())


PICTURES = (
    Picture("slack-held", partial(in_slack, STORIES["held"])),
    Picture("slack-thread", in_thread),
    Picture("slack-declined", partial(in_slack, STORIES["declined"]), PHONE),
    Picture("teams-held", partial(in_teams, STORIES["held"])),
    Picture("teams-superseded", partial(in_teams, STORIES["superseded"])),
    Picture("teams-expiring", partial(in_teams, STORIES["expiring"]), PHONE),
    Picture("mail-held", partial(in_mail, STORIES["held"])),
    Picture("mail-declined", partial(in_mail, STORIES["declined"]), PHONE),
    Picture("mail-succeeded", partial(in_mail, STORIES["succeeded"]), PHONE, dark=True),
)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_index() -> dict[str, dict[str, str]]:
    """Return of each committed picture the hashes of its page and of its file."""
    return json.loads(INDEX.read_text()) if INDEX.exists() else {}


def is_fresh(picture: Picture) -> bool:
    kept = read_index().get(picture.file.name)
    return picture.file.exists() and kept == {"page": picture.source, "file": digest(picture.file.read_bytes())}


def keep(picture: Picture, png: bytes) -> None:
    """Put a picture into the guide, and into the index what it is of."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture.file.write_bytes(png)
    _write_index({**read_index(), picture.file.name: {"page": picture.source, "file": digest(png)}})


def drop_strays() -> None:
    """Remove what is no picture of the guide any more."""
    names = {each.file.name for each in PICTURES}
    for stray in (each for each in FOLDER.glob("*.png") if each.name not in names):
        stray.unlink()
    _write_index({name: kept for name, kept in read_index().items() if name in names})


def _write_index(kept: dict[str, dict[str, str]]) -> None:
    INDEX.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
