"""Says what an API server's refusal may be quoted with: known forms, field paths, bounded sentences. Pure.

A refusal may hold objects: a patch that does not fit prints the whole stored object, validation prints values, policies
and webhooks print whatever their authors like. So nothing is quoted for being a message. A form that is known becomes a
`Piece` whose `frame` is safe in itself; what others wrote freely is its `words`, and whoever knows the object hides its
values in them (`hiding`). Anything else is said by its code alone. Called by `answers`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.environment import Access, EnvironmentSpec, Limits, Target, TargetNamespace
from pratique.core.kernel.text import clean

MAX_WORDS, MAX_FRAME, MAX_QUOTE = 240, 320, 400
_MAX_PIECES = 3
_NAME = r'"[^"\n]{1,253}"'
_OBJECT = r"[A-Za-z0-9.:/_-]{1,253}"
_WHAT = rf"{_OBJECT}(?: {_NAME})?"

_POLICY = re.compile(
    rf"(?:.*?is forbidden: )?((?:Validating|Mutating)AdmissionPolicy '{_OBJECT}' with binding '{_OBJECT}' denied request)"
    r"(?:: (.*))?"
)
_WEBHOOK = re.compile(rf"(?:.*?is forbidden: )?(admission webhook {_NAME} denied the request)(?:: | )?(.*)")
_AWAY = re.compile(rf"(?:.*: )?failed calling webhook ({_NAME}): (.*)")
_NO_DRY_RUN = re.compile(rf"(?:.*: )?(admission webhook {_NAME} does not support dry run)")
_LEVEL = re.compile(rf"({_WHAT} is forbidden: violates PodSecurity {_NAME})(?:: (.*))?")
_RIGHTS = re.compile(
    rf'({_WHAT} is forbidden: User {_NAME} cannot [a-z]+ (?:resource|path) "[^"\n]{{1,200}}"'
    rf'(?: in API group "[^"\n]{{0,200}}")?(?: in the namespace {_NAME}| at the cluster scope)?)(?:: (.*))?'
)
_GRANT = re.compile(
    rf"({_WHAT} is forbidden: user {_NAME}) \(groups=[^\n]*?\) (is attempting to grant RBAC permissions not currently held)"
)
_HELD = re.compile(r"\{[^{}\n]{1,300}\}")
_AMOUNTS = r"[a-z0-9A-Z./_=,:;\[\]() -]{1,240}"
_PLAIN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_WHAT} (?:not found|already exists)",
        rf"object is being deleted: {_WHAT} already exists",
        rf"{_WHAT} is forbidden: exceeded quota: {_AMOUNTS}",
        rf"{_WHAT} is forbidden: failed quota: {_OBJECT}: must specify {_AMOUNTS}",
        rf"{_WHAT} is forbidden: status unknown for quota: {_AMOUNTS}",
        rf"{_WHAT} is forbidden: unable to create new content in namespace {_OBJECT} because it is being terminated",
        rf"{_WHAT} is forbidden: error looking up service account {_OBJECT}: serviceaccount {_NAME} not found",
        rf"{_WHAT} is forbidden: no PriorityClass with name {_OBJECT} was found",
        rf"{_WHAT} is forbidden: not yet ready to handle request",
        rf"Operation cannot be fulfilled on {_WHAT}: the object has been modified; please apply your changes to the latest"
        r" version and try again",
        r"the server could not find the requested resource",
        r"the server does not allow this method on the requested resource",
        r"the namespace of the provided object does not match the namespace sent on the request",
        r"the name of the (?:provided )?object \([^)\n]{1,253}\) does not match the name on the URL \([^)\n]{1,253}\)",
        r"[Tt]oo many requests, please try again later\.?",
        r"etcdserver: [a-z ,]{1,60}",
        r"Request entity too large: limit is \d+",
    )
)
_REPLACED = re.compile(rf"Operation cannot be fulfilled on ({_WHAT}): .*(?:precondition|UID).*", re.IGNORECASE)
_FORBIDDEN = re.compile(rf"({_WHAT} is forbidden)(?:: (.*))?")

_JSON_TYPE = re.compile(
    r"json: cannot unmarshal (\w+)(?: \S+)? into Go (?:struct field (\w+\.[\w.\[\]-]{1,200})|value) of type ([^\n]{1,80})"
)
_STRICT = re.compile(r'strict decoding error: ((?:(?:unknown|duplicate) field "[^"\n]{1,200}"(?:, )?){1,8})')
_DECODING = tuple(
    re.compile(pattern)
    for pattern in (
        r"cannot convert \w+ to \w+",
        r"unrecognized type: \w+",
        r"illegal base64 data at input byte \d+",
        r"quantities must match the regular expression '[^'\n]{1,100}'",
        r"unexpected end of JSON input",
        r"does not contain declared merge key: \w{1,40}",
    )
)
_GO_TYPES = {
    "int32": "an integer", "int64": "an integer", "int": "an integer", "float64": "a number", "number": "a number",
    "bool": "true or false", "string": "a string", "array": "a list", "object": "an object",
}  # fmt: skip

_KIND = re.compile(
    r"(Invalid value|Unsupported value|Duplicate value|Not found|Required value|Forbidden|Too long|Too many|Too few)"
    r"(?:: |$)"
)
_VALUED = frozenset({"Invalid value", "Unsupported value", "Duplicate value", "Not found"})
_GO_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_STATIC = tuple(
    re.compile(pattern)
    for pattern in (
        r"field is immutable(?: after creation)?",
        r"supported values: .*",
        r"must be (?:greater|less) than(?: or equal to)? -?\d+",
        r"must be (?:no more than \d+ (?:characters|bytes)|non-negative|specified|unique)",
        r"(?:may not be more than|must have at most) \d+ \w+",
        r"\d+: must have at (?:most|least) \d+ items",
        r"may not be specified when `\w+` is not empty",
        r"`selector` does not match template `labels`",
        r"pod updates may not change fields other than .*",
        r"updates to \w+ spec for fields other than .* are forbidden",
        r"spec is immutable after creation except .*",
        r"(?:[\w.\[\]-]+ in body )?must be of type \w+(?:: \"\w+\")?",
        r"(?:[\w.\[\]-]+ in body )?should be (?:less|greater) than(?: or equal to)? -?[\d.]+",
        r"(?:a|an) (?:valid|lowercase) [^\"]* must (?:consist|be|start) .*",
    )
)
_ENVIRONMENT = frozenset(
    rule.message for model in (EnvironmentSpec, Target, TargetNamespace, Limits, Access) for rule in model.cel_rules
)
"""What the rules of our own CRD say: a run makes no other kind of ours."""
_OF = r"(?:quota|limits|labels|default|defaultRequest|max)"
_ENVIRONMENT_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_OF} has the key .{{0,128}}, which limits nothing: .*",
        rf"{_OF}: .{{0,128}} is .{{0,32}}(?:, which is|: it must|: that is|: these are) .*",
        rf"(?:limits\.)?{_OF} of .{{0,128}} is .{{0,32}}, above .*",
        r"labels: .{0,317} or its value is no label: .*",
    )
)
_NO_ANSWER = (
    ("deadline exceeded", "it did not answer in time"),
    ("timed out", "it did not answer in time"),
    ("connection refused", "it takes no connection"),
    ("no endpoints available", "nothing serves it"),
    ("not found", "its service does not exist"),
    ("x509", "its certificate is not trusted"),
)


@dataclass(frozen=True)
class Piece:
    """A part of a refusal: `frame` is safe in itself, `words` are somebody's own and may repeat values of an object."""

    frame: str
    words: str = ""

    def __str__(self) -> str:
        """Return it as it is shown."""
        return f"{self.frame}: {self.words}" if self.words else self.frame


def show(pieces: tuple[Piece, ...]) -> str:
    """Return what may be said, bounded."""
    return clean("; ".join(map(str, pieces)), MAX_QUOTE)


def quote(code: int, status: Mapping[str, Any] | None) -> tuple[Piece, ...]:
    """Return what may be said of an answer that is not a success; `status` is its body, None if that was no Status."""
    if status is None:
        return (Piece(f"HTTP {code}, without a reason that can be shown"),)
    message = _line(status.get("message"))
    known = _foreign(message) or _plain(str(status.get("message") or ""))
    if known is not None:
        return (known,)
    causes = list(_causes(status))
    if causes:
        more = len(causes) - _MAX_PIECES
        return (*causes[:_MAX_PIECES], *((Piece(f"and {more} more"),) if more > 0 else ()))
    decoding = _decoding(message)
    if decoding:
        return (Piece(decoding),)
    if (forbidden := _FORBIDDEN.fullmatch(message)) is not None:
        return (_piece(forbidden[1], forbidden[2]),)
    return (Piece(f"the API server answered {_word(status.get('reason')) or 'no reason'} (HTTP {code})"),)


def _foreign(message: str) -> Piece | None:
    """Return what a policy, a webhook or a level of pod security says."""
    for form in (_POLICY, _WEBHOOK, _LEVEL, _RIGHTS):
        if (found := form.fullmatch(message)) is not None:
            return _piece(found[1], found[2])
    if (away := _AWAY.fullmatch(message)) is not None:
        why = next((said for part, said in _NO_ANSWER if part in away[2]), "it gave no answer that can be used")
        return Piece(clean(f"failed calling webhook {away[1]}: {why}", MAX_FRAME))
    if (dry := _NO_DRY_RUN.fullmatch(message)) is not None:
        return Piece(dry[1])
    return None


def _plain(message: str) -> Piece | None:
    """Return a sentence of the API server's own that holds names and amounts only."""
    line = _line(message)
    if any(form.fullmatch(line) for form in _PLAIN):
        return Piece(clean(line, MAX_FRAME))
    if (replaced := _REPLACED.fullmatch(line)) is not None:
        return Piece(f"{replaced[1]} is another object now: it was deleted and made again")
    if (grant := _GRANT.match(line)) is not None:
        held = _HELD.search(message)
        return Piece(clean(f"{grant[1]} {grant[2]}{f': {held[0]}' if held else ''}", MAX_FRAME))
    return None


def _causes(status: Mapping[str, Any]) -> Iterator[Piece]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    is_ours = isinstance(details, Mapping) and details.get("group") == GROUP
    seen = set()
    for cause in causes if isinstance(causes, list) else ():
        if not isinstance(cause, Mapping):
            continue
        field, message = clean(str(cause.get("field") or ""), 200), str(cause.get("message") or "")
        piece = (_own_rule(field, message) if is_ours else None) or _cause(field, message)
        if piece not in seen:
            seen.add(piece)
            yield piece


def _own_rule(field: str, message: str) -> Piece | None:
    """Return what a rule of an Environment's CRD says: such sentences hold no values but its quantities."""
    said = _KIND.sub("", _line(message), count=1)
    if said in _ENVIRONMENT or any(form.fullmatch(said) for form in _ENVIRONMENT_FORMS):
        return Piece(clean(f"{field}: {said}", MAX_FRAME))
    return None


def _cause(field: str, message: str) -> Piece:
    """Return one cause of a refusal: its field and its kind, without the value; then what is wrong with it."""
    line = _line(message)
    if not field:
        return _foreign(line) or _piece("the request is refused", line)
    kind = _KIND.match(line)
    if kind is None:
        return _piece(field, line)
    detail: str | None = line[kind.end() :]
    if kind[1] in _VALUED:
        detail = _after_value(detail or "")
    if field == "patch":
        return Piece(_decoding(detail or "") or "the patch does not fit the object")
    if field == "metadata.uid":
        return Piece("it is another object now: it was deleted and made again")
    frame = f"{field}: {kind[1]}"
    if detail and any(form.fullmatch(detail) for form in _STATIC):
        return Piece(clean(f"{frame}: {detail}", MAX_FRAME))
    return _piece(frame, detail)


def _after_value(text: str) -> str | None:
    """Return what follows a value that is printed first; None if it cannot be told where the value ends."""
    end = 0
    if (quoted := _GO_STRING.match(text)) is not None:
        end = quoted.end()
    elif text[:1] in set("{[-0123456789tfn"):
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return None
    rest = text[end:]
    return rest[2:] if end and rest.startswith(": ") else None


def _decoding(text: str) -> str:
    """Return what does not fit about a body or a patch, from the forms that hold field names and types only."""
    if (typed := _JSON_TYPE.search(text)) is not None:
        place = f"struct field {typed[2]}" if typed[2] else "value"
        said = f"json: cannot unmarshal {typed[1]} into Go {place}"
        field = (typed[2] or "").partition(".")[2] or "the object"
        return clean(f"{field}: must be {_type(typed[3])}, not {_type(typed[1])} ({said})", MAX_FRAME)
    if (strict := _STRICT.search(text)) is not None:
        return clean(strict[1].rstrip(", "), MAX_FRAME)
    return next((found[0] for form in _DECODING if (found := form.search(text)) is not None), "")


def _type(name: str) -> str:
    base = name.rpartition(".")[2] if name.isidentifier() or "." in name else name
    return _GO_TYPES.get(
        base, "an object" if name.startswith(("map[", "struct")) else "a list" if name.startswith("[]") else base
    )


def _piece(frame: str, words: str | None) -> Piece:
    return Piece(clean(frame, MAX_FRAME), clean(words or "", MAX_WORDS))


def _line(text: object) -> str:
    """Return the first line: what follows it are differences and objects."""
    return str(text or "").strip().split("\n", 1)[0][:100_000]


def _word(reason: object) -> str:
    text = str(reason or "")
    return text if re.fullmatch(r"[A-Za-z]{1,40}", text) else ""
