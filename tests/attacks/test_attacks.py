"""Each attack of the table on the real API server: its verbatim answer, its allowed twin, and the page that shows it."""

import os
from pathlib import Path

import pytest
from tests.attacks.judge import gives
from tests.attacks.model import Attack, Denial, Shows
from tests.attacks.table import TRIED, page
from tests.attacks.world import World
from tests.support.http import Reply

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "concepts" / "attacks.md"


def slug(attack: Attack) -> str:
    return attack.id


@pytest.mark.parametrize("attack", TRIED, ids=slug)
def test_an_attack_gets_its_answer(replies: dict[str, Reply], attack: Attack) -> None:
    assert isinstance(attack.answer, Denial | Shows)
    reply = replies[attack.id]
    assert gives(reply, attack.answer), f"{attack.answer}\nbut: {reply.code} {reply.message or reply.body}"


@pytest.mark.parametrize("attack", [each for each in TRIED if each.twin], ids=slug)
def test_its_twin_is_allowed(world: World, replies: dict[str, Reply], attack: Attack) -> None:
    assert attack.twin is not None
    reply = world.send(attack.twin.who, attack.twin.request)
    assert reply.ok, f"{attack.twin.who}, {attack.twin.what}: {reply.message}"


def test_the_page_shows_what_was_answered(replies: dict[str, Reply]) -> None:
    text = page(replies)
    if os.environ.get("GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.exists() and PAGE.read_text(encoding="utf-8") == text, (
        f"{PAGE} is not what was answered: GOLDEN=1 rewrites it, git diff shows the change"
    )
