"""Listens on an address, or says which option is to be changed."""

import os

from aiohttp import web

from pratique.core.kernel.errors import ConfigurationError


class AddressError(ConfigurationError):
    """An address cannot be listened on; the message names the options that say which."""


async def listen(site: web.TCPSite, options: str) -> None:
    """Begin to listen; raises AddressError."""
    try:
        await site.start()
    except OSError as error:
        why = (
            os.strerror(error.errno).lower() if error.errno and error.errno > 0 else "it is no address of this machine"
        )
        raise AddressError(f"{options}: {site.name} cannot be listened on ({why}): choose another") from None
