"""Each rule is what stops its attacks: without it, and it alone, they are accepted, or stopped by the next rule.

A rule that no attack of the table names fails here, so the table is complete.
"""

import pytest
from tests.attacks.removal import Rule, outcomes, rules, trials
from tests.attacks.world import World
from tests.support.http import Reply

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def seen(world: World, replies: dict[str, Reply]) -> dict[tuple[frozenset[Rule], str], Reply | None]:
    """What each attack got with its rules taken away, after all of them were sent to the whole guard."""
    assert replies
    return outcomes(world)


def title(rule: Rule) -> str:
    return f"{rule[0]}: {rule[1][:50]}"


@pytest.mark.parametrize("rule", rules(), ids=title)
def test_without_the_rule_its_attacks_get_through(
    seen: dict[tuple[frozenset[Rule], str], Reply | None], rule: Rule
) -> None:
    about = [trial for trial in trials() if rule in trial.removed]
    assert about, f"no attack of the table names this rule: {rule}"
    for trial in about:
        for attack, expected in trial.expected:
            wrong = seen[trial.removed, attack.id]
            assert wrong is None, (
                f"{attack.id} without {sorted(trial.removed)}: expected"
                f" {expected or 'to be accepted'}, got {wrong.code} {wrong.message}"
            )
