"""What a process sees to: all namespaces, or those of its shard. Asked for each object that a watch tells."""

from dataclasses import dataclass, field

from pratique.core.operating.sharding import Shard


@dataclass
class Scope:
    """The namespaces of one shard; for as long as it sweeps, those of all the others as well."""

    shard: Shard = field(default_factory=Shard)
    sweeps: bool = False
    """Whether it is told apart no more what is whose: set by the sweep alone, while nobody decides anything."""

    def is_foreign(self, namespace: str) -> bool:
        """Whether what is in a namespace is another shard's; what is in none is everybody's to know."""
        return bool(namespace) and not self.shard.owns(namespace)

    def keeps(self, namespace: str) -> bool:
        """Whether the cache has what is in a namespace."""
        return self.sweeps or not self.is_foreign(namespace)

    def decides(self, namespace: str) -> bool:
        """Whether something is decided here for what is in a namespace, or in none."""
        return self.sweeps or self.shard.owns(namespace)
