"""What messages say, and to whom."""

import json
import shlex
from dataclasses import replace

import pytest
import yaml
from tests.builders.messages import (
    REASON,
    SUMMARY,
    WHY,
    declined,
    ending,
    entry,
    expiring,
    held_run,
    its_gate,
    requested,
)
from tests.builders.models import NOW, approval, counted, environment, gate, run, run_plan

from pratique.api.v1alpha1.found import FoundPeople
from pratique.api.v1alpha1.notifications import Audience, EventType, Recipient, RecipientKind
from pratique.api.v1alpha1.target import PlannedTarget
from pratique.core.telling.commands import decision_command
from pratique.core.telling.messages import (
    MAX_DECISIONS,
    compose_approval,
    compose_environment,
    compose_run,
    leave_out_shown,
)

HOSTILE = "fine\u202e\u200b by\nme\r\n*Approved by* lead-2"
CLEAN = "fine by me *Approved by* lead-2"


class TestRun:
    def test_approvers_read_all_they_need_to_decide(self) -> None:
        told = requested()
        assert told.headline == "Approval needed: Create an environment (team-a/ten-days)"
        assert told.audience.audience is Audience.APPROVERS
        assert (told.audience.users, told.audience.groups) == ((), ("platform-leads",))
        assert dict(told.facts) == {
            "Action": "Create an environment (create-environment)",
            "Requested by": "developer@example.com",
            "Reason": REASON,
            "Inputs": "Name: load-test\nKeep it for: 10d",
            "Held because": WHY,
            "What will happen if approved": "\n".join(SUMMARY),
            "Who may decide": "1 of group platform-leads",
            "Decide before": "2026-11-24 14:00 UTC",
        }

    @pytest.mark.parametrize(("space", "named"), [("team-a", "ConfigMap team-a/it"), (None, "ConfigMap it")])
    def test_the_object_that_it_acts_on_is_named(self, space: str | None, named: str) -> None:
        it = PlannedTarget(api_version="v1", kind="ConfigMap", namespace=space, name="it", uid="u1")
        acting = run(plan=run_plan(target=it))
        told = compose_run(acting, None, entry(EventType.RUNNING))
        assert [text for label, text in told.facts if label == "Acts on"] == [named]

    def test_the_lines_to_copy_are_what_kubectl_takes(self) -> None:
        (_, approve), (_, decline) = requested().how_to_decide
        assert approve == (
            "kubectl patch approval ten-days-platform-7d9f -n team-a --type merge -p "
            """'{"spec":{"decisions":{"YOUR-USER-NAME":{"verdict":"Approve","comment":"…"}}}}'"""
        )
        patch = yaml.safe_load(decline.split(" -p ")[1].strip("'"))
        assert patch["spec"]["decisions"]["YOUR-USER-NAME"]["verdict"] == "Decline"

    @pytest.mark.parametrize(
        "name",
        ["lead-1@example.com", """a/b:c#d~e"f'g\\E.*$(id)`id`""", "\u00c4RZTIN", "\u202efdp", "new\nline", "-n", "…"],
    )
    def test_a_line_with_a_name_reaches_kubectl_as_it_is(self, name: str) -> None:
        line = decision_command(its_gate(), "Approve", name, "kubectl --context prod")
        words = shlex.split(line)
        assert line.startswith(
            "kubectl --context prod patch approval ten-days-platform-7d9f -n team-a --type merge -p '"
        )
        assert line.isprintable()
        assert json.loads(words[-1])["spec"]["decisions"] == {name: {"verdict": "Approve", "comment": "…"}}

    def test_the_id_is_the_objects_uid_and_the_entrys_id(self) -> None:
        told = requested()
        assert told.id == f"{told.subject.uid}/ApprovalRequested/chat"
        assert (told.subject.api_version, told.subject.kind) == ("pratique.dev/v1alpha1", "ActionRun")
        assert (told.subject.namespace, told.subject.name, told.at) == ("team-a", "ten-days", NOW)

    def test_the_requester_reads_the_comment_and_no_command(self) -> None:
        told = declined()
        assert told.audience.audience is Audience.REQUESTER
        assert told.audience.users == ("developer@example.com",)
        assert told.text == "Declined by lead-1@example.com: Use the shared stage"
        assert "lead-1@example.com (Decline)" not in dict(told.facts), "the sentence says it"
        assert ("What was asked for", "\n".join(SUMMARY)) in told.facts
        assert told.how_to_decide == ()
        assert "Held because" not in dict(told.facts)

    def test_a_late_request_says_that_it_was_decided(self) -> None:
        ended = its_gate(state="Approved", message="Approved by lead-2@example.com")
        told = compose_run(held_run(), ended, entry(EventType.APPROVAL_REQUESTED))
        assert told.how_to_decide == ()
        assert told.headline == "Approved: Create an environment (team-a/ten-days)"
        assert told.text == "Approved by lead-2@example.com"
        wordless = compose_run(held_run(), its_gate(state="Expired"), entry(EventType.APPROVAL_REQUESTED))
        assert (wordless.headline, wordless.text) == ("Expired: Create an environment (team-a/ten-days)", "Expired")

    def test_who_is_told_by_themselves_finds_their_name_in_the_lines_to_copy(self) -> None:
        asked = entry(EventType.APPROVAL_REQUESTED)
        for kind, name, shown in (
            (RecipientKind.USER, "lead-1@example.com", "lead-1@example.com"),
            (RecipientKind.USER, "o'neill", "o'\"'\"'neill"),
            (RecipientKind.GROUP, "platform-leads", "YOUR-USER-NAME"),
            (RecipientKind.ADDRESS, "list@example.com", "YOUR-USER-NAME"),
        ):
            to = asked.model_copy(update={"recipient": Recipient(kind=kind, name=name)})
            told = compose_run(held_run(), its_gate(), to)
            assert all(f'"decisions":{{"{shown}":' in line for _, line in told.how_to_decide), name

    def test_success_tells_the_outputs_and_not_the_decision_again(self) -> None:
        run = held_run()
        outputs = {"namespace": "env-demo", "ports": [80, 443], "note": "a\u202eb\n" + "x" * 900}
        done = run.model_copy(update={"status": run.status.model_copy(update={"outputs": outputs})})
        gate = its_gate(state="Approved", decisions=[counted("lead-1@example.com", "Approve", "fine")])
        facts = dict(compose_run(done, gate, entry(EventType.SUCCEEDED)).facts)
        assert (facts["namespace"], facts["ports"]) == ("env-demo", "[80, 443]")
        assert facts["note"].startswith("ab xxx") and len(facts["note"]) == 512
        assert "lead-1@example.com (Approve)" not in facts
        assert "namespace" not in dict(compose_run(done, gate, entry(EventType.APPROVED)).facts)

    def test_what_it_costs_is_said_if_the_action_says_it(self) -> None:
        plan = held_run().status.plan
        assert plan is not None
        run = held_run()
        costs = run.model_copy(
            update={"status": run.status.model_copy(update={"plan": {**plan, "cost": "40 € a month"}})}
        )
        told = compose_run(costs, its_gate(), entry(EventType.APPROVAL_REQUESTED))
        assert ("Costs", "40 € a month") in told.facts
        gate = its_gate()
        dear = gate.model_copy(
            update={
                "spec": gate.spec.model_copy(update={"plan": gate.spec.planned.model_copy(update={"cost": "much"})})
            }
        )
        assert ("Costs", "much") in compose_approval(dear, entry(EventType.WITHDRAWN)).facts
        assert "Costs" not in dict(requested().facts)

    def test_before_the_gate_is_known_the_plan_says_who_decides(self) -> None:
        told = compose_run(held_run(), None, entry(EventType.APPROVAL_REQUESTED))
        assert told.audience.groups == ("platform-leads",)
        assert told.how_to_decide == ()

    def test_a_run_without_plan_or_requester(self) -> None:
        bare = run(spec={"requested_by": None, "reason": ""})
        told = compose_run(bare, None, entry(EventType.REFUSED, message=""))
        assert told.headline == "Refused: create-environment (team-a/ten-days)"
        assert told.text == "Refused"
        assert told.facts == (("Action", "create-environment"),)
        assert told.audience.users == ()
        withdrawn = compose_run(bare, None, entry(EventType.WITHDRAWN))
        assert (withdrawn.audience.users, withdrawn.audience.groups) == ((), ())

    def test_a_run_that_nobody_held(self) -> None:
        held = held_run()
        assert held.status.head is not None
        free = run(plan=held.status.head.model_copy(update={"gate": None, "summary": ["a", "", "b\nc"]}))
        told = compose_run(free, None, entry(EventType.APPROVAL_REQUESTED))
        assert "Held because" not in dict(told.facts)
        assert dict(told.facts)["What will happen if approved"] == "a\nb c"
        assert dict(compose_run(free, None, entry(EventType.SUCCEEDED)).facts)["What was done"] == "a\nb c"

    def test_peoples_text_stays_on_its_line(self) -> None:
        decided = its_gate(state="Declined", decisions=[counted(HOSTILE, "Decline", HOSTILE)])
        hostile = held_run(reason=HOSTILE, requested_by={"username": HOSTILE})
        told = compose_run(hostile, decided, entry(EventType.DECLINED))
        facts = dict(told.facts)
        assert facts["Reason"] == facts["Requested by"] == facts[f"{CLEAN} (Decline)"] == CLEAN
        assert compose_run(hostile, decided, entry(EventType.DECLINED, message=HOSTILE)).text == CLEAN
        assert told.audience.users == (CLEAN,)

    def test_many_decisions_are_bounded_and_silent_ones_left_out(self) -> None:
        decisions = [counted(f"p{at}", comment="ok" if at else "") for at in range(20)]
        told = compose_run(held_run(), its_gate(state="Approved", decisions=decisions), entry(EventType.APPROVED))
        assert len([label for label, _ in told.facts if label.endswith("(Approve)")]) == MAX_DECISIONS - 1


class TestApproval:
    def test_approvers_are_told_that_nothing_is_left_to_decide(self) -> None:
        told = compose_approval(its_gate(state="Withdrawn"), entry(EventType.WITHDRAWN, message="It was deleted"))
        assert told.headline == (
            "Withdrawn, nothing to decide any more: Create an environment (team-a/ten-days-platform-7d9f)"
        )
        assert told.audience.groups == ("platform-leads",)
        assert told.subject.kind == "Approval"
        assert dict(told.facts)["What was asked for"] == "\n".join(SUMMARY)

    def test_an_action_without_title(self) -> None:
        told = compose_approval(approval(gate()), entry(EventType.APPROVAL_REQUESTED))
        assert told.headline == "Approval needed: create-environment (team-a/gate)"
        assert dict(told.facts)["Action"] == "create-environment"
        assert [label for label, _ in told.how_to_decide] == ["Approve", "Decline"]


class TestEnvironment:
    def test_the_requester_is_told_when_it_ends(self) -> None:
        told = expiring()
        assert told.headline == "Environment ends soon: team-a/demo"
        assert told.audience.users == ("developer@example.com",)
        assert dict(told.facts) == {
            "Namespace": "env-demo",
            "For": "developer@example.com",
            "Kept for": "1h",
            "Ends": "2026-11-24 12:00 UTC",
        }

    def test_one_that_belongs_to_nobody_and_has_not_begun(self) -> None:
        told = compose_environment(environment(), entry(EventType.FAILED))
        assert told.audience.users == ()
        assert dict(told.facts) == {"Namespace": "env-demo", "Kept for": "1h"}

    def test_an_object_without_a_namespace(self) -> None:
        nowhere = ending().model_copy(update={"metadata": ending().metadata.model_copy(update={"namespace": None})})
        told = compose_environment(nowhere, entry(EventType.ENVIRONMENT_READY))
        assert told.headline == "Environment ready: demo"
        assert told.subject.namespace == ""


@pytest.mark.parametrize("event", list(EventType))
def test_every_event_has_something_to_say(event: EventType) -> None:
    assert compose_run(held_run(), its_gate(), entry(event, message="")).text


def test_who_is_asked_reads_which_object_names_them() -> None:
    gate = its_gate()
    by = FoundPeople(api_version="v1", kind="Namespace", name="team-a", uid="n1", users=["lead-1@example.com"])
    found = gate.model_copy(update={"spec": gate.spec.model_copy(update={"found": [by]})})
    named = "Namespace team-a names lead-1@example.com"
    for told in (
        compose_run(held_run(), found, entry(EventType.APPROVAL_REQUESTED)),
        compose_approval(found, entry(EventType.APPROVAL_REMINDER)),
    ):
        assert dict(told.facts)["Approvers named by"] == named
    later = compose_run(held_run(), found, entry(EventType.APPROVED))
    assert "Approvers named by" not in dict(later.facts)
    assert "Approvers named by" not in dict(compose_run(held_run(), gate, entry(EventType.APPROVAL_REQUESTED)).facts)


class TestNews:
    def test_nothing_is_said_twice(self) -> None:
        told = leave_out_shown(declined(), requested())
        assert told.headline == declined().headline
        assert told.facts == ()
        assert leave_out_shown(requested(), requested()).how_to_decide == ()

    def test_what_changed_is_new(self) -> None:
        other = compose_run(held_run(reason="Another"), its_gate(), entry(EventType.DECLINED))
        assert leave_out_shown(other, requested()).facts == (("Reason", "Another"),)

    def test_another_plan_is_new_and_the_lines_of_another_gate_are(self) -> None:
        bare = replace(requested(), facts=requested().facts[:1], how_to_decide=())
        assert leave_out_shown(requested(), bare) == replace(requested(), facts=requested().facts[1:])

    def test_the_same_words_of_somebody_else_are_new(self) -> None:
        shown = replace(requested(), facts=(("lead-1 (Approve)", "Fine"),))
        told = replace(requested(), facts=(("lead-1 (Approve)", "Fine"), ("lead-2 (Approve)", "Fine")))
        assert leave_out_shown(told, shown).facts == (("lead-2 (Approve)", "Fine"),)
