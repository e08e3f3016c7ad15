"""What guards, compared with the record and with what this version installs."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.codegen.crds import crds

from pratique.admission.expected import expected
from pratique.admission.values import GuardValues, GuardValuesError, guard_values
from pratique.guarding.record import Ident, changed, from_data, going, ident_of, key_of, shown, to_data, unlike

POLICY, BINDING = "ValidatingAdmissionPolicy.pratique-decision", "ValidatingAdmissionPolicyBinding.pratique-decision"
RECORD = {POLICY: Ident("u1", 1), BINDING: Ident("u2", 4)}
EXPECTED = {key_of(each): each for each in expected(GuardValues())}


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (RECORD, None),
        ({POLICY: Ident("u1", 1)}, "ValidatingAdmissionPolicyBinding pratique-decision is gone"),
        (
            RECORD | {BINDING: Ident("u3", 4)},
            "ValidatingAdmissionPolicyBinding pratique-decision was deleted and made again",
        ),
        (
            RECORD | {POLICY: Ident("u1", 3)},
            "ValidatingAdmissionPolicy pratique-decision was changed (generation 3; on record is 1)",
        ),
        (RECORD | {"A.b": Ident("u", 1)}, "A b is not on record"),
    ],
)
def test_says_what_is_not_as_recorded(seen: dict[str, Any], why: str | None) -> None:
    assert changed(RECORD, seen) == why


idents = st.dictionaries(st.sampled_from(list(EXPECTED)), st.builds(Ident, st.uuids().map(str), st.integers(0, 10**9)))


@given(idents, idents)
def test_the_record_is_read_as_it_was_written(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert from_data(to_data(one), EXPECTED) == one
    assert (changed(one, other) is None) == (one == other)


@pytest.mark.parametrize("text", ["", "u1", "u1 generation", "u1 generation -1", "u1 generation x", "a b generation 1"])
def test_what_cannot_be_read_is_not_on_record(text: str) -> None:
    assert from_data({POLICY: text, "gap": "why"}, [POLICY]) == {}


def test_the_record_fits_into_a_config_map_and_its_keys_are_allowed() -> None:
    data = to_data(dict.fromkeys(EXPECTED, Ident("a" * 36, 10**9)))
    assert len(json.dumps(data)) < 4096
    assert all(key.replace(".", "").replace("-", "").isalnum() for key in data)
    assert shown("CustomResourceDefinition.approvals.pratique.dev") == "CustomResourceDefinition approvals.pratique.dev"
    assert ident_of({"metadata": {"uid": "u", "generation": 2}}) == Ident("u", 2)


def live(key: str) -> dict[str, Any]:
    """Return an object as the API server gives it back."""
    body = copy.deepcopy(EXPECTED[key])
    body["metadata"] |= {"uid": "u", "annotations": {"meta.helm.sh/release-name": "pratique"}}
    if body["kind"] == "CustomResourceDefinition":
        body["spec"]["conversion"] = {"strategy": "None"}
    return body | {"status": {"observedGeneration": 1}}


@pytest.mark.parametrize("key", EXPECTED)
def test_what_the_api_server_fills_in_is_no_difference(key: str) -> None:
    assert unlike(EXPECTED[key], live(key)) is None


CHECKS = len(EXPECTED[POLICY]["spec"]["validations"])
CRD = "CustomResourceDefinition.approvals.pratique.dev"


@pytest.mark.parametrize(
    ("key", "change", "why"),
    [
        (POLICY, lambda s: s["validations"][3].update(expression="true"), 'validations[3].expression is not the one'),
        (POLICY, lambda s: s["validations"].pop(), f"validations has {CHECKS - 1} entries, not the {CHECKS}"),
        (POLICY, lambda s: s.update(failurePolicy="Ignore"), 'failurePolicy is not the one of this version ("Ignore")'),
        (POLICY, lambda s: s.pop("variables"), "variables is missing"),
        (
            POLICY,
            lambda s: s["matchConstraints"].update(excludeResourceRules=[{"resources": ["approvals"]}]),
            "matchConstraints.excludeResourceRules is not in this version",
        ),
        (BINDING, lambda s: s.update(validationActions=["Warn"]), 'validationActions[0] is not the one'),
        (BINDING, lambda s: s.update(validationActions=["Deny", "Audit"]), "validationActions has 2 entries, not the 1"),
        (CRD, lambda s: s["conversion"].update(strategy="Webhook"), "conversion is not in this version"),
        (
            CRD,
            lambda s: s["versions"][0]["schema"]["openAPIV3Schema"].update(required=[]),
            "versions[0].schema.openAPIV3Schema.required has 0 entries",
        ),
        (CRD, lambda s: s["versions"][0].update(served=1), "versions[0].served is not the one of this version (1)"),
    ],
)  # fmt: skip
def test_says_precisely_what_differs(key: str, change: Callable[..., Any], why: str) -> None:
    body = live(key)
    change(body["spec"])
    found = unlike(EXPECTED[key], body)
    assert found is not None
    assert found.startswith(f"{shown(key)}: spec.{why}")


def test_other_words_in_a_crd_are_no_difference_to_the_expected_one() -> None:
    assert [key_of(crd) for crd in crds()] == [key for key in EXPECTED if key.startswith("Custom")]
    assert '"description":"' not in json.dumps(EXPECTED[CRD], separators=(",", ":"))


def test_a_field_that_kubernetes_1_30_does_not_keep_is_not_missed() -> None:
    body = live("CustomResourceDefinition.actionruns.pratique.dev")
    (version,) = body["spec"]["versions"]
    del version["selectableFields"]
    assert unlike(EXPECTED["CustomResourceDefinition.actionruns.pratique.dev"], body) is None


def test_on_an_older_cluster_what_stamps_is_left_to_the_checks() -> None:
    older = {key_of(each) for each in expected(GuardValues(), older=True)}
    assert {key.partition(".")[0] for key in EXPECTED.keys() - older} == {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    }


def test_the_option_says_what_the_policies_were_made_with() -> None:
    assert guard_values("elsewhere", "{}") == GuardValues("elsewhere")
    values = guard_values("elsewhere", '{"serviceAccount": "clearance"}')
    assert values.operator == "system:serviceaccount:elsewhere:clearance"
    assert guard_values("elsewhere", json.dumps(values.to_wire())) == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "--guard-values: Invalid JSON"),
        ('{"colour": "red"}', "--guard-values: colour: Unexpected keyword argument"),
        ('{"serviceAccount": 7}', "--guard-values: serviceAccount: Input should be a valid string"),
        ('{"namespace": "other"}', "--guard-values: namespace: leave it out, it is what --namespace says"),
        ("[]", "--guard-values: Input should be"),
    ],
)
def test_what_the_option_does_not_know_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(GuardValuesError) as error:
        guard_values("pratique-system", text)
    assert str(error.value).startswith(sentence)


DEFINITION, OTHER = (
    "CustomResourceDefinition.environments.pratique.dev",
    "CustomResourceDefinition.actions.pratique.dev",
)
GOES = {"Environment": "environments.pratique.dev is being deleted"}


def at_their_end(*keys: str) -> dict[str, Any]:
    """Return what there is while these are being deleted."""
    there = copy.deepcopy(EXPECTED)
    for key in keys:
        there[key]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return there


@pytest.mark.parametrize(
    ("there", "kinds"),
    [
        (EXPECTED, {}),
        (at_their_end(DEFINITION), GOES),
        (at_their_end(DEFINITION, POLICY), GOES),
        (at_their_end(DEFINITION) | {OTHER: None}, GOES | {"Action": "actions.pratique.dev is gone"}),
        (EXPECTED | {OTHER: None}, {"Action": "actions.pratique.dev is gone"}),
        (at_their_end(DEFINITION) | {POLICY: None}, {}),
        (at_their_end(DEFINITION) | {BINDING: EXPECTED[BINDING] | {"spec": {}}}, {}),
        (EXPECTED | {DEFINITION: at_their_end(DEFINITION)[DEFINITION] | {"spec": {}}}, {}),
    ],
)
def test_says_which_crds_go_if_all_else_is_as_installed(there: dict[str, Any], kinds: dict[str, Any]) -> None:
    assert going((each, there[key]) for key, each in EXPECTED.items()) == kinds
