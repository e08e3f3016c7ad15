"""Coverage counts each direction of each expression; reports are quiet about what passes, for people and for a CI."""

from xml.etree import ElementTree

from tests.builders.models import action, manifest, stage

from pratique.testing.coverage import cover, percent
from pratique.testing.report import Report, Result, junit_of, lines_of, lines_of_coverage

OFFERED = action(
    inputs={"rules": [{"rule": "inputs.a > 1", "message": "no"}]},
    approval={
        "stages": [
            stage(name="always", exclude=["${inputs.author}"]).to_wire(),
            stage(name="large", when="inputs.a > 5").to_wire(),
        ]
    },
    execution={
        "serviceAccountRef": {"namespace": "a", "name": "b"},
        "resources": [
            {"id": "one", "template": manifest()},
            {"id": "two", "when": "inputs.a > 2", "template": manifest(name="two"), "readyWhen": "self.ok"},
        ],
        "outputs": {"where": "${resources.one.where}"},
    },
    cost="${inputs.a} €",
)
RULE, LARGE, EXCLUDE = "spec.inputs.rules[0].rule", "spec.approval.stages[1].when", "spec.approval.stages[0].exclude[0]"
ONE, TWO, WHEN, READY = (
    f"spec.execution.resources[{each}" for each in ("0].template", "1].template", "1].when", "1].readyWhen")
)
WHERE = "spec.execution.outputs.where"
SEEN = [(RULE, True), (RULE, True), (RULE, False), (LARGE, False), (EXCLUDE, False), (ONE, True), (WHEN, False)]
SEEN += [(READY, True), (READY, False), (WHERE, True)]


def test_each_condition_counts_in_both_directions_and_each_text_once() -> None:
    covered = {each.path: each for each in cover(OFFERED, SEEN)}
    assert list(covered) == [RULE, EXCLUDE, LARGE, ONE, WHEN, TWO, READY, "spec.cost", WHERE], (
        "`when: true` is no expression to try"
    )
    assert {path: each.missing for path, each in covered.items() if each.missing} == {
        LARGE: ("never true",),
        WHEN: ("never true",),
        TWO: ("never rendered",),
        "spec.cost": ("never rendered",),
    }
    assert percent(covered.values()) == 69, "9 of 13, rounded down"
    assert percent(()) == 100


def report(*problems: str) -> Report:
    results = (Result("make", "the Action is sound", "a.yaml:3"), Result("make", "one\x1b[31m", "b.yaml:7", problems))
    return Report(results, {"make": ("a.yaml:3", cover(OFFERED, SEEN))})


def test_what_passes_is_counted_and_what_fails_is_said_with_its_place() -> None:
    assert list(lines_of(report(), 1, [])) == ["1 case of 1 Action passed"]
    assert list(lines_of(report("gates: are a; expected b", "cost: is 1"), 2, ["other"])) == [
        "FAIL b.yaml:7: make: one\x1b[31m",
        "    gates: are a; expected b",
        "    cost: is 1",
        "No case tries other",
        "1 failed: 2 cases of 1 Action",
    ]
    assert list(lines_of(report(), 0, ["make"]))[-1] == "1 Action checked; there is no case in what was read"


def test_coverage_lists_each_expression_and_what_it_lacks() -> None:
    first, *lines, last = lines_of_coverage(report())
    assert (first, last) == ("make (a.yaml:3): 69 %", "Coverage of expressions: 69 %")
    assert lines[0].split() == [RULE, "true", "2,", "false", "1"]
    assert lines[2].split("  ")[-1] == "<-- never true: inputs.a > 5"
    assert lines[-2].strip().startswith("spec.cost") and lines[-2].endswith("<-- never rendered: ${inputs.a} €")


def test_a_ci_reads_the_same_as_junit() -> None:
    root = ElementTree.fromstring(junit_of(report("gates: <none> & \x00more", "cost: is 1")))
    (suite,) = root
    assert dict(suite.attrib) == {"name": "make", "tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    sound, failed = suite
    assert dict(sound.attrib) == {
        **{"classname": "make", "name": "the Action is sound", "file": "a.yaml", "line": "3"}
    } and not list(sound)
    assert failed.attrib["name"] == "one[31m", "a control character is no XML"
    (failure,) = failed
    assert failure.attrib["message"] == "gates: <none> & more"
    assert (failure.text or "").splitlines() == ["b.yaml:7", "gates: <none> & more", "cost: is 1"]
