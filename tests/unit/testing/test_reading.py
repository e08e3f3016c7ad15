"""Files of Actions and cases: what is read as Kubernetes reads it, and the sentence for everything that cannot be used."""

import io
import sys
from pathlib import Path

import pytest

from pratique.testing.documents import UnreadableFileError, read_documents
from pratique.testing.reading import Book, read_book

ACTION = """\
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: make, labels: {any: thing}, managedFields: []}
spec:
  title: Make
  inputs:
    schema: {type: object, properties: {size: {type: string}}}
  approval:
    stages:
    - name: leads
      when: inputs.size == 'large'
      approvers: {groups: [leads]}
  execution:
    serviceAccountRef: {namespace: actions, name: maker}
    resources:
    - id: map
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {anything: "${inputs.size}"}}
status: {whatever: 1}
"""
HEAD = "apiVersion: pratique.dev/v1alpha1\nkind: ActionTest\naction: make\ncases:\n"
CASE = f"{HEAD}- name: one\n  expect: {{outcome: Free}}\n"


def book_of(tmp_path: Path, **files: str) -> Book:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return read_book(read_documents([str(tmp_path)]))


def problems(tmp_path: Path, **files: str) -> list[str]:
    return [each.removeprefix(f"{tmp_path}/") for each in book_of(tmp_path, **files).problems]


def test_actions_and_cases_are_found_in_files_folders_lists_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "cases.yml").write_text(f"---\n{CASE}---\n# nothing\n---\napiVersion: v1\nkind: Namespace\n")
    (tmp_path / "notes.md").write_text("not: [yaml")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hidden.yaml").write_text("not: [yaml")
    indented = "".join(f"  {line}\n" for line in ACTION.splitlines())
    listed = f"apiVersion: v1\nkind: List\nitems:\n-{indented[1:]}"
    monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
    book = read_book(read_documents([str(tmp_path), "-", str(tmp_path / "deep" / "cases.yml")]))
    assert book.problems == []
    assert [(test.action, len(test.cases)) for test, _ in book.tests] == [("make", 1)], (
        "a file named twice is read once"
    )
    _, document = book.actions["make"]
    assert document.where(("spec", "title")) == "stdin:8"
    assert document.where(("spec", "approval", "stages", 0, "nowhere", "deeper")) == "stdin:13"


def test_text_stays_the_text_that_kubernetes_reads(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "{day: 2026-01-31, time: 12:30, sum: 1:30:00.5, n: 12, f: 1.5, e: 1e3, yes: yes, none: ~, quoted: '1'}"
    )
    (document,) = read_documents([str(tmp_path / "a.yaml")])
    assert [document.data[key] for key in ("day", "time", "sum")] == ["2026-01-31", "12:30", "1:30:00.5"]
    assert [document.data[key] for key in ("n", "f", "e", True, "none", "quoted")] == [12, 1.5, 1000.0, True, None, "1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "a.yaml:3: c is there more than once: keep one of them"),
        (
            "a: {{ .Values.x }}\n",
            "a.yaml:1: is not YAML: found unhashable key; a template, such as a Helm chart's, has",
        ),
        ("a: [1\n", "a.yaml:2: is not YAML: expected ',' or ']', but got '<stream end>'; a template"),
        ("a: \x00\n", "a.yaml: is not YAML: special characters are not allowed"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UnreadableFileError) as raised:
        read_documents([str(tmp_path)])
    assert str(raised.value).removeprefix(f"{tmp_path}/").startswith(sentence)


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00a")
    (tmp_path / "empty").mkdir()
    for path, sentence in (
        (tmp_path / "b.yaml", "cannot be read as text in UTF-8 (UnicodeDecodeError)"),
        (tmp_path / "empty", "is a folder without any file that ends in .yaml, .yml or .json"),
        (tmp_path / "none", "there is no such file or folder (- reads from standard input)"),
    ):
        with pytest.raises(UnreadableFileError) as raised:
            read_documents([str(path)])
        assert str(raised.value) == f"{path}: {sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("  title: Make", "  titel: Make", "a.yaml:5: spec.titel: there is no such field; did you mean title?"),
        ("  title: Make", "", "a.yaml:4: spec.title: is missing; add it"),
        (
            "  title: Make",
            "  title: [a]",
            "a.yaml:5: spec.title: is a list; it has to be a text: put it into quotation",
        ),
        (
            "  title: Make",
            "  title:",
            "a.yaml:5: spec.title: is empty; it has to be a text: put it into quotation marks",
        ),
        (
            "      when:",
            "      wenn: x\n      when:",
            "a.yaml:11: spec.approval.stages[0].wenn: there is no such field; did",
        ),
        (
            "groups: [leads]",
            "grups: [x]",
            "a.yaml:12: spec.approval.stages[0].approvers.grups: there is no such field; d",
        ),
        (
            "      when:",
            "      deadline: 1h30m\n      when:",
            "a.yaml:11: spec.approval.stages[0].deadline: 1h30m: a duration is one whole number and one unit",
        ),
        (
            "      when:",
            "      comment: Allways\n      when:",
            "a.yaml:11: spec.approval.stages[0].comment: Allways is not Never or OnDecline or Always; did you mean Always?",
        ),
        (
            "{groups: [leads]}",
            "leads",
            "a.yaml:12: spec.approval.stages[0].approvers: is a text; it has to be a map of f",
        ),
        (
            "    - name: leads",
            "    - name: leads\n      required: 40",
            "a.yaml:11: spec.approval.stages[0].required: 40: i",
        ),
        (
            "apiVersion: pratique.dev/v1alpha1",
            "apiVersion: pratique/v1",
            "a.yaml:1: apiVersion is pratique/v1; write prat",
        ),
        ("kind: Action\n", "kind: ActionTests\n", "a.yaml:2: kind is ActionTests; did you mean ActionTest?"),
    ],
)
def test_what_is_wrong_in_an_action_is_said(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    found = problems(tmp_path, a=ACTION.replace(old, new, 1))
    assert any(each.startswith(sentence) for each in found), found


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ("[]", "b.yaml:4: cases: has 0 entries; it has to have at least 1"),
        ("- name: a", "b.yaml:5: cases[0].expect: is missing; add it"),
        (
            "- {name: a, input: {}, expect: {outcome: Free}}",
            "b.yaml:5: cases[0].input: there is no such field; did you mean",
        ),
        (
            "- {name: a, requester: dev, expect: {outcome: Free}}",
            "b.yaml:5: cases[0].requester: is a text; it has to be a",
        ),
        (
            "- {name: a, inputs: [1], expect: {outcome: Free}}",
            "b.yaml:5: cases[0].inputs: is a list; it has to be a map of",
        ),
        (
            "- {name: a, expect: {outcome: Helt}}",
            "b.yaml:5: cases[0].expect.outcome: Helt is not Free or Held or Refused; d",
        ),
        ("- {name: a, expect: {gates: {}}}", "b.yaml:5: cases[0].expect.gates: is a map; it has to be a list"),
        ("- {name: a, expect: {refused: 3}}", "b.yaml:5: cases[0].expect.refused: is a number; it has to be a list"),
        (
            "- {name: a, expect: {refused: true}}",
            "b.yaml:5: cases[0].expect.refused: is true or false; it has to be a list",
        ),
        (
            "- name: a\n  expect: {}",
            "b.yaml:6: cases[0].expect: expects nothing, so it would always pass; say at least the o",
        ),
        ("- name: a\n  expect: {outcome: Free, refused: no}", "b.yaml:6: cases[0].expect.refused: is true or false"),
        (
            "- name: a\n  expect: {outcome: Free, refused: x}",
            "b.yaml:6: cases[0].expect.outcome: is Free, and refused is exp",
        ),
        (
            "- name: a\n  expect: {refused: x, plan: y}",
            "b.yaml:6: cases[0].expect.plan: what is refused has no gates and no p",
        ),
        (
            "- name: a\n  expect: {outcome: Free, gates: [{}]}",
            "b.yaml:6: cases[0].expect.gates: outcome: Free means that the",
        ),
        (
            "- name: a\n  expect: {outcome: Held, gates: []}",
            "b.yaml:6: cases[0].expect.gates: outcome: Held means that there",
        ),
        (
            "- name: a\n  expect: {gates: [{stage: lead}]}",
            "b.yaml:6: cases[0].expect.gates[0].stage: the Action has no stage",
        ),
        (
            "- name: a\n  expect: {skipped: [{stage: xyz}]}",
            "b.yaml:6: cases[0].expect.skipped[0].stage: the Action has no sta",
        ),
        (
            "- name: a\n  expect: {objects: {mab: {}}}",
            "b.yaml:6: cases[0].expect.objects.mab: the Action has no resource named",
        ),
        (
            "- name: a\n  expect: {ready: {mab: Ready}}",
            "b.yaml:6: cases[0].expect.ready.mab: the Action has no resource",
        ),
        ("- name: a\n  expect: {ready: {map: Redy}}", "b.yaml:6: cases[0].expect.ready.map: Redy is not Ready or Wait"),
        (
            "- name: a\n  expect: {outputs: {x: 1}}",
            "b.yaml:6: cases[0].expect.outputs.x: the Action has no output named",
        ),
        (
            "- name: a\n  live: {mab: {}}\n  expect: {gates: []}",
            "b.yaml:6: cases[0].live.mab: the Action has no resource",
        ),
        (
            "- name: a\n  expect: {inputs: {sice: 1}}",
            "b.yaml:6: cases[0].expect.inputs.sice: the Action has no input named sic",
        ),
        (
            "- name: a\n  options: {size: []}\n  expect: {gates: []}",
            "b.yaml:6: cases[0].options.size: the Action has no field that offers objects named size; known are: none",
        ),
        (
            "- name: a\n  sources: [{metadata: {name: x}}]\n  expect: {gates: []}",
            "b.yaml:6: cases[0].sources[0]: is of None None, in which the Action looks for no approvers",
        ),
        (
            "- name: a\n  sources: [{metadata: x}]\n  expect: {gates: []}",
            "b.yaml:6: cases[0].sources[0].metadata: has to be a map, with a text as its name",
        ),
        (
            "- name: a\n  expect: {outcome: Free, fields: {sice: {}}}",
            "b.yaml:6: cases[0].expect.fields.sice: the Action has no input named sic",
        ),
        (
            "- {name: a, expect: {outcome: Free}}\n- {name: a, expect: {outcome: Free}}",
            "b.yaml:6: a case named a is there twice; give it another",
        ),
    ],
)
def test_what_is_wrong_in_a_case_is_said(tmp_path: Path, cases: str, sentence: str) -> None:
    text = f"{HEAD[:-1]} {cases}\n" if cases == "[]" else f"{HEAD}{cases}\n"
    found = problems(tmp_path, a=ACTION, b=text)
    assert any(each.startswith(sentence) for each in found), found


def test_cases_need_their_action_and_an_action_is_there_once(tmp_path: Path) -> None:
    assert problems(tmp_path, a=ACTION, b=CASE.replace("make", "mke"), c=ACTION, d=CASE.replace("make", "other")) == [
        f"c.yaml:3: Action make is also in {tmp_path}/a.yaml:3: leave one out",
        "b.yaml:3: there is no Action named mke in what was read; did you mean make?",
        "d.yaml:3: there is no Action named other in what was read; read were: make",
    ]


def test_a_case_acts_on_what_its_action_acts_on_and_on_nothing_else(tmp_path: Path) -> None:
    acts = ACTION.replace("  title: Make\n", "  title: Make\n  actsOn: {apiVersion: v1, kind: Secret}\n")
    case = HEAD.replace("cases:", "given: {target: {metadata: {name: a}}}\ncases:")
    sound = f"{case}- {{name: one, target: {{kind: Secret, data: {{a: b}}}}, expect: {{outcome: Free}}}}\n"
    assert problems(tmp_path, action=acts, cases=sound) == []
    bare = f"{HEAD}- {{name: one, target: {{}}, expect: {{outcome: Free}}}}\n"
    (said,) = problems(tmp_path, action=ACTION, cases=bare)
    assert said.endswith("cases[0].target: Action make acts on no object (spec.actsOn): leave it out")
    other = f"{HEAD}- {{name: one, target: {{kind: Pod, metadata: a}}, expect: {{outcome: Free}}}}\n"
    kind, metadata = problems(tmp_path, action=acts, cases=other)
    assert kind.endswith("cases[0].target.kind: is Pod; the Action acts on Secret: leave it out")
    assert metadata.endswith("cases[0].target.metadata: has to be a map, with a text as its name")
