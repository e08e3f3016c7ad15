"""The only module that loads Apprise: opens a URL, hands it a message. Runs in a thread and blocks.

The library is told to follow no redirect, to read no file, to load no plugin and to keep nothing on disk. Whether a
service may be used is decided before, by `apprise_schemes`; whether it is silent is the business of `apprise`.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode
from apprise.plugins import url_to_dict

from pratique.channels.apprise import http as apprise_http
from pratique.channels.apprise.schemes import ALLOWED, UNVERIFIED, refused_parameter
from pratique.channels.apprise.text import body_of, title_of
from pratique.channels.kit.egress import Egress, NotAllowedError
from pratique.core.telling.events import EVENTS
from pratique.core.telling.messages import Message

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


@dataclass(frozen=True)
class Service:
    """One service that was opened. `name` is the library's name for it, and no part of the URL."""

    name: str
    plugin: NotifyBase

    @property
    def address(self) -> str:
        """Return the address that the URL has for its host; empty for a name, which may be a token and is not looked up."""
        host = str(self.plugin.host or "").strip("[]")
        try:
            return str(ip_address(host))
        except ValueError:
            return ""

    def tell(self, message: Message, egress: Egress) -> bool:
        """Hand over one message, cut to what the service takes; return whether it was taken, or NotAllowedError."""
        plugin = self.plugin
        title = title_of(message, plugin.title_maxlen or plugin.body_maxlen // 2)
        used = len(title) + len("\r\n") if plugin.title_maxlen <= 0 or plugin.overflow_amalgamate_title else 0
        board = Apprise(asset=_ASSET)
        board.add(plugin)
        with apprise_http.way_out(egress) as way:
            taken = board.notify(
                title=title,
                body=body_of(message, plugin.body_maxlen - used),
                notify_type=NotifyType.WARNING if EVENTS[message.event].type == "Warning" else NotifyType.INFO,
                body_format=NotifyFormat.TEXT,
                interpret_escapes=False,
            )
        if way.shut and not taken:
            raise NotAllowedError
        return bool(taken)


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
