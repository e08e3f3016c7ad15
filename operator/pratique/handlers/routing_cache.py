"""What this process knows of reaching people: the channels in the cache, the directory as last read, and the traffic.

The directory is one ConfigMap, read now and then; one that cannot be used leaves the last good one in force, and every
channel that reaches people says what is wrong with it. Decides nothing.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pratique.api.v1alpha1 import NotificationChannel
from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.cluster.client import Api, ApiError
from pratique.cluster.store import Store
from pratique.core.telling.directory import DIRECTORY_KEY, DIRECTORY_NAME, DirectoryError, parse_directory
from pratique.core.telling.recipients import Routing
from pratique.core.telling.traffic import Traffic
from pratique.handlers.memory import Parsed

log = logging.getLogger(__name__)


class CachedChannels(Mapping[str, NotificationChannelSpec]):
    """The specs of the channels that exist now, by name."""

    def __init__(self, store: Store, parsed: Parsed) -> None:
        self._store, self._parsed = store, parsed

    def __getitem__(self, name: str) -> NotificationChannelSpec:
        body = self._store.get(("", name))
        if body is None:
            raise KeyError(name)
        return self._parsed(NotificationChannel, body).spec

    def __iter__(self) -> Iterator[str]:
        return iter([name for _, name in self._store.names()])

    def __len__(self) -> int:
        return len(self._store)


@dataclass
class RoutingCache:
    """What planners are given to say to whom goes what."""

    routing: Routing = field(default_factory=Routing)
    problem: str | None = None
    """What is wrong with the directory, as one sentence."""
    traffic: Callable[[str], tuple[Traffic, int]] = lambda channel: (Traffic(), 0)
    retry: Callable[[str], None] = lambda channel: None
    _version: str | None = field(default=None)

    async def read(self, api: Api, namespace: str) -> None:
        """Read the directory again; an API server that is away changes nothing."""
        try:
            found = await api.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/{DIRECTORY_NAME}")
        except ApiError as error:
            if error.reason == "NotFound":
                self._use("")
            else:
                log.warning("The directory could not be read: %s", error.message)
            return
        version = found["metadata"]["resourceVersion"]
        if version != self._version:
            self._version = version
            self._use(str((found.get("data") or {}).get(DIRECTORY_KEY, "")))

    def _use(self, text: str) -> None:
        try:
            directory = parse_directory(text)
        except DirectoryError as error:
            self.problem = f"ConfigMap {DIRECTORY_NAME}: {error}; the directory before this one is used"
            log.warning("%s", self.problem)
            return
        self.problem = None
        self.routing = Routing(self.routing.channels, directory)
