"""The webhook's certificates, really made and really used: handshakes, names, reloads, and replicas that race."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from tests.doubles.clock import FakeClock

from pratique.cluster.client import ApiError
from pratique.core.operating.certificates import Step, Terms
from pratique.processes import pki
from pratique.processes.pki import Material
from pratique.processes.webhook.keeper import Keeper
from pratique.processes.webhook.trust import Kept, Told

SERVICE, ADDRESS = "pratique-webhook.pratique-system.svc", "127.0.0.1"
NAMES = (SERVICE, ADDRESS)
NOW = datetime.now(UTC).replace(microsecond=0)
# OpenSSL has no other clock than the machine's: what is made in a year of the fake one has to hold today, too
TERMS = Terms(backdate=timedelta(days=1000))
DAY = 86400.0


def handshake(server: ssl.SSLContext, bundle: str, name: str = SERVICE) -> int:
    """Return the serial number of what a client that trusts `bundle` was shown; raises ssl.SSLError."""
    client = ssl.create_default_context(cadata=bundle)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(down, up, server_hostname=name), server.wrap_bio(up, down, server_side=True))
    done = [False, False]
    for _ in range(10):
        for index, end in enumerate(ends):
            try:
                end.do_handshake()
                done[index] = True
            except ssl.SSLWantReadError:
                pass
        if all(done):
            shown = ends[0].getpeercert(binary_form=True)
            assert shown is not None
            return x509.load_der_x509_certificate(shown).serial_number
    raise AssertionError("the handshake does not end")


class World:
    """The two objects, in memory, for several replicas."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.version, self.told_version, self.writes = 1, 1, 0
        self.bundles: tuple[str, ...] = ("", "")
        self.error: ApiError | None = None
        self.meanwhile: list[Material] = []
        """What somebody else writes right before the next writes."""

    async def kept(self) -> Kept:
        if self.error:
            raise self.error
        return Kept(dict(self.data), {"metadata": {"resourceVersion": str(self.version)}})

    async def keep(self, data: dict[str, str], before: Kept) -> bool:
        if self.meanwhile:
            self.data, self.version = self.meanwhile.pop().data(), self.version + 1
        if before.body["metadata"]["resourceVersion"] != str(self.version):
            return False
        self.data, self.version, self.writes = dict(data), self.version + 1, self.writes + 1
        return True

    async def told(self) -> Told:
        return Told(self.bundles, str(self.told_version))

    async def tell(self, bundle: str, before: Told) -> bool:
        if before.version != str(self.told_version):
            return False
        self.bundles, self.told_version = (bundle,) * len(self.bundles), self.told_version + 1
        return True

    @property
    def bundle(self) -> str:
        """Whom the API server trusts."""
        assert len(set(self.bundles)) == 1
        return self.bundles[0]


def keeper(world: World, clock: FakeClock, names: tuple[str, ...] = NAMES) -> Keeper:
    return Keeper(world, names, clock, TERMS)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


async def test_the_first_look_makes_all_and_the_api_server_can_talk_to_it(clock: FakeClock) -> None:
    world = World()
    one = keeper(world, clock)
    assert one.reason == "there is no certificate yet"
    await one.look()
    assert one.reason is None and one.ends == NOW + TERMS.serving
    for name in NAMES:
        handshake(one.context, world.bundle, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(one.context, world.bundle, "elsewhere.svc")
    other = World()
    await keeper(other, clock).look()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(one.context, other.bundle)


async def test_replicas_share_one_certificate_and_a_restart_makes_none(clock: FakeClock) -> None:
    world = World()
    one, two = keeper(world, clock), keeper(world, clock)
    await one.look()
    await two.look()
    assert world.writes == 1
    assert handshake(one.context, world.bundle) == handshake(two.context, world.bundle)


async def test_who_was_slower_takes_what_the_faster_wrote(clock: FakeClock) -> None:
    world = World()
    faster = pki.carry_out(Step.CREATE, Material(), NAMES, NOW, TERMS)
    world.meanwhile = [faster]
    slower = keeper(world, clock)
    await slower.look()
    assert slower.serving == faster and world.bundle == faster.bundle


async def test_a_secret_that_is_always_changed_ends_the_look_not_the_process(clock: FakeClock) -> None:
    world = World()
    world.meanwhile = [Material()] * 20
    one = keeper(world, clock)
    await one.look()
    assert one.reason == "there is no certificate yet"


async def test_for_a_year_each_replica_serves_what_is_trusted(clock: FakeClock) -> None:
    """Two replicas that look in turns, a quarter of an hour apart; each handshake of either succeeds, all the time."""
    world, replicas = World(), []
    replicas = [keeper(world, clock), keeper(world, clock)]
    serials, authorities = set(), set()
    for each in replicas:
        await each.look()
    while clock.now() < NOW + timedelta(days=400):
        writes = world.writes
        for each in replicas:
            clock.advance(900.0)
            await each.look()
            serials |= {handshake(replica.context, world.bundle) for replica in replicas}
            authorities |= {world.bundle[:200]}
        if world.writes == writes:
            clock.advance(2 * DAY)
    assert len(serials) >= 6 and len(authorities) == 2
    assert len(x509.load_pem_x509_certificates(world.bundle.encode())) == 1


async def test_a_connection_survives_the_reload(clock: FakeClock) -> None:
    world = World()
    one = keeper(world, clock)
    await one.look()
    client, up, down = ssl.create_default_context(cadata=world.bundle), ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(down, up, server_hostname=SERVICE),
        one.context.wrap_bio(up, down, server_side=True),
    )
    with pytest.raises(ssl.SSLWantReadError):
        ends[0].do_handshake()
    clock.advance(45 * DAY)
    await one.look()  # in the middle of a handshake
    assert world.writes == 2
    for _ in range(3):
        for end in reversed(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    ends[0].write(b"asked")
    assert ends[1].read() == b"asked"


@pytest.mark.parametrize(
    "broken",
    [
        {"bundle": ""},
        {"bundle": "text"},
        {"authority_key": ""},
        {"authority_key": "text"},
        {"certificate": "text"},
        {"key": ""},
    ],
)
async def test_what_is_damaged_is_made_again(clock: FakeClock, broken: dict[str, str]) -> None:
    world = World()
    one = keeper(world, clock)
    await one.look()
    before = handshake(one.context, world.bundle)
    world.data = replace(one.serving, **broken).data()
    await one.look()
    assert handshake(one.context, world.bundle) != before


async def test_keys_of_others_are_not_taken(clock: FakeClock) -> None:
    """A certificate and a key that do not belong together would end the process when they are loaded."""
    made = [pki.carry_out(Step.CREATE, Material(), NAMES, NOW, TERMS) for _ in range(2)]
    assert pki.read(replace(made[0], key=made[1].key), NAMES).serving is None
    assert pki.read(replace(made[0], authority_key=made[1].key), NAMES).authority is None
    mixed = replace(made[0], certificate=made[1].certificate, key=made[1].key)
    assert pki.read(mixed, NAMES).signed_by_newest is False
    assert pki.read(made[0], NAMES).signed_by_newest is True


async def test_another_name_needs_another_certificate(clock: FakeClock) -> None:
    world = World()
    await keeper(world, clock, (SERVICE,)).look()
    moved = keeper(world, clock, ("elsewhere.svc",))
    await moved.look()
    handshake(moved.context, world.bundle, "elsewhere.svc")


async def test_a_configuration_that_was_changed_is_told_again(clock: FakeClock) -> None:
    world = World()
    one = keeper(world, clock)
    await one.look()
    right = world.bundle
    world.bundles = (right, "")
    await one.look()
    assert world.bundles == (right, right)


async def test_an_api_server_that_is_away_changes_nothing_until_the_certificate_ends(clock: FakeClock) -> None:
    world = World()
    one = keeper(world, clock)
    await one.look()
    world.error = ApiError(0, "Unreachable", "the API server did not answer")
    clock.advance(59 * DAY)
    with pytest.raises(ApiError):
        await one.look()
    assert one.reason is None
    clock.advance(2 * DAY)
    assert one.reason == "the certificate has ended"
    world.error = None
    await one.look()
    assert one.reason is None
