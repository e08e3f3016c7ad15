"""How property tests choose their examples.

`make test` tries the same ones each time: what fails there is what somebody changed. `PRATIQUE_FUZZ=5` chooses anew, five
times as many (`make hunt`), and a find becomes an example that is always tried.
"""

import os

from hypothesis import HealthCheck, settings

MORE = int(os.environ.get("PRATIQUE_FUZZ", "1"))
"""How many times as many examples; chosen anew if more than 1."""
SLOW_MACHINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def examples(number: int, *, steps: int = 50) -> settings:
    """Return the settings for this many examples, each of at most this many steps where it is a state machine."""
    return settings(max_examples=number * MORE, stateful_step_count=steps)


def load() -> None:
    """Make this the way of all property tests of this session."""
    settings.register_profile(
        "steady",
        max_examples=100 * MORE,
        deadline=None,
        derandomize=MORE == 1,
        database=None,
        suppress_health_check=SLOW_MACHINE,
    )
    settings.load_profile("steady")
