"""The only module that loads Apprise: opens a URL, hands it a message. It blocks, in a process of its own (`worker`).

The library is told to follow no redirect, to read no file, to load no plugin and to keep nothing on disk. Whether a
service may be used is decided before, by `schemes`; whether it is silent is the business of `worker`.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode
from apprise.plugins import url_to_dict

from pratique.channels.apprise import http as apprise_http
from pratique.channels.apprise.room import Room
from pratique.channels.apprise.schemes import ALLOWED, UNVERIFIED, refused_parameter
from pratique.channels.kit.egress import Egress

CONNECT_SECONDS, READ_SECONDS = 3.0, 6.0
UNUSABLE = (
    "must hold one Apprise URL that is complete, of a service that needs no package beside Apprise; `apprise --dry-run` "
    "on your own machine says what is wrong with it"
)
_ASSET = AppriseAsset(
    app_id="Pratique",
    app_desc="Pratique",
    app_url="https://pratique.dev",
    image_url_mask="",
    image_url_logo="",
    image_path_mask=False,
    async_mode=False,
    http_redirects=False,
    pgp_autogen=False,
    pem_autogen=False,
    allow_templates=False,
    storage_mode="memory",
    service_timeout=0,
    timezone="UTC",
)


apprise_http.install()


class Told(NamedTuple):
    """What came of one try: whether the service took it, and whether nothing but addresses not allowed was tried."""

    taken: bool
    shut: bool = False


@dataclass(frozen=True)
class Service:
    """One service that was opened. `name` is the library's name for it, and no part of the URL."""

    name: str
    plugin: NotifyBase

    @property
    def room(self) -> Room:
        """Return how much the service takes of a message."""
        plugin = self.plugin
        return Room(plugin.title_maxlen, plugin.body_maxlen, bool(plugin.overflow_amalgamate_title))

    @property
    def address(self) -> str:
        """Return the address that the URL has for its host; empty for a name, which may be a token and is not looked up."""
        host = str(self.plugin.host or "").strip("[]")
        try:
            return str(ip_address(host))
        except ValueError:
            return ""

    def tell(self, title: str, body: str, egress: Egress, *, warns: bool = False) -> Told:
        """Hand over one message, which has room."""
        board = Apprise(asset=_ASSET)
        board.add(self.plugin)
        with apprise_http.way_out(egress) as way:
            taken = board.notify(
                title=title,
                body=body,
                notify_type=NotifyType.WARNING if warns else NotifyType.INFO,
                body_format=NotifyFormat.TEXT,
                interpret_escapes=False,
            )
        return Told(bool(taken), way.shut and not taken)


def open_service(url: str) -> Service | str:
    """Return the service, or why the URL cannot be used. Nothing is sent."""
    tokens = url_to_dict(url)  # type: ignore[no-untyped-call]
    if not tokens or tokens["schema"] not in ALLOWED:
        return UNUSABLE
    refused = refused_parameter(tokens["schema"], tokens.get("qsd", {}))
    if refused is not None:
        return refused
    plugin = Apprise.instantiate(tokens, asset=_ASSET)
    if plugin is None:
        return UNUSABLE
    if not plugin.verify_certificate:
        return UNVERIFIED
    # What the URL may ask for otherwise is ours to say.
    plugin.redirects, plugin.retry, plugin.overflow_mode = False, 0, OverflowMode.TRUNCATE
    plugin.socket_connect_timeout, plugin.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
    return Service(str(plugin.service_name), plugin)
