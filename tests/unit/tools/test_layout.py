"""The shape of the repository, where a mistake would be silent."""

from pathlib import Path

import pytest
from tests.support.cluster import Source, choose

ROOT = Path(__file__).parents[3]


def test_operator_is_a_source_root_and_no_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists(), "it would shadow the standard library's operator"


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, Source.EMBEDDED),
        ({"PRATIQUE_TEST_CLUSTER": ""}, Source.EMBEDDED),
        ({"PRATIQUE_TEST_CLUSTER": "embedded"}, Source.EMBEDDED),
        ({"PRATIQUE_TEST_CLUSTER": "kind"}, Source.KIND),
        ({"PRATIQUE_KUBECONFIG": "/some/file", "PRATIQUE_TEST_CLUSTER": "kind"}, Source.OWN),
    ],
)
def test_the_cluster_is_chosen_by_the_environment(environ: dict[str, str], source: Source) -> None:
    assert choose(environ) is source


def test_an_unknown_cluster_is_an_error_that_names_the_choices() -> None:
    with pytest.raises(ValueError, match="choose embedded or kind"):
        choose({"PRATIQUE_TEST_CLUSTER": "minikube"})
