"""The only code that talks to chat and webhooks; one module each."""

from pratique.channels.delivery import Channels

__all__ = ["Channels"]
