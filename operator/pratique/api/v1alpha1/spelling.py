"""How values of one line are spelled: durations, names, times of day; and the sentence that answers one that is not.

A pattern in a CRD is answered with the pattern itself, which says to nobody what to write. So each of these is a rule
beside its field in place of a pattern: the same expression, a sentence with an example, and where it can be told, what
to write instead. The models keep the pattern, so what an API server would have refused is not taken from a cache either.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

DURATION_PATTERN = r"^(0s|[1-9][0-9]{0,8}(s|m|h|d|w))$"
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NAMESPACE_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
OBJECT_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"


@dataclass(frozen=True)
class Spelled:
    """Written in a type behind its pattern: the rule and the sentences that a CRD has in place of the pattern.

    `remedy` is CEL over `self`, the wrong value: a longer sentence, or an error, after which `sentence` is said.
    """

    sentence: str
    remedy: str = ""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema with a rule where the pattern was."""
        schema = handler(core)
        rule = {"rule": f"self.matches({quoted(schema.pop('pattern'))})", "message": self.sentence}
        if self.remedy:
            rule["messageExpression"] = self.remedy
        return {**schema, "x-kubernetes-validations": [rule]}


def quoted(text: str) -> str:
    """Return a text as CEL has it, as a raw string: expressions are full of backslashes."""
    if "'" in text:
        raise ValueError(f"a raw string of CEL cannot hold an apostrophe: {text}")
    return f"r'{text}'"


def instead(sentence: str, *tries: str, pattern: str) -> str:
    """Return CEL for a sentence that ends with the first of `tries` that is spelled well: `; write X`."""
    fit = f"[{', '.join(tries)}].filter(t, t.matches({quoted(pattern)}))"
    return f"{quoted(sentence)} + ({fit}.size() > 0 ? '; write ' + {fit}[0] : '')"


def _duration() -> str:
    """Return CEL for what to write in place of 90, 3D, 03d or 2 days. It cannot say 90m for 1h30m: sums cost too much."""
    unit = "(s(ec(ond)?s?)?|m(in(ute)?s?)?|h((ou)?rs?)?|d(ays?)?|w(eeks?)?)"
    one = f"self.lowerAscii().matches(r'^[0-9]{{1,10}} *{unit}$')"
    meant = f"{one} ? self.find('[1-9][0-9]*') + self.lowerAscii().find('[a-z]') : ''"
    bare = f"{quoted(_DURATION)} + '; ' + self + ' has no unit'"
    return f"self.matches('^[1-9][0-9]{{0,8}}$') ? {bare} : {instead(_DURATION, meant, pattern=DURATION_PATTERN)}"


def seconds(path: str) -> str:
    """Return CEL for the length of a duration in seconds; `path` is where it is, and one that is spelled well."""
    units = "{" + ", ".join(f"'{unit}': {length}" for unit, length in UNIT_SECONDS.items()) + "}"
    return f"int({path}.substring(0, size({path}) - 1)) * {units}[{path}.substring(size({path}) - 1)]"


def spelled(pattern: str, sentence: str, *tries: str, **bounds: Any) -> tuple[Any, Spelled]:  # noqa: ANN401 - Field's own
    """Return what stands in an `Annotated[str, *…]`: the pattern, its sentence, and what might have been meant."""
    remedy = instead(sentence, *tries, pattern=pattern) if tries else ""
    return Field(pattern=pattern, **bounds), Spelled(sentence, remedy)


_DURATION = "a duration is one whole number and one unit, s, m, h, d or w: 90m in place of 1h30m, 1d in place of 1 day"
_DASHED = "self.lowerAscii().replace('_', '-').replace(' ', '-')"
_OBJECT = "a name has lower-case letters, digits, - and ., at its ends a letter or digit, such as team-chat"
_NAMESPACE = "the name of a namespace has lower-case letters, digits and -, at its ends a letter or digit"
_STAGE = "the name of a stage begins with a lower-case letter and has lower-case letters, digits and -, at most 32"
_ID = "an id begins with a lower-case letter and has letters, digits and _, at most 31, such as database"
_KEY = "a key of a Secret has letters, digits, -, _ and . and nothing else, such as url"
_ADDRESS_FROM = "addressFrom is Username, or an address with ${user} in front of the @, such as ${user}@example.com"
_HOST = "helloName is a full host name, with a domain, such as mailer.example.com"
_DOMAIN = "a domain is written in lower case and without the @, such as example.com"
_ZONE = "timeZone is a name of the time zone database, such as Europe/Berlin or UTC"
_TIME_OF_DAY = "a time of day is HH:MM, from 00:00 to 23:59, such as 07:30"
_HOUR = "self.replace('24:', '00:').find('^[0-9]{1,2}:[0-9]{2}')"

# Longer than a right value can be: of a value that is too long, the API server would say its length and no more.
Duration = Annotated[
    str,
    Field(pattern=DURATION_PATTERN, max_length=64, description="One number and one unit: 90s, 15m, 24h, 3d or 2w."),
    Spelled(_DURATION, _duration()),
]
"""A length of time as users write it; `duration_of` turns it into a timedelta."""
ObjectName = Annotated[str, *spelled(OBJECT_PATTERN, _OBJECT, _DASHED, min_length=1, max_length=253)]
NamespaceName = Annotated[
    str, *spelled(NAMESPACE_PATTERN, _NAMESPACE, f"{_DASHED}.replace('.', '-')", min_length=1, max_length=63)
]
StageName = Annotated[str, *spelled(r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$", _STAGE, _DASHED, max_length=64)]
ResourceId = Annotated[
    str,
    *spelled(
        r"^[a-z][a-zA-Z0-9_]{0,30}$",
        _ID,
        "self.replace('-', '_').replace('.', '_').replace(' ', '_')",
        "self.lowerAscii().replace('-', '_').replace('.', '_').replace(' ', '_')",
        max_length=64,
    ),
]
SecretKey = Annotated[str, *spelled(r"^[-._a-zA-Z0-9]+$", _KEY, min_length=1, max_length=253)]
AddressTemplate = Annotated[
    str,
    *spelled(
        r"^(Username|[A-Za-z0-9._+-]*\$\{user\}[A-Za-z0-9._+-]*@[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)$",
        _ADDRESS_FROM,
        "self.lowerAscii() == 'username' ? 'Username' : ''",
        "self.replace('$', '').replace('{username}', '{user}').replace('{user}', '${user}')",
        max_length=320,
    ),
]
HostName = Annotated[str, *spelled(rf"^{_LABEL}([.]{_LABEL})+$", _HOST, max_length=253)]
MailDomain = Annotated[
    str, *spelled(OBJECT_PATTERN, _DOMAIN, "self.lowerAscii().replace('@', '')", min_length=1, max_length=253)
]
ZoneName = Annotated[str, *spelled(r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$", _ZONE, max_length=64)]
TimeOfDay = Annotated[
    str,
    *spelled(
        r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        _TIME_OF_DAY,
        _HOUR,
        f"'0' + {_HOUR}",
        "self.matches('^[0-9]{2}$') ? self + ':00' : '0' + self + ':00'",
        max_length=32,
    ),
]
