"""Namespaces: nothing is decided for them."""

from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.core.kernel.effects import Json
from pratique.handlers.kinds.base import Key, Watched, label


class Namespaces(Watched):
    """Namespaces that Environments made: nothing is decided for them, but their Environment looks."""

    plural = "namespaces"

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Its Environment waits for it to be gone."""
        environments = self.stores["environments"]
        return [
            ("environments", *name)
            for uid in label(ENVIRONMENT_UID_LABEL, body)
            for name in environments.by("uid", uid)
        ]
