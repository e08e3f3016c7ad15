"""Keeps the webhook's certificate: reads what is stored, does the step that is due, tells the API server, and serves it.

Every replica does this on its own, every half minute. None of them leads: a step is one conditional write, whoever was
slower reads again, and `core.operating.certificates` orders the steps so that it does not matter who takes which. A Lease
would add a right and a way to fail, and prevent nothing that the condition does not.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import datetime

from pratique.clock import Clock
from pratique.cluster.client import ApiError
from pratique.core.operating.certificates import Step, Terms, next_step
from pratique.processes.pki import Material, carry_out, ends, read
from pratique.processes.tls import use
from pratique.processes.webhook.trust import Told, Trust

log = logging.getLogger(__name__)
_TRIES = 5
_HURRY = 1.0


class Keeper:
    """The certificate of one replica. `context` is what the server shakes hands with; it changes under its hands."""

    def __init__(self, trust: Trust, names: tuple[str, ...], clock: Clock, terms: Terms) -> None:
        self._trust, self._names, self._clock, self._terms = trust, names, clock, terms
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.serving = Material()
        self._looked_at = clock.steady()
        self._wrong: str | None = "there is no certificate yet"

    @property
    def ends(self) -> datetime | None:
        """When the certificate that is served ends."""
        return ends(self.serving)

    @property
    def reason(self) -> str | None:
        """Why the API server cannot talk to this replica, or None."""
        ended = self.ends is not None and self.ends <= self._clock.now()
        return "the certificate has ended" if ended else self._wrong

    @property
    def idle(self) -> float:
        """For how many seconds it has not looked."""
        return self._clock.steady() - self._looked_at

    async def run(self, every: float, looked: Callable[[], None]) -> None:
        """Look again and again; an API server that is away is no reason to end, nor to serve less."""
        while True:
            try:
                await self.look()
            except ApiError as error:
                log.warning("The certificate could not be looked after: %s", error.message)
                if error.code in (403, 404):
                    self._wrong = error.message  # the installation is incomplete: say so where people look
            self._looked_at = self._clock.steady()
            looked()
            await asyncio.sleep(every if self.serving.certificate else min(every, _HURRY))

    async def look(self) -> None:
        """Bring what is stored, what the API server was told and what is served up to date; raises ApiError."""
        for _ in range(_TRIES):
            kept, told = await self._trust.kept(), await self._trust.told()
            material = Material.of(kept.data)
            stored, in_force = read(material, self._names), told.all_are(material.bundle)
            step = next_step(stored, in_force=in_force, now=self._clock.now(), terms=self._terms)
            if step is not Step.KEEP:
                material = carry_out(step, material, self._names, self._clock.now(), self._terms)
                if not await self._trust.keep(material.data(), kept):
                    continue
                log.info("Certificates: %s", step)
            if await self._tell(material, told):
                self._serve(material)
                return
        log.warning("The certificate is changed by others all the time; looking again later")

    async def _tell(self, material: Material, told: Told) -> bool:
        """Tell the API server first, serve afterwards: it must not meet what it does not know."""
        return told.all_are(material.bundle) or await self._trust.tell(material.bundle, told)

    def _serve(self, material: Material) -> None:
        if material.certificate != self.serving.certificate:
            use(self.context, material.key + material.certificate)
            log.info("Serving a certificate until %s", ends(material))
        self.serving, self._wrong = material, None
