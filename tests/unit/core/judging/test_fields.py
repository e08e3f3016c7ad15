"""A form as it is for one request: its fields in order, what they hold, what there is to choose from."""

from tests.builders import models

from pratique.core.judging.judge import judge
from pratique.core.kernel.effects import Json
from pratique.core.kernel.form import FormField, Option

SIZES = {"type": "string", "enum": ["small", "large"], "x-labels": {"small": "Two processors"}}
FORM: Json = {
    "type": "object",
    "required": ["size"],
    "x-order": ["size"],
    "properties": {
        "backup": {"type": "boolean", "default": True, "title": "Back up"},
        "names": {"type": "array", "items": {"type": "string"}},
        "others": {"type": "array"},
        "ports": {"type": "array", "items": {"type": "integer", "enum": [80, 443], "x-labels": {"443": "TLS"}}},
        "size": SIZES,
    },
}
SIZE = FormField(
    "size", "size", required=True, value="small", options=(Option("small", "Two processors"), Option("large", "large"))
)
BACKUP = FormField("backup", "Back up", value=True, options=(Option(True, "yes"), Option(False, "no")))
PORTS = FormField("ports", "ports", options=(Option(80, "80"), Option(443, "TLS")))
LISTS = (FormField("names", "names"), FormField("others", "others"), PORTS)


def test_a_judgement_says_what_the_form_is_for_this_request() -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}
    account = {"namespace": "makers", "name": "maker"}
    does = {"serviceAccountRef": account, "resources": [{"id": "made", "template": made}]}
    offered = models.action(inputs={"schema": FORM}, execution=does)
    found = judge(offered, models.run(spec={"inputs": {"size": "small"}}))
    assert found.plan is not None and found.fields == (SIZE, BACKUP, *LISTS)


def test_the_form_is_there_as_well_where_it_was_not_filled_in_properly() -> None:
    offered = models.action(inputs={"schema": FORM})
    found = judge(offered, models.run(spec={"inputs": {"size": "Two processors"}}))
    (said,) = found.refusals
    assert said == ('spec.inputs.size: "Two processors" is not one of "small" (Two processors), "large"; write "small"')
    assert [each.value for each in found.fields] == ["Two processors", True, None, None, None]
    other = judge(offered, models.run(spec={"inputs": {"size": "medium"}}))
    assert other.refusals == ('spec.inputs.size: "medium" is not one of "small" (Two processors), "large"',)
