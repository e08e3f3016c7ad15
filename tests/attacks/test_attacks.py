"""Each attack of the table on the real API server: its verbatim answer, its allowed twin, and the page that shows it."""

import ast
import os
from collections import Counter
from pathlib import Path

import pytest
from tests.attacks.judge import gives
from tests.attacks.model import Attack, Denial, Proven, Shows
from tests.attacks.table import ATTACKS, ELSEWHERE, POINTS, TRIED, page
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


def test_a_denial_has_a_twin() -> None:
    assert [each.id for each in TRIED if isinstance(each.answer, Denial) and not each.twin] == []


@pytest.mark.parametrize("attack", ELSEWHERE, ids=slug)
def test_what_is_proven_elsewhere_is_proven_there(attack: Attack) -> None:
    assert isinstance(attack.answer, Proven)
    path, _, name = attack.answer.test.partition("::")
    functions = {
        node.name
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions, f"{path} has no {name}"


def test_each_attack_has_a_name_of_its_own_and_belongs_to_a_point() -> None:
    assert [name for name, times in Counter(each.id for each in ATTACKS).items() if times > 1] == []
    assert {each.point for each in ATTACKS} <= set(POINTS)


def test_there_are_a_hundred_at_least() -> None:
    assert len(ATTACKS) >= 100


def test_the_page_shows_what_was_answered(replies: dict[str, Reply]) -> None:
    text = page(replies)
    if os.environ.get("GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.exists() and PAGE.read_text(encoding="utf-8") == text, (
        f"{PAGE} is not what was answered: GOLDEN=1 rewrites it, git diff shows the change"
    )
