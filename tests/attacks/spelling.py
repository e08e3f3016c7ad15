"""Attacks on how values are spelled: names that lead elsewhere, times that are none. One for each rule beside a value."""

from typing import Any, get_args

from tests.attacks.denials import crd
from tests.attacks.model import SPACE, Attack, Json, Twin, create
from tests.attacks.world import berth, gate, voyage
from tests.builders import manifests as make
from tests.builders.manifests import changed

from pratique.api.v1alpha1 import spelling
from pratique.api.v1alpha1.spelling import Spelled

ELSEWHERE = "../secrets/root"
_OPENS = Twin("operator", "opens a gate without decisions", create(gate("fresh")))
_OFFERS = Twin("admin", "writes an Action with sound names", create(berth("fresh")))
_MAKES = Twin("admin", "makes an Environment", create(make.environment(SPACE, "fresh")))
_IT = {"namespace": SPACE, "name": "it"}
_TELLS = Twin("admin", "makes a channel", create(make.channel("fresh")))
_MAIL = {"server": "smtp.example.com:587", "from": "pratique@example.com"}
_BOT = {"tokenSecretRef": {"name": "slack", "key": "token"}}


def sentence_of(written: Any) -> str:
    """Return what answers a value that is not spelled as this type says."""
    return next(each.sentence for each in get_args(written) if isinstance(each, Spelled))


def _told(channel: str) -> list[Json]:
    return [{"channels": [channel], "events": ["Failed"]}]


def _quiet(**fields: str) -> dict[str, Any]:
    return {"spec.quietHours": {"timeZone": "UTC", "start": "20:00", "end": "08:00", **fields}}


def _attack(name: str, told: str, twin: Twin, request: Json, written: Any) -> Attack:
    plural = f"{request['kind'].lower()}s"
    return Attack(name, 17, twin.who, told, create(request), crd(plural, sentence_of(written)), twin)


_FROM = {"name": "Authorization", "secretRef": {"name": "github", "key": "../token"}}
_SENDS = {"id": "a", "request": {"url": "https://api.example.com/", "headersFrom": [_FROM]}}


ATTACKS = [
    _attack(
        "action-that-leads-elsewhere",
        "the name of an Action is a path to something else",
        Twin("admin", "names the Action that there is", create(voyage())),
        changed(voyage(), {"spec.actionRef.name": ELSEWHERE}),
        spelling.ObjectName,
    ),
    _attack(
        "target-that-leads-elsewhere",
        "the namespace of the object that a run acts on is a path to something else",
        Twin("developer", "asks for an object in a namespace", create(changed(voyage(), {"spec.targetRef": _IT}))),
        changed(voyage(), {"spec.targetRef": {**_IT, "namespace": "../nodes"}}),
        spelling.NamespaceName,
    ),
    _attack(
        "gate-tells-elsewhere",
        "a gate is told through what is no channel",
        _OPENS,
        gate("fresh", spec__notifications=_told(ELSEWHERE)),
        spelling.ObjectName,
    ),
    *(
        _attack(name, told, _OFFERS, changed(berth("fresh"), change), written)
        for name, told, change, written in (
            (
                "account-that-leads-elsewhere",
                "the name of an account is a path to something else",
                {"spec.execution.serviceAccountRef.name": ELSEWHERE},
                spelling.ObjectName,
            ),
            (
                "account-of-a-path",
                "an account is in what is no namespace",
                {"spec.execution.serviceAccountRef.namespace": "kube.system"},
                spelling.NamespaceName,
            ),
            (
                "secret-of-a-path",
                "the key of a Secret whose value is sent is a path",
                {"spec.execution.resources.0": _SENDS},
                spelling.SecretKey,
            ),
            (
                "id-with-code",
                "the id of a template is an expression",
                {"spec.execution.resources.0.id": "a+resources.b"},
                spelling.ResourceId,
            ),
            (
                "stage-of-two-lines",
                "the name of a stage brings a line of its own along",
                {"spec.approval.stages.0.name": "lead\napproved"},
                spelling.StageName,
            ),
            (
                "no-time-to-decide",
                "a gate stays open for a time that nobody can count",
                {"spec.approval.stages.0.deadline": "1h30m"},
                spelling.Duration,
            ),
        )
    ),
    *(
        _attack(name, told, _MAKES, changed(make.environment(SPACE, "fresh"), change), written)
        for name, told, change, written in (
            (
                "life-without-end",
                "an Environment lives for a time without a unit",
                {"spec.ttl": "90"},
                spelling.Duration,
            ),
            (
                "namespace-that-leads-elsewhere",
                "the namespace of an Environment is a path to another",
                {"spec.target.namespace.name": "env-../kube-system"},
                spelling.NamespaceName,
            ),
            (
                "end-tells-elsewhere",
                "an Environment tells its end through what is no channel",
                {"spec.notifications": _told(ELSEWHERE)},
                spelling.ObjectName,
            ),
        )
    ),
    *(
        _attack(name, told, _TELLS, changed(make.channel("fresh"), change), written)
        for name, told, change, written in (
            (
                "secret-that-leads-elsewhere",
                "the Secret of a channel is a path to another namespace",
                {"spec.slack.webhookUrlSecretRef.name": ELSEWHERE},
                spelling.ObjectName,
            ),
            (
                "key-of-a-path",
                "the key of a Secret is a path",
                {"spec.slack.webhookUrlSecretRef.key": "../token"},
                spelling.SecretKey,
            ),
            (
                "address-of-one-for-all",
                "each person's address is that of somebody else",
                {"spec.slack": {"bot": {**_BOT, "addressFrom": "mallory@example.com"}}},
                spelling.AddressTemplate,
            ),
            (
                "greeting-of-two-lines",
                "the greeting of a mail server brings a command along",
                {"spec": {"email": {**_MAIL, "helloName": "a.example.com\r\nRSET"}}},
                spelling.HostName,
            ),
            (
                "domain-of-anybody",
                "a run may name addresses of any domain",
                {"spec": {"email": {**_MAIL, "annotationDomains": ["*"]}}},
                spelling.MailDomain,
            ),
            (
                "zone-of-a-path",
                "the time zone is a path to a file",
                _quiet(timeZone="../../etc/passwd"),
                spelling.ZoneName,
            ),
            ("quiet-from-never", "quiet begins at an hour that never comes", _quiet(start="25:00"), spelling.TimeOfDay),
            (
                "digest-without-a-unit",
                "a channel collects for a time without a unit",
                {"spec.digest": {"every": "soon"}},
                spelling.Duration,
            ),
        )
    ),
]
