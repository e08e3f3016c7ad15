"""Generated metadata of runs: refused with a sentence, or run like any other; nothing of ours can be smuggled in."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.test_fuzz_actions import is_json
from tests.fuzz.world import ACTIONS, NOTES, RUNS, SPACE, World
from tests.support.generated import examples
from tests.support.own_plane import note_action

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
OURS = ("pratique.dev/run-uid", "pratique.dev/canary", "pratique.dev/x")
keys = st.one_of(
    st.sampled_from(
        [*OURS, "team", "argocd.argoproj.io/tracking-id", "Pratique.dev/x", "xpratique.dev/y", "a/b/c", ""]
    ),
    st.text(max_size=10),
)
texts = st.one_of(st.sampled_from(["", "x", "${run.name}", "\u202e", "a" * 200]), st.text(max_size=20))
names = st.one_of(
    st.sampled_from(["a.b", "a--b", "UPPER", "a_b", "-a", "x" * 200, "x" * 201, "a/b", "..", "é", "a b", "%2e"]),
    st.text("ab-.0", min_size=1, max_size=12),
    st.text(min_size=1, max_size=8),
)
owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11"}
metadata = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(keys, texts, max_size=2),
        "annotations": st.dictionaries(keys, texts, max_size=2),
        "finalizers": st.lists(
            st.sampled_from(["example.com/mine", "pratique.dev/environment", "orphan", "x"]), max_size=1
        ),
        "uid": st.just("0c6d5a8e-6f0e-4b7f-9a55-3a1f0f6f7a11"),
        "namespace": st.sampled_from([SPACE, "kube-system", ""]),
    },
)


@pytest.fixture(scope="session")
def action(world: World) -> str:
    """An Action that is free, and writes a note under the run's name."""
    assert world.create("admin", ACTIONS, yaml.safe_load(note_action(SPACE, "named"))).ok
    return "named"


@examples(60)
@given(names.filter(is_json), metadata.filter(is_json), st.booleans())
def test_a_run_is_refused_with_a_sentence_or_runs(
    world: World, action: str, name: str, meta: dict[str, Any], generated: bool
) -> None:
    called = {"generateName": name} if generated else {"name": name}
    manifest = {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "ActionRun",
        "metadata": {**meta, **called},
        "spec": {"actionRef": {"name": action}},
    }
    reply = world.create("developer", RUNS, manifest)
    if not reply.ok:
        assert 400 <= reply.code < 500 and reply.message, reply
        return
    kept = reply.body["metadata"]
    marks = [*kept.get("labels", {}), *kept.get("annotations", {}), *kept.get("finalizers", [])]
    assert [each for each in marks if each.startswith("pratique.dev/")] == []
    assert kept["uid"] != meta.get("uid")
    run = world.settled(kept["name"])
    assert run["status"]["phase"] in ("Succeeded", "Refused", "Failed") or run["status"]["message"]
    if run["status"]["phase"] == "Succeeded":
        assert world.get(f"{NOTES}/{kept['name']}") is not None
    world.patch("admin", f"{RUNS}/{kept['name']}", {"metadata": {"finalizers": None}})
    world.callers["admin"].send("DELETE", f"{RUNS}/{kept['name']}")
    world.callers["admin"].send("DELETE", f"{NOTES}/{kept['name']}")
