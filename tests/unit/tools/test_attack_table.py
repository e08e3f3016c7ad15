"""The table of attacks is complete: each rule has an attack, each denial a twin, and what is proven elsewhere is there.

`tests/attacks` sends them; this needs no cluster, so that who adds a rule hears of it at once.
"""

import ast
from collections import Counter
from pathlib import Path

import pytest
from tests.attacks.model import Attack, Denial, Proven
from tests.attacks.removal import GUARDS, Rule, rules, trials
from tests.attacks.table import ATTACKS, ELSEWHERE, POINTS, TRIED, around, told

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "concepts" / "attacks.md").read_text(encoding="utf-8").splitlines()
WRITE_IT_ANEW = "docs/concepts/attacks.md is not of today: run `make attacks`, and read the difference"
NAMED = {rule for trial in trials() for rule in trial.removed}


def slug(attack: Attack) -> str:
    return attack.id


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule[0]}: {rule[1][:50]}")
def test_a_rule_has_an_attack(rule: Rule) -> None:
    assert rule in NAMED, f"no attack of tests/attacks names this rule: {rule}"


def test_an_attack_names_rules_that_exist() -> None:
    assert NAMED - set(rules()) == set()


def test_a_rule_is_known_by_its_message() -> None:
    for name, guard in GUARDS.items():
        messages = [each["message"] for each in guard["spec"]["validations"]]
        assert len(set(messages)) == len(messages), name


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


def test_the_page_holds_these_attacks_in_our_words() -> None:
    """`tests/attacks` asks an API server for each answer, in minutes; that a sentence of ours changed shows here."""
    shown = [line for line in PAGE if line.startswith("| <a id=")]
    expected = [each for point in POINTS for each in ATTACKS if each.point == point]
    assert len(shown) == len(expected), WRITE_IT_ANEW
    stale = [
        attack.id
        for attack, line in zip(expected, shown, strict=True)
        if not (line.startswith(around(attack)[0]) and line.endswith(around(attack)[1]) and told(attack) in line)
    ]
    assert stale == [], WRITE_IT_ANEW


def test_there_are_a_hundred_at_least() -> None:
    assert len(ATTACKS) >= 100
