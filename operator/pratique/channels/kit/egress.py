"""Opens sockets to receivers, and none to an address that is not allowed. All types of channels connect by it.

The door stands where a socket is made for one address: what was checked is what is connected to, whatever notation, name
server or cache it came from. What is allowed is decided in `core.telling.egress`. Must not know what is sent.
"""

import asyncio
import errno
import socket
from typing import Any

from aiohappyeyeballs import AddrInfoType, start_connection

from pratique.core.kernel.errors import ChannelError
from pratique.core.telling.egress import NOT_ALLOWED, AllowedEgress

_LOOK_SECONDS = 3.0
_NEXT_ADDRESS_SECONDS = 0.25
"""RFC 8305: how long one address may take before another is tried beside it."""


class NotAllowedError(ChannelError):
    """No address of the receiver may be connected to. The message is for people and names neither host nor address."""

    def __init__(self) -> None:
        super().__init__(NOT_ALLOWED)


class Door:
    """Makes the sockets of one connection. Give it to whatever connects, and ask afterwards whether it was `shut`."""

    def __init__(self, allowed: AllowedEgress, host: str) -> None:
        self._allowed, self._host = allowed, host
        self._refused = self._opened = False

    @property
    def shut(self) -> bool:
        """Whether nothing but addresses that are not allowed was tried."""
        return self._refused and not self._opened

    def socket(self, info: AddrInfoType) -> socket.socket:
        """Return a socket to connect to this address with; an OSError makes its caller try the next address."""
        family, kind, protocol, _, address = info
        if family not in (socket.AF_INET, socket.AF_INET6) or not self._allowed.admits(self._host, str(address[0])):
            self._refused = True
            raise PermissionError(errno.EACCES, "not allowed")
        self._opened = True
        return socket.socket(family, kind, protocol)


class Egress:
    """The way out, the same for all channels."""

    def __init__(self, allowed: AllowedEgress = AllowedEgress()) -> None:  # noqa: B008 - it is frozen
        self._allowed = allowed

    @property
    def allowed(self) -> AllowedEgress:
        """Return what is allowed, for a process that shall hold to the same."""
        return self._allowed

    def door(self, host: str) -> Door:
        """Return what makes the sockets of one connection to `host`."""
        return Door(self._allowed, host)

    async def is_shut(self, host: str, port: int) -> bool:
        """Whether a host has addresses now, and none that may be connected to. Nothing is connected to."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError):  # the name server may be away, or the name be wrong: a try will tell
            return False
        return bool(infos) and not any(self._allowed.admits(host, str(info[4][0])) for info in infos)

    async def open_socket(self, host: str, port: int) -> socket.socket:
        """Return a connected socket that does not block; NotAllowedError, or OSError. The caller limits the time."""
        try:
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except ValueError:  # of the codec of host names
            raise OSError(errno.EINVAL, "not a host name") from None
        door = self.door(host)
        try:
            return await start_connection(infos, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, socket_factory=door.socket)
        except OSError:
            if door.shut:
                raise NotAllowedError from None
            raise


def connect_blocking(door: Door, host: str, port: int, timeout: float | None) -> socket.socket:
    """Return a connected socket, for a library that blocks; OSError if there is none."""
    failure = OSError(errno.EADDRNOTAVAIL, "no address")
    infos: list[Any] = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    for info in infos:
        try:
            opened = door.socket(info)
        except OSError as error:
            failure = error
            continue
        try:
            opened.settimeout(timeout)
            opened.connect(info[4])
        except OSError as error:
            opened.close()
            failure = error
        else:
            return opened
    raise failure
