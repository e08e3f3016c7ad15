"""The functions that expressions have: the evaluator's extensions, and ours for what Kubernetes has beside them.

Called by `expressions`, which evaluates, and by `form_types`, which only checks. Ours get and give plain values; what is
`Known` travels through CEL as a message. The evaluator chooses an implementation by kinds of values alone, so all `Known`
share one message type there; where types are checked each has its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from pratique.core.judging import expression_values as values
from pratique.core.judging.expression_values import Known
from pratique.core.judging.yaml_texts import decoded

EXTENSIONS = ("bindings", "encoders", "lists", "math", "optional", "regex", "sets", "strings", "two-var-comprehensions")
KINDS = ("Quantity", "URL", "IP", "CIDR", "Semver")
_PACKAGE = "kubernetes"
_ANY = ("string", "int", "uint", "double", "bool", "list", "map")
_TYPES = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "uint": cel.Type.UINT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "duration": cel.Type.DURATION,
    "any": cel.Type.DYN,
    "list": cel.Type.List(cel.Type.DYN),
    "strings": cel.Type.List(cel.Type.STRING),
    "map": cel.Type.Map(cel.Type.DYN, cel.Type.DYN),
    "lists": cel.Type.Map(cel.Type.STRING, cel.Type.List(cel.Type.STRING)),
}


@dataclass(frozen=True)
class Function:
    """One function: what it takes, the receiver first if it is a member, and what it gives."""

    name: str
    takes: tuple[str, ...]
    gives: str
    do: Callable[..., Any]
    member: bool = False


def _f(name: str, takes: str, gives: str, do: Callable[..., Any]) -> Function:
    return Function(name.removeprefix("."), tuple(takes.split()), gives, do, name.startswith("."))


FUNCTIONS = (
    _f("ttl", "string", "duration", values.ttl),
    _f("json.encode", "any", "string", values.as_json),
    _f("yaml.decode", "string", "any", decoded),
    _f("regex.escape", "string", "string", values.escaped),
    _f(".sum", "list", "any", values.sum_of),
    _f(".min", "list", "any", partial(values.extreme, choose=min)),
    _f(".max", "list", "any", partial(values.extreme, choose=max)),
    _f(".isSorted", "list", "bool", values.is_sorted),
    _f(".indexOf", "list any", "int", values.index_of),
    _f(".lastIndexOf", "list any", "int", partial(values.index_of, last=True)),
    _f(".keysInOrder", "map", "list", values.keys_in_order),
    _f(".mapOfPairs", "list", "map", values.map_of_pairs),
    _f(".mapOfMaps", "list", "map", values.map_of_maps),
    _f(".find", "string string", "string", values.find),
    _f(".findAll", "string string", "strings", values.find_all),
    _f(".findAll", "string string int", "strings", values.find_all),
    _f("quantity", "string", "Quantity", values.quantity),
    _f("isQuantity", "string", "bool", values.is_a(values.quantity)),
    _f(".add", "Quantity Quantity", "Quantity", values.added),
    _f(".add", "Quantity int", "Quantity", values.added),
    _f(".sub", "Quantity Quantity", "Quantity", partial(values.added, sign=-1)),
    _f(".sub", "Quantity int", "Quantity", partial(values.added, sign=-1)),
    _f(".sign", "Quantity", "int", lambda one: values.compared(one, Known("Quantity", "0"))),
    _f(".isInteger", "Quantity", "bool", values.is_a(values.whole)),
    _f(".asInteger", "Quantity", "int", values.whole),
    _f(".asApproximateFloat", "Quantity", "double", lambda one: float(one.text)),
    _f("semver", "string", "Semver", values.semver),
    _f("semver", "string bool", "Semver", values.semver_normalized),
    _f("isSemver", "string", "bool", values.is_a(values.semver)),
    _f("isSemver", "string bool", "bool", values.is_a(values.semver_normalized)),
    _f(".major", "Semver", "int", lambda one: values.version(one).major),
    _f(".minor", "Semver", "int", lambda one: values.version(one).minor),
    _f(".patch", "Semver", "int", lambda one: values.version(one).patch),
    *(
        _f(name, f"{kind} {kind}", gives, do)
        for kind in ("Quantity", "Semver")
        for name, gives, do in (
            (".compareTo", "int", values.compared),
            (".isLessThan", "bool", lambda one, other: values.compared(one, other) < 0),
            (".isGreaterThan", "bool", lambda one, other: values.compared(one, other) > 0),
        )
    ),
    _f("url", "string", "URL", values.url),
    _f("isURL", "string", "bool", values.is_a(values.url)),
    _f(".getScheme", "URL", "string", lambda one: values.parts(one).scheme),
    _f(".getHost", "URL", "string", values.host),
    _f(".getHostname", "URL", "string", partial(values.host, bare=True)),
    _f(".getPort", "URL", "string", values.port),
    _f(".getEscapedPath", "URL", "string", lambda one: values.parts(one).path),
    _f(".getQuery", "URL", "lists", values.query),
    _f("ip", "string", "IP", values.ip),
    _f("isIP", "string", "bool", values.is_a(values.ip)),
    _f("ip.isCanonical", "string", "bool", lambda text: values.ip(text).text == text),
    _f(".family", "IP", "int", lambda one: values.address(one).version),
    _f(".isUnspecified", "IP", "bool", lambda one: values.address(one).is_unspecified),
    _f(".isLoopback", "IP", "bool", lambda one: values.address(one).is_loopback),
    _f(".isLinkLocalUnicast", "IP", "bool", lambda one: values.address(one).is_link_local),
    _f(".isLinkLocalMulticast", "IP", "bool", values.is_link_local_multicast),
    _f(".isGlobalUnicast", "IP", "bool", values.is_global_unicast),
    _f("cidr", "string", "CIDR", values.cidr),
    _f("isCIDR", "string", "bool", values.is_a(values.cidr)),
    *(
        _f(name, f"CIDR {other}", "bool", values.contains)
        for name, others in ((".containsIP", ("string", "IP")), (".containsCIDR", ("string", "CIDR")))
        for other in others
    ),
    _f(".ip", "CIDR", "IP", lambda one: Known("IP", one.text.partition("/")[0])),
    _f(".masked", "CIDR", "CIDR", values.masked),
    _f(".prefixLength", "CIDR", "int", lambda one: values.network(one).prefixlen),
    *(_f("string", kind, "string", lambda one: one.text) for kind in KINDS),
)
_THEIRS = (
    *("charAt", "join", "split", "replace", "format", "lowerAscii", "upperAscii", "substring", "trim", "reverse"),
    *("sort", "sortBy", "slice", "flatten", "distinct", "first", "last", "orValue", "hasValue", "transformList"),
    *("transformMap", "transformMapEntry", "existsOne"),
)
FUNCTION_NAMES = (*_THEIRS, *sorted({each.name for each in FUNCTIONS if "InOrder" not in each.name}))
"""What a misspelt name may have meant."""


@cache
def _config() -> Any:  # noqa: ANN401 - the library has no types
    listed = "".join(f"\n- name: {name}" for name in EXTENSIONS)
    return cel.NewEnvConfigFromYaml(f"name: kubernetes\nextensions:{listed}\n")


def pool_with(*files: Any) -> Any:  # noqa: ANN401
    """Return a pool of message types: ours, and those of `files`."""
    pool = descriptor_pool.DescriptorPool()
    known = descriptor_pb2.FileDescriptorProto()
    struct_pb2.DESCRIPTOR.CopyToProto(known)
    pool.Add(known)
    for each in (_messages(), *files):
        pool.Add(each)
    return pool


@cache
def _messages() -> Any:  # noqa: ANN401
    made = descriptor_pb2.FileDescriptorProto(name="kubernetes.proto", package=_PACKAGE, syntax="proto3")
    for name in ("Value", *KINDS):
        message = made.message_type.add(name=name)
        for number, field in enumerate(("kind", "text"), start=1):
            kinds = descriptor_pb2.FieldDescriptorProto
            message.field.add(name=field, number=number, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    return made


def evaluator(variables: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return an environment that evaluates."""
    pool = pool_with()
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Value"))
    overloads: dict[str, dict[str, Any]] = {}
    for function in FUNCTIONS:
        for takes in _spelt(function.takes):
            kinds = ["Value" if each in KINDS else each for each in takes]
            key = "_".join(["member" * function.member, function.name, *kinds])
            gives = _type("Value" if function.gives in KINDS else function.gives)
            do = _adapted(function, message)
            made = cel.Overload(key, gives, [_type(each) for each in kinds], is_member=function.member, impl=do)
            overloads.setdefault(function.name, {}).setdefault(key, made)
    return _environment(pool, variables, overloads)


def checker(variables: Mapping[str, Any], *files: Any) -> Any:  # noqa: ANN401
    """Return an environment that checks types, those of `files` among them, and never evaluates."""
    overloads: dict[str, dict[str, Any]] = {}
    for function in FUNCTIONS:
        key = "_".join(["member" * function.member, function.name, *function.takes])
        takes = [_type(each) for each in function.takes]
        made = cel.Overload(key, _type(function.gives), takes, is_member=function.member)
        overloads.setdefault(function.name, {})[key] = made
    return _environment(pool_with(*files), variables, overloads)


def text_of(value: Any) -> str | None:  # noqa: ANN401
    """Return the text of a value that only our functions know; None for any other."""
    descriptor = getattr(value, "DESCRIPTOR", None)
    return value.text if descriptor is not None and descriptor.full_name == f"{_PACKAGE}.Value" else None


def _environment(pool: Any, variables: Mapping[str, Any], overloads: Mapping[str, Mapping[str, Any]]) -> Any:  # noqa: ANN401
    declared = [cel.FunctionDecl(name, list(each.values())) for name, each in overloads.items()]
    ours = cel.CelExtension("pratique", declared)
    return cel.NewEnv(descriptor_pool=pool, config=_config(), variables=dict(variables), extensions=[ours])


def _type(name: str) -> Any:  # noqa: ANN401
    return _TYPES[name] if name in _TYPES else cel.Type(f"{_PACKAGE}.{name}")


def _spelt(takes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return what a function takes with `any` spelt out: the evaluator finds no implementation for it."""
    if "any" not in takes:
        return [takes]
    return [tuple(kind if each == "any" else each for each in takes) for kind in _ANY]


def _adapted(function: Function, message: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Return the function as the evaluator calls it."""

    def call(*arguments: Any) -> Any:  # noqa: ANN401
        known = [Known(each.kind, each.text) if isinstance(each, message) else each for each in arguments]
        made = function.do(*known)
        return message(kind=made.kind, text=made.text) if isinstance(made, Known) else made

    return call
