"""`pratique inbox`: how it reads, its options, and what it says when the API server does not do what it asks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from tests.builders.inboxes import DEVELOPER, LEAD, SECURITY, ended_run, held, home, lost, of, voted, with_status
from tests.builders.models import at, counted
from tests.doubles.api_without_objects import GROUP, REVIEW, Answering
from tests.support.golden import assert_golden_text

from pratique.api.v1alpha1.action_run import RunApproval
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.notifications import DeliveryState, EventType
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.cli.table import lines
from pratique.main import main
from pratique.views.rows import Inbox, Viewer, to_wire

KINDS = ("actionruns", "approvals", "environments")
Command = Callable[..., tuple[int, str, str]]


def story(viewer: Any) -> Inbox:
    """Return the inbox of somebody in a story that has something for each section."""
    run, gate = held("load-test", 1, reason="Load test of the new checkout, needs a full week: 負荷テスト")
    again = lost(EventType.RUNNING, DeliveryState.PENDING)
    run = with_status(run, notifications=[lost(), again])
    gate = voted(gate, ("lead-2@example.com", "Approve", 2), required=2)
    said = voted(held("other", 1)[1], ("lead-1@example.com", "Decline", 3))
    said = with_status(said, state=ApprovalState.DECLINED, decided_at=at(3))
    said = with_status(said, decisions=[counted("lead-1@example.com", "Decline", "use staging")])
    done = ended_run("done", 4, outputs={"namespace": "env-done"}, notifications=[lost(EventType.SUCCEEDED)])
    old = ended_run("old", -90)
    return of(viewer, run, gate, said, done, old, with_status(home("demo", 2), warned=["10m"]))


@pytest.mark.parametrize("width", [100, 60])
@pytest.mark.parametrize("viewer", [LEAD, DEVELOPER, SECURITY], ids=["lead", "developer", "security"])
def test_how_it_reads(viewer: Any, width: int) -> None:
    text = "\n".join(lines(story(viewer), ["team-a"], width)) + "\n"
    assert_golden_text(f"inbox/{viewer.username.partition('@')[0]}-{width}.txt", text)


def test_it_says_where_it_looked_and_what_it_left_out() -> None:
    ended = [ended_run(f"e-{each}", each) for each in range(4)]
    found = lines(of(DEVELOPER, *ended, most=1, since=at(100)), ["team-a", "team-b"], 100)
    assert found[0].startswith("developer@example.com in namespaces team-a, team-b, with what is new since ")
    assert "1 more of yours ended before then: a longer --since shows them." in found
    assert found[-1] == "Only the newest are listed; left out: 3 ended runs, 7 lines of history."
    assert lines(of(DEVELOPER), [None], 100)[0].startswith("developer@example.com in all namespaces, ")


def test_it_shows_how_to_take_back_what_was_said_and_who_did() -> None:
    gate = voted(
        held("week", 1)[1], ("lead-1@example.com", "Approve", 2), ("lead-2@example.com", "Undecided", 3), required=2
    )
    found = lines(of(LEAD, gate), ["team-a"], 60)
    at_ = found.index("To take back what you said, or to say another verdict, with your comment in place of the dots:")
    assert (
        found[at_ + 1].startswith("  kubectl patch approval week-gate -n team-a ") and '"Undecided"' in found[at_ + 1]
    )
    theirs = "\n".join(lines(of(Viewer("lead-2@example.com", ("platform-leads",)), gate), ["team-a"], 90))
    assert "changed        lead-2@example.com is undecided yet" in theirs and "1 of 2 approved" in theirs


def test_nothing_that_people_wrote_moves_the_cursor_or_hides() -> None:
    """Also not where somebody could write a status."""
    evil = "a\x1b[2J\u202e\u200b\x9b\r\nb"
    run, gate = held("week", 1, reason=evil, requested_by=Requester(username=evil))
    gone = lost().model_copy(update={"error": evil, "channel": evil})
    forged = RunApproval(stage="platform", name=evil, state=ApprovalState.PENDING)
    status = {"message": evil, "outputs": {evil: evil}, "notifications": [gone], "approvals": [forged]}
    run = with_status(run, **status, **{"timeline": [TimelineEntry(at=at(1), event=evil, message=evil)]})
    texts = {
        "title": evil,
        "message": evil,
        "action": evil,
        "subject": gate.spec.subject.model_copy(update={"name": evil}),
    }
    plan = gate.spec.planned.model_copy(update={"summary": [evil], "cost": evil})
    gate = gate.model_copy(update={"spec": gate.spec.model_copy(update={**texts, "plan": plan})})
    said = voted(gate, (evil, "Approve", 1), ("lead-2@example.com", "Decline", 2), required=2, decline_threshold=2)
    ended = with_status(said, state=ApprovalState.SUPERSEDED, message=evil)
    env = with_status(home("demo", 1, requestedBy=evil), message=evil, namespace=evil)
    for viewer in (LEAD, Viewer(evil, ("platform-leads",)), Viewer("lead-2@example.com", ("platform-leads",))):
        found = of(viewer, run, said, ended, env)
        assert [line for line in lines(found, ["team-a"], 80) if not line.isprintable()] == []
        wire = to_wire(found)
        assert wire.pop("viewer")["username"] == viewer.username
        assert [text for text in strings(wire) if not text.replace("\n", "").isprintable()] == []
    (mine,) = of(Viewer(evil), run).runs
    assert list(mine.outputs.items()) == [("a[2J b", "a[2J\nb")]


def strings(value: Any) -> list[str]:
    """Return all texts of a JSON value."""
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def test_what_is_copied_is_never_broken() -> None:
    (row,) = story(LEAD).waiting
    assert {"    " + row.approve, "    " + row.decline} <= set(lines(story(LEAD), ["team-a"], 20))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--since", "soon"], "'soon' is not one number and one unit, such as 90s, 15m, 24h, 3d or 2w"),
        (["--since", "999999999w"], "'999999999w' is too long: 3650d at most"),
        (["--since", "3651d"], "'3651d' is too long: 3650d at most"),
        (["-n", "../nodes"], "'../nodes' cannot be the name of a namespace"),
        (["-n", "a", "-A"], "not allowed with argument"),
        (["-o", "wide"], "invalid choice: 'wide'"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["inbox", *arguments])
    assert complaint in capsys.readouterr().err


@pytest.fixture
def api(httpserver: HTTPServer) -> Answering:
    return Answering(httpserver)


@pytest.fixture
def command(api: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `pratique inbox` against it; returns exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["inbox", "--kubeconfig", str(api.kubeconfig(tmp_path)), *arguments])
        return code, *capsys.readouterr()

    return run


class TestWhereItLooks:
    @pytest.mark.parametrize(
        ("arguments", "spaces"),
        [
            ([], ["/namespaces/team-a"]),
            (["--context", "bare"], ["/namespaces/default"]),
            (["-n", "team-b"], ["/namespaces/team-b"]),
            (["-n", "team-b", "-n", "team-a", "-n", "team-b"], ["/namespaces/team-b", "/namespaces/team-a"]),
            (["-A"], [""]),
        ],
    )
    def test_is_what_was_asked_for(
        self, api: Answering, command: Command, arguments: list[str], spaces: list[str]
    ) -> None:
        assert command(*arguments)[0] == 0
        asked = {request.path for request in api.requests[1:]}
        assert asked == {f"{GROUP}{space}/{kind}" for space in spaces for kind in KINDS}
        assert {request.headers["Authorization"] for request in api.requests} == {"Bearer secret-token"}

    def test_the_lines_to_copy_reach_the_same_cluster(
        self, api: Answering, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = held()[1].to_wire()
        gate["spec"]["policy"]["deadline"] = "9999-01-01T00:00:00Z"
        api.answers["/approvals"] = (200, {"items": [gate], "metadata": {"resourceVersion": "1"}})
        config = tmp_path / "config"
        approve = "patch approval week-gate -n team-a"
        for environ, arguments, begins in (
            ("elsewhere", ["--context", "main"], f"kubectl --kubeconfig {config} --context main {approve}"),
            ("elsewhere", [], f"kubectl --kubeconfig {config} {approve}"),
            (str(config), [], f"kubectl {approve}"),
        ):
            monkeypatch.setenv("KUBECONFIG", environ)
            (row,) = json.loads(command("-o", "json", *arguments)[1])["waiting"]
            assert row["approve"].startswith(begins)


STATUS = {"kind": "Status", "message": "approvals is forbidden: said in the words of the API server"}


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("code", "body", "sentence"),
        [
            (401, STATUS, "does not accept your credentials: log in again"),
            (403, STATUS, "did not say who you are (HTTP 403): it has to allow SelfSubjectReview"),
            (404, STATUS, "did not say who you are (HTTP 404)"),
            (200, "<html>", "did not answer as an API server does: is it the right context"),
            (200, {"status": {}}, "did not answer as an API server does"),
            (200, {"status": None}, "did not answer as an API server does"),
        ],
    )
    def test_who_one_is(self, api: Answering, command: Command, code: int, body: Any, sentence: str) -> None:
        api.answers[REVIEW] = (code, body)
        code, out, err = command()
        assert (code, out) == (1, "")
        assert err.startswith("pratique: http://localhost:") and sentence in err and err.count("\n") == 1

    @pytest.mark.parametrize(
        ("code", "body", "sentence"),
        [
            (
                403,
                STATUS,
                "You may not list approvals in namespace team-a, so they are left out: ask your platform team",
            ),
            (404, STATUS, "The cluster has no approvals: is Pratique installed there, and is it the right context?"),
            (410, STATUS, "The list of approvals in namespace team-a changed too much while it was read: try again."),
            (500, STATUS, "Approvals in namespace team-a could not be listed (HTTP 500), so they are left out"),
        ],
    )
    def test_one_kind_is_left_out(self, api: Answering, command: Command, code: int, body: Any, sentence: str) -> None:
        api.answers["/approvals"] = (code, body)
        exit_code, out, err = command()
        assert exit_code == 0 and "Nothing waits for you." in out
        assert err.startswith(sentence) and err.count("\n") == 1
        (unseen,) = json.loads(command("-o", "json")[1])["unseen"]
        assert (unseen["kinds"], unseen["namespace"]) == (["approvals"], "team-a")

    def test_nothing_can_be_seen(self, api: Answering, command: Command) -> None:
        for kind in KINDS:
            api.answers[f"/{kind}"] = (403, STATUS)
        every = "actionruns, approvals and environments in"
        assert command("-n", "team-a", "-n", "team-b")[:2] == (1, "")
        assert (
            command("-A")[2]
            == f"You may not list {every} all namespaces: name those where you may (-n NAMESPACE, which may be repeated).\n"
        )
        assert len(json.loads(command("-o", "json", "-A")[1])["unseen"]) == 1

    def test_one_namespace_of_two(self, api: Answering, command: Command) -> None:
        for kind in KINDS:
            api.answers[f"/team-b/{kind}"] = (403, STATUS)
        code, out, err = command("-n", "team-a", "-n", "team-b")
        assert (code, err.count("\n")) == (0, 1)
        assert "in namespaces team-a, team-b" in out and "in namespace team-b, so they are left out" in err

    def test_an_api_server_that_goes_away_while_it_is_asked(self, api: Answering, command: Command) -> None:
        api.answers["/environments"] = (401, STATUS)
        code, out, err = command()
        assert (code, out) == (1, "") and "log in again" in err

    def test_objects_of_a_newer_operator_do_not_hide_the_others(self, api: Answering, command: Command) -> None:
        old, new = (held(name)[0].to_wire() for name in ("old", "new"))
        new["status"]["phase"] = "Pondering"
        api.answers["/actionruns"] = (200, {"items": [old, new], "metadata": {"resourceVersion": "1"}})
        code, _, err = command()
        assert code == 0
        assert (
            err == "Not readable for this version of pratique, so left out: actionrun team-a/new. Update the command.\n"
        )

    def test_nobody_answers(self, tmp_path: Path, api: Answering, capsys: pytest.CaptureFixture[str]) -> None:
        config = api.kubeconfig(tmp_path)
        config.write_text(config.read_text().replace(str(api.server.port), "1"))
        assert main(["inbox", "--kubeconfig", str(config)]) == 1
        assert "http://localhost:1 did not answer as an API server does" in capsys.readouterr().err

    def test_certificates_that_are_none(
        self, tmp_path: Path, api: Answering, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "ca.pem").write_text("no certificate")
        content = yaml.safe_load(api.kubeconfig(tmp_path).read_text())
        content["clusters"][0]["cluster"] = {"server": "https://localhost:1", "certificate-authority": "ca.pem"}
        (tmp_path / "config").write_text(yaml.safe_dump(content))
        assert main(["inbox", "--kubeconfig", str(tmp_path / "config")]) == 1
        assert capsys.readouterr().err == "pratique: The certificates of the kubeconfig cannot be used (SSLError).\n"


def test_json_and_yaml_say_the_same(command: Command) -> None:
    found = [json.loads(command("-o", "json")[1]), yaml.safe_load(command("-o", "yaml")[1])]
    for each in found:
        assert each.pop("at") > each.pop("since")
    assert found[0] == found[1]
