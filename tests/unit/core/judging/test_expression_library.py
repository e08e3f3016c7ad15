"""The functions that Kubernetes adds to CEL: each as the docs show it, and what it says to what it does not take."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pratique.core.judging.expression_library import FUNCTIONS
from pratique.core.judging.expressions import compile_expression
from pratique.core.judging.form_types import types_of
from pratique.core.kernel.errors import EvaluationError

DOCS = (Path(__file__).parents[4] / "docs/concepts/expressions.md").read_text()
SECTION = DOCS.partition("## Functions")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"^\| `(.+)` \| `(.+)` \|$", SECTION, re.MULTILINE)
INPUTS = {"name": "web", "tags": ["b", "a"], "labels": {"team": "a", "app": "x"}, "count": 3, "mem": "512Mi"}
FORM = {
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "count": {"type": "integer"},
        "mem": {"type": "string"},
        "zone": {"type": "string"},
    }
}
HIDDEN = {"keysInOrder", "mapOfPairs", "mapOfMaps"}


def evaluate(text: str, **inputs: Any) -> Any:
    return compile_expression(text, ("inputs",)).evaluate({"inputs": INPUTS | inputs})


@pytest.mark.parametrize(("text", "gives"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_what_the_docs_show_is_so(text: str, gives: str) -> None:
    result = evaluate(text)
    assert result == json.loads(gives)
    assert type(result) is type(json.loads(gives))
    assert types_of({"inputs": FORM}).problem(text, condition=False) is None


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: "_".join([function.name, *function.takes]))
def test_each_function_has_an_example(function: Any) -> None:
    called = f".{function.name}(" if function.member else f"{function.name}("
    assert function.name in HIDDEN or any(called in text for text, _ in EXAMPLES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quantity('12x')", "'12x' is no quantity of Kubernetes, such as 500m"),
        ("quantity('" + "1" * 65 + "')", "is no quantity"),
        ("quantity('1.5').asInteger()", "quantity 1.5 is no whole number"),
        ("quantity('1E').add(quantity('9E')).asInteger()", "is no whole number that fits into an int"),
        ("quantity('1').isLessThan(semver('1.2.3'))", "a Quantity cannot be compared with a Semver"),
        ("ip('1.2.3.4').compareTo(ip('1.2.3.4'))", "a IP cannot be compared"),
        ("semver('1.2')", "'1.2' is no version such as 1.2.3"),
        ("semver('x', true)", "'x' is no version such as 1.2.3"),
        ("url('no url')", "'no url' is no URL"),
        ("url('https://a:b/')", "Port could not be cast"),
        ("ip('fe80::1%eth0')", "zones are not taken"),
        ("ip('1.2.3')", "does not appear to be an IPv4 or IPv6 address"),
        ("cidr('10.0.0.0')", "is no range of addresses"),
        ("'a'.find('(')", "is not a regular expression that can be used"),
        ("[].min()", "need a list that is not empty"),
        ("['a', 'b'].sum()", "sum() adds numbers"),
        ("[1, 'a'].sum()", "unsupported operand"),
        ("[ttl('1h')].max()", "gives a time or a duration, which cannot travel this way: write string(…)"),
        ("{'a': ttl('1h')}.transformMap(k, v, v)", "gives a time or a duration, which cannot travel this way"),
        ("json.encode([ttl('1h')])", "json.encode: holds a value that JSON cannot hold; write string(…)"),
        ("json.encode(inputs.list)", "makes a text longer than 65536 characters"),
        ("inputs.?zone", "gives an optional value; write .orValue"),
        ("[1, 2].transformMapEntry(at, value, {'same': value})", "transformMap: a key stands twice"),
        ("[1].transformMap(at, value)", "undeclared reference to 'at'"),
        ("[1].transformMap(", "Syntax error"),
        ("inputs.tags).map(x, x)", "Syntax error"),
        (".map(x, x)", "Syntax error"),
        ("ttl('1h30m')", "a duration is one number and one unit"),
    ],
)
def test_what_a_function_does_not_take_is_said(text: str, said: str) -> None:
    with pytest.raises(EvaluationError, match=re.escape(said)):
        evaluate(text, list=["x" * 70000])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[].sum()", 0),
        ("[ttl('1h'), ttl('2h')].map(x, x + x)", ["7200s", "14400s"]),
        ("[ttl('1h'), ttl('2h')].transformList(at, x, at > 0, x)", ["7200s"]),
        ("{'a': timestamp('2026-01-02T03:04:05Z')}.transformList(k, v, v)", ["2026-01-02T03:04:05Z"]),
        ("[1u].map(x, x + 1u)", [2]),
        ("[optional.of(1)].map(x, x.value())", [1]),
        ("inputs.labels.map(k, k).filter(k, k > 'b').map(k, k + inputs.labels[k])", ["teama"]),
        ("inputs.?labels.orValue({}).map(k, k)", ["app", "team"]),
        ("'a' in ['b'].map(x, x) || ({'b': 1}).filter(k, true) == [('b')].filter(x, x in inputs.tags)", True),
        ("inputs . labels\n  .map (k, k)", ["app", "team"]),
        ("(true ? inputs.labels : {}).map(k, k)[0]", "app"),
        ("size(inputs.labels.map(k, k)) + [1, 2].map(x, x)[1]", 4),
        ("[1.5, 1.5].sum()", 3),
        ("['a'].indexOf('b')", -1),
        ("[1, true].indexOf(true)", 1),
        ("'a'.find('b')", ""),
        ("quantity('1e3').asInteger()", 1000),
        ("url('/a/b').getEscapedPath()", "/a/b"),
        ("url('https://a/').getPort()", ""),
        ("url('https://me:secret@a/').getHost()", "a"),
        ("cidr('10.0.0.0/8').containsIP('::1')", False),
        ("cidr('10.0.0.0/8').containsIP(ip('10.0.0.1'))", True),
        ("cidr('10.0.0.0/8').containsCIDR('0.0.0.0/0')", False),
        ("ip('255.255.255.255').isGlobalUnicast()", False),
        ("semver('1.0.0-2').isLessThan(semver('1.0.0-alpha'))", True),
        ("semver('1.0.0-alpha').isLessThan(semver('1.0.0-alpha.1'))", True),
        ("semver('1.2.3') == semver('1.2.3')", True),
        ("quantity('1Gi')", "1073741824"),
        ("{2: 'b', 1: 'a'}.map(key, string(key))", ["1", "2"]),
        ("inputs.labels.filter(key, key != 'app')", ["team"]),
        ("[1, 2].map(x, [3].map(y, x + y))", [[4], [5]]),
        ("[1, 2].transformList(i, x, [3].transformList(j, y, x + y + i + j))", [[4], [6]]),
        ("[1, 2].transformMap(i, v, v > 1, [v].transformMap(a, b, b))", {"1": {"0": 2}}),
        ("inputs.labels.map(k, inputs.labels.transformMap(a, b, a + k))[0]['team']", "teamapp"),
        ("inputs.labels.transformList(k, v, k != 'app', v)", ["a"]),
    ],
)
def test_functions_agree_with_one_another(text: str, value: Any) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quantity(inputs.mem).isLessThan(semver('1.2.3'))", "isLessThan does not go with (kubernetes.Quantity, kub"),
        ("quantity(inputs.count)", "quantity does not go with (int)"),
        ("inputs.count.sum()", "sum does not go with (int)"),
        ("inputs.tags.joint(',')", "undeclared reference to 'joint'"),
        ("cidr('10.0.0.0/8').containsIP(1)", "containsIP does not go with (kubernetes.CIDR, int)"),
    ],
)
def test_types_are_checked(text: str, said: str) -> None:
    found = types_of({"inputs": FORM}).problem(text, condition=False)
    assert found is not None
    assert found.startswith(said)
