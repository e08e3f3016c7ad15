"""One API server for all attacks, of an installation that uses every list there is; each attack is sent once."""

from collections.abc import Iterator

import pytest
from tests.attacks.table import TRIED
from tests.attacks.world import INSTALLATION, World, build
from tests.support.http import Callers, Reply
from tests.support.own_plane import own_plane


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The state that the attacks meet."""
    with (
        own_plane("attacks", tmp_path_factory.mktemp("attacks"), values=INSTALLATION) as (plane, cluster),
        Callers(plane) as callers,
    ):
        yield build(cluster, callers)


@pytest.fixture(scope="session")
def replies(world: World) -> dict[str, Reply]:
    """What the API server answered to each attack: dry runs first, so that what is real disturbs none of them."""
    requests = [(each, each.request) for each in TRIED if each.request is not None]
    ordered = sorted(requests, key=lambda each: not each[1].dry)
    return {attack.id: world.send(attack.who, request) for attack, request in ordered}
