"""`pratique away` and `pratique back`: what they send, and what they say when the API server does not do it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from tests.builders.models import NOW, approval, gate, lending, lent
from tests.doubles.api_without_objects import GROUP, Answering

from pratique.api.v1alpha1.meta import ObjectMeta
from pratique.api.v1alpha1.stages import Approvers
from pratique.main import main

LEAD = "lead-1@example.com"
MADE = {"metadata": {"name": "away-x"}}


def forbidden(message: str) -> tuple[int, Any]:
    """Return what the API server answers if a policy of ours says no."""
    policy = "ValidatingAdmissionPolicy 'pratique-decision' with binding 'pratique-decision' denied request"
    told = f'approvals.pratique.dev "gate" is forbidden: {policy}: {message}'
    return 403, {"kind": "Status", "reason": "Forbidden", "message": told, "code": 403}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--until", "10d"], "the following arguments are required: --to"),
        (["--to", "bob"], "the following arguments are required: --until"),
        (["--to", "bob", "--until", "friday"], "'friday' is no moment: write one with Z or an offset"),
        (["--to", "bob", "--until", "2026-12-24"], "'2026-12-24' is no moment: write one with Z or an offset"),
        (["--to", "bob", "--until", "1d", "-n", "A"], "'A' cannot be the name of a namespace"),
    ],
)
def test_typing_mistakes_get_a_sentence(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["away", *arguments])
    assert complaint in capsys.readouterr().err


def test_what_it_sends_and_what_is_refused(
    httpserver: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = Answering(httpserver)
    spec = lending(gate(approvers=Approvers(users=[LEAD]), deadline=NOW.replace(year=2090)))
    begun = spec.model_copy(update={"delegations": {LEAD: lent("eve", not_before=-9)}})
    gates = [
        approval(each, name=name, state="Pending").model_copy(
            update={"metadata": ObjectMeta(name=name, namespace="team-a", uid=name)}
        )
        for name, each in {"plain": spec, "replaced": begun, "closed": gate(approvers=Approvers(users=[LEAD]))}.items()
    ]
    bodies = [{**each.to_wire(), "spec": each.spec.to_wire()} for each in gates]
    api.answers |= {
        f"{GROUP}/delegations": (201, MADE),
        "/approvals/plain": (200, {}),
        "/approvals/replaced": forbidden("your stand-in has decided"),
        f"{GROUP}/approvals": (200, {"items": bodies, "metadata": {"resourceVersion": "1"}}),
    }
    options = ["--kubeconfig", str(api.kubeconfig(tmp_path))]
    code = main(["away", *options, "--to", "bob", "--until", "2089-01-01T12:00+02:00", "--reason", "at sea"])
    found = capsys.readouterr()
    assert code == 1 and "team-a/replaced stays as it is: ValidatingAdmissionPolicy" in found.err
    assert found.err.endswith("denied request: your stand-in has decided\n")
    assert found.out.splitlines() == [
        "Delegation away-x: bob decides for you until 2089-01-01 10:00 UTC, in gates that open and take stand-ins",
        "team-a/plain: bob decides for you until 2089-01-01 10:00 UTC",
    ]
    sent = {each.path.rsplit("/", 1)[1]: json.loads(each.get_data()) for each in api.requests if each.method != "GET"}
    assert sent["delegations"]["spec"] == {"to": "bob", "until": "2089-01-01T10:00:00Z", "reason": "at sea"}
    entry = {"to": "bob", "until": "2089-01-01T10:00:00Z", "source": None}
    assert sent["plain"] == {"spec": {"delegations": {LEAD: entry}}}
    assert sent["replaced"]["spec"]["delegations"][LEAD].keys() == {*entry, "notBefore"}, "it is replaced, not removed"


def test_who_may_not_make_one_is_told_and_gates_are_written_all_the_same(
    httpserver: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = Answering(httpserver)
    api.answers[f"{GROUP}/delegations"] = forbidden("no right")
    api.answers[f"{GROUP}/approvals"] = forbidden("no right")
    options = ["--kubeconfig", str(api.kubeconfig(tmp_path))]
    assert main(["away", *options, "--to", "bob", "--until", "10d", "--from", "1d"]) == 1
    told = capsys.readouterr().err
    assert "No Delegation was made, so gates that open do without it: " in told and "denied request: no right" in told
    assert "You may not list approvals in all namespaces: name those where you may (-n NAMESPACE" in told
    assert main(["back", *options, "-n", "team-a"]) == 1
    api.answers[f"{GROUP}/delegations"] = (401, {"kind": "Status", "code": 401})
    assert main(["back", *options]) == 1 and "log in again" in capsys.readouterr().err
