"""Decides which of Apprise's services a channel may use: each scheme is decided here, and what is not named is refused.

Allowed is what tells somebody by HTTP, where `apprise_http` decides each connection. Refused is what acts on the
operator's own machine, needs files of it, or connects in another way, and each parameter that names a file or weakens TLS.
A test holds this list to the installed Apprise: a new service is decided before it can be used. Must not load the library.
"""

import re
from collections.abc import Iterable

_SERVICES = """
46elks acs apprise apprises atalk awswhatsapp azure bale bark barks betterstack bluesky brevo bsky bulksms bulkvs
burstsms chanify clickatell clicksend cliq cm d7sms dapnet dingtalk discord dot eight00com elks emby embys enigma2
enigma2s evolution evolutions exotel feishu firehydrant flock flowtriq flowtriqs fluxer fluxers form forms freemobile
gchat github goalert goalerts gorush gorushs gotify gotifys groundmail groupme guilded gupshup hassio hassios httpsms
humhub humhubs ifttt ilert incidentio infobip instagram jellyfin jellyfins jira join json jsons kakao kakaotalk
kaleyra kavenegar klr kodi kodis kook kudosity kumulos lametric lametrics lark lauther lfg line mailersend mailgun
mastodon mastodons matrix matrixs misskey misskeys mmost mmosts mobilemessage mobilemsg msg91 msgbird ncloud nclouds
nctalk nctalks nexmo notica noticas notifiarr notifico notificos notifyapp notifyre ntfy ntfys o365 octopush onebot
onebots onesignal opsgenie opsimate opsimates pagerduty pagertree parsep parseps pbul pinglet pinglets pingram pjet
pjets plivo postmark pover prowl psafer psafers push pushdeer pushdeers pushed pushme pushplus pushward pushy qq
reddit resend revolt ringc rocket rockets ryver schan sendgrid sendpulse serwersms ses session sessions seven sfr
signal signalgrid signals signl4 simplepush sinch slack smsc smseagle smseagles smsmanager smsmgr smstunnel smtp2go
sns sogs sparkpost spike splunk spugpush spush squadcast stackfield strmlabs synology synologys telesign telnyx tgram
threema toot toots trigv trigvs tweet twilio twist twitter viber victorops voipms vonage webex wechat wecom wecombot
whapi whatsapp workflow workflows wpush wxpusher wxteams x xbmc xbmcs xmatters xml xmls youlmk zalo zcliq zohocliq
zoom zulip
"""
ALLOWED = frozenset(_SERVICES.split())
LOCAL = frozenset(("blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"))
"""They show a window, write a log or light a lamp on the machine that they run on."""
NEEDS_FILES = frozenset(("fcm", "vapid"))
"""They read key files, and one writes them."""
_OTHER = """
amqp amqps aprs deltachat deltachats growl irc ircs mailto mailtos mqtt mqtts nostr rsyslog smpp smpps xmpp xmpps
"""
NOT_HTTP = frozenset(_OTHER.split())
"""They open sockets of their own, to any address: no library that they use lets somebody else make the socket."""
_TEMPLATES = frozenset(("discord", "slack", "tgram", "workflow", "workflows"))
"""Their parameter `template` is a file; elsewhere it is the name of something at the service."""
_FILES = frozenset(("keyfile", "pgp", "pgpprv", "pgppub", "subfile"))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31})://\S*")
UNVERIFIED = "holds a URL with verify=no, which trusts any TLS certificate; leave it out"


def refusal(url: str) -> str | None:
    """Return why a URL may not be used, as the end of a sentence that begins with its place; None if it may."""
    found = _SCHEME.fullmatch(url)
    if found is None:
        return "must hold one Apprise URL and nothing else, such as ntfys://ntfy.example.com/a-topic"
    scheme = found[1].lower()
    if scheme in ALLOWED:
        return None
    if scheme in LOCAL:
        return (
            f"holds a {scheme}:// URL, which acts on the operator's own machine and tells nobody; use another service"
        )
    if scheme in NEEDS_FILES:
        return f"holds a {scheme}:// URL, which needs files on the operator's machine; use another service"
    if scheme in NOT_HTTP:
        return (
            f"holds a {scheme}:// URL, of a service that is not reached by HTTP: the operator could not keep it off "
            "private addresses; use another service"
        )
    if scheme in ("http", "https"):
        return "holds an http URL; use the scheme of an Apprise service, or a channel of type webhook"
    return "holds a URL of no service that a channel may use; see the list in docs/guides/channel-apprise.md"


def refused_parameter(scheme: str, parameters: Iterable[str]) -> str | None:
    """Return why one of a URL's parameters may not be used; None if all may."""
    names = {name.lower() for name in parameters}
    files = names & (_FILES | {"template"} if scheme in _TEMPLATES else _FILES)
    if not files:
        return None
    return f"holds a URL with the parameter {min(files)}, which names a file on the operator's machine; leave it out"
