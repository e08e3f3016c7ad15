"""What the quota, the limits, the labels and the access of an Environment may say, as CEL rules of its CRD. Pure data.

Decides what Kubernetes would refuse, or take and never act on, so that it is refused when the Environment is written, with
the field and the remedy. Kubernetes 1.30 and later check no rule again whose part of an object stays as it was, so an
Environment from before a rule can still be extended and ended. Called by `environment`.
"""

from pratique.api.v1alpha1.meta import Rule

_PER_CONTAINER = ("cpu", "memory", "ephemeral-storage")
_QUOTA_KEYS = (
    *_PER_CONTAINER,
    *(f"{side}.{each}" for side in ("requests", "limits") for each in _PER_CONTAINER),
    "requests.storage",
    "persistentvolumeclaims",
    "pods",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "secrets",
    "configmaps",
    "replicationcontrollers",
    "resourcequotas",
)
_COUNTED = (
    *("pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "replicationcontrollers"),
    *("resourcequotas", "serviceaccounts", "endpoints", "events", "limitranges", "podtemplates"),
)
_DOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_QUOTA_FORMS = (
    "(requests[.])?hugepages-[0-9]+(Ki|Mi|Gi|Ti)",
    f"requests[.]{_DOMAIN}[.][a-z0-9-]+/{_NAME}",
    f"{_DOMAIN}[.]storageclass[.]storage[.]k8s[.]io/(requests[.]storage|persistentvolumeclaims)",
    f"{_DOMAIN}[.]deviceclass[.]resource[.]k8s[.]io/devices",
    f"count/({'|'.join(_COUNTED)}|[a-z0-9]+[.]{_DOMAIN})",
)
_LIMIT_FORMS = ("hugepages-[0-9]+(Ki|Mi|Gi|Ti)", f"{_DOMAIN}[.][a-z0-9-]+/{_NAME}")
_SINGULAR = "^count/[a-z]*[a-rt-z][.](apps|batch)$"
"""Such as count/deployment.apps: Kubernetes takes it, and counts nothing."""
_MOST = "9e18"
"""Above it, Kubernetes writes down another number than was given."""


def quota_rules() -> tuple[Rule, ...]:
    """Return the rules of `target.quota`, for the target."""
    known = f"(k in {_listed(_QUOTA_KEYS)} || (k.matches('{_any_of(_QUOTA_FORMS)}') && !k.matches('{_SINGULAR}')))"
    others = (
        "extended resources are written requests.DOMAIN/NAME, such as requests.nvidia.com/gpu, and counts"
        " count/RESOURCE.GROUP, such as count/deployments.apps"
    )
    return (_keys("quota", known, _QUOTA_KEYS, others), _values("quota"))


def limits_rules() -> tuple[Rule, ...]:
    """Return the rules of `target.limits`, for the limits."""
    known = f"(k in {_listed(_PER_CONTAINER)} || (k.matches('{_any_of(_LIMIT_FORMS)}') && !k.startsWith('requests.')))"
    fields = ("default", "defaultRequest", "max")
    extended = "extended resources are written DOMAIN/NAME, such as nvidia.com/gpu"
    return (
        *(_keys(field, known, _PER_CONTAINER, extended) for field in fields),
        *(_values(field) for field in fields),
        _not_above("default", "max", "a container that sets no limit would not be let in"),
        _not_above("defaultRequest", "max", "a container that sets no request would not be let in"),
        _not_above("defaultRequest", "default", "a container asks for no more than its limit"),
    )


def target_rules() -> tuple[Rule, ...]:
    """Return the rules by which quota, limits and access go together."""
    return (
        _fits("default", "'limits.' + k"),
        _fits("defaultRequest", "'requests.' + k"),
        _fits("defaultRequest", "k"),
        Rule(
            rule="!has(self.access) || self.access.all(a, has(a.user) == has(a.group) ||"
            " self.access.exists_one(b, a.role == b.role && (has(a.user) ? has(b.user) && a.user == b.user"
            " : has(b.group) && has(a.group) && a.group == b.group)))",
            message="access names somebody twice with the same role: leave one out",
            field_path=".access",
        ),
    )


def label_rule() -> Rule:
    """Return the rule that the labels of the namespace are labels."""
    wrong = f"!k.matches('^({_DOMAIN}/)?{_NAME}$') || !self.labels[k].matches('^({_NAME})?$')"
    return Rule(
        rule=f"!has(self.labels) || !self.labels.exists(k, {wrong})",
        message="labels has what is no label: letters, digits, -, _ and . are allowed",
        message_expression=f"'labels: ' + self.labels.filter(k, {wrong})[0] + ' or its value is no label: letters,"
        " digits, -, _ and . are allowed, and at the ends letters and digits'",
        field_path=".labels",
    )


def _keys(field: str, known: str, names: tuple[str, ...], others: str) -> Rule:
    """Return the rule that each key is one that counts; the sentence has the nearest."""
    near = f"{_listed(names)}.filter(n, {_plain('n')} == {_plain('k')} || n.endsWith('.' + k))"
    listed = f"there are {', '.join(names)}; {others}"
    told = (
        f"'{field} has the key ' + k + ', which limits nothing: ' + ({near}.size() > 0"
        f" ? 'did you mean ' + {near}[0] + '?' : k.contains('/') ? '{others}' : '{listed}')"
    )
    return _each(field, f"!{known}", told, f"a key limits nothing: {listed}")


def _values(field: str) -> Rule:
    """Return the rule that each value can be kept: not negative, not endless, whole where things are counted."""
    value = f"self.{field}[k]"
    number = f"quantity({value}).asApproximateFloat()"
    measured = "k.matches('(memory|storage)$|hugepages-')"
    reasons = (
        (f"!isQuantity({value})", ", which is no quantity: write it as 500m, 4 or 8Gi"),
        (f"{number} < 0.0", ": it must not be negative"),
        (f"{number} > {_MOST}", ": that is more than Kubernetes can count"),
        (
            f"{measured} ? {number} > 0.0 && {number} < 1000000.0 : false",
            ", which is less than a megabyte: give a unit, such as 512Mi or 8Gi",
        ),
        (
            f"{measured} || k.endsWith('cpu') ? false : double(int({number})) != {number}",
            ": these are counted, so it must be a whole number",
        ),
    )
    wrong, why = "false", "''"
    for condition, sentence in reversed(reasons):
        wrong = f"(({condition}) ? true : {wrong})"
        why = f"(({condition}) ? '{sentence}' : {why})"
    told = f"'{field}: ' + k + ' is ' + {value} + {why}"
    return _each(field, wrong, told, "a quantity is none that Kubernetes can keep: write it as 500m, 4 or 8Gi")


def _not_above(field: str, bound: str, why: str) -> Rule:
    """Return the rule that what is in one map is not above what the other has under the same key."""
    wrong = f"k in self.{bound} && {_above(f'self.{field}[k]', f'self.{bound}[k]')}"
    told = f"'{field} of ' + k + ' is ' + self.{field}[k] + ', above {bound}, ' + self.{bound}[k] + ': {why}'"
    return _each(field, wrong, told, "limits contradict each other: defaultRequest ≤ default ≤ max", bound)


def _fits(field: str, key: str) -> Rule:
    """Return the rule that what a container gets by default fits into the quota: otherwise no such pod is let in."""
    value = f"self.limits.{field}[k]"
    wrong = f"({key}) in self.quota && {_above(value, f'self.quota[{key}]')}"
    told = (
        f"'limits.{field} of ' + k + ' is ' + {value} + ', above the quota of ' + {key} +"
        " ': a container that sets nothing would not be let in'"
    )
    message = "a default of limits is above the quota: a container that sets nothing would not be let in"
    return _each(f"limits.{field}", wrong, told, message, "quota", "limits")


def _each(field: str, wrong: str, told: str, message: str, *others: str) -> Rule:
    """Return the rule that no key `k` of a map is `wrong`; `told` is the sentence for the first one that is."""
    present = " || ".join(f"!has(self.{each})" for each in (*reversed(others), field))
    return Rule(
        rule=f"{present} || !self.{field}.exists(k, {wrong})",
        message=message,
        message_expression=f"self.{field}.filter(k, {wrong}).map(k, {told})[0]",
        field_path=f".{field}",
    )


def _above(value: str, bound: str) -> str:
    both = f"isQuantity({value}) && isQuantity({bound})"
    return f"({both} && quantity({value}).isGreaterThan(quantity({bound})))"


def _plain(text: str) -> str:
    """Return CEL for a key without what people get wrong: case, plural, signs between, and short forms."""
    swaps = (
        ("requests", "req"),
        ("request", "req"),
        ("memory", "mem"),
        ("ram", "mem"),
        ("cores", "cpu"),
        ("core", "cpu"),
        ("pvc", "persistentvolumeclaim"),
        *((sign, "") for sign in ("s", ".", "-", "_")),
    )
    return f"{text}.lowerAscii()" + "".join(f".replace('{old}', '{new}')" for old, new in swaps)


def _listed(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{each}'" for each in names) + "]"


def _any_of(forms: tuple[str, ...]) -> str:
    return "^(" + "|".join(forms) + ")$"
