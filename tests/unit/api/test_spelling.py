"""What is spelled wrongly is answered with a sentence: no field of a CRD has a bare pattern, and model and rule are one."""

import re
from typing import Annotated, Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from tools.codegen.crds import root_schema

from pratique.api.v1alpha1 import KINDS, spelling
from pratique.api.v1alpha1.spelling import Spelled, quoted

SPELLED = {
    name: each for name, each in vars(spelling).items() if any(isinstance(part, Spelled) for part in get_args(each)[1:])
}


def schemas(node: Any, path: str) -> Any:
    if isinstance(node, dict):
        yield path, node
        for key, child in node.items():
            yield from schemas(child, f"{path}.{key}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_field_is_answered_with_a_pattern(kind: Any) -> None:
    """The API server would say `should match '^…$'` and nothing else: take a type of `api/v1alpha1/spelling.py`."""
    assert [
        path for path, node in schemas(root_schema(kind), kind.__name__) if isinstance(node.get("pattern"), str)
    ] == []


@pytest.mark.parametrize("name", SPELLED)
def test_the_model_refuses_what_the_rule_refuses(name: str) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(SPELLED[name])
    (rule,) = adapter.json_schema()["x-kubernetes-validations"]
    pattern = re.fullmatch(r"self\.matches\(r'(.*)'\)", rule["rule"])
    assert pattern is not None and "pattern" not in adapter.json_schema()
    for value in ("a b", "é", "../x", "x\n"):
        assert re.search(pattern[1].replace("$", "\\Z") if pattern[1].endswith("$") else pattern[1], value) is None
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


@pytest.mark.parametrize("name", SPELLED)
def test_a_sentence_says_what_to_write(name: str) -> None:
    (rule,) = TypeAdapter(SPELLED[name]).json_schema()["x-kubernetes-validations"]
    assert " is " in rule["message"] or " has " in rule["message"]
    assert not set("^\\[]*") & set(rule["message"])
    assert rule.get("messageExpression", "").find("{{") == -1


def test_there_are_as_many_as_are_used() -> None:
    told = {
        rule["message"]
        for kind in KINDS
        for _, node in schemas(root_schema(kind), kind.__name__)
        for rule in node.get("x-kubernetes-validations", ())
    }
    assert {
        TypeAdapter(each).json_schema()["x-kubernetes-validations"][0]["message"] for each in SPELLED.values()
    } <= told


def test_an_apostrophe_is_an_error_where_it_would_end_a_raw_string() -> None:
    assert quoted(r"\d") == r"r'\d'"
    with pytest.raises(ValueError, match="apostrophe"):
        quoted("it's")


def test_a_bound_is_still_one_of_the_schema() -> None:
    bounded: Any = Annotated[str, *spelling.spelled("^a+$", "a name has letters a", min_length=1, max_length=3)]
    schema = TypeAdapter(bounded).json_schema()
    assert (schema["minLength"], schema["maxLength"]) == (1, 3)
    assert schema["x-kubernetes-validations"] == [{"rule": "self.matches(r'^a+$')", "message": "a name has letters a"}]
