"""The inbox: who finds what in it, as stories; what must hold whatever people decide; and its JSON form."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.inboxes import (
    DEVELOPER,
    LEAD,
    LEAD_2,
    SECURITY,
    ended_run,
    held,
    home,
    lost,
    named,
    of,
    told,
    voted,
    with_status,
)
from tests.builders.messages import its_gate
from tests.builders.models import DEADLINE, NOW, approval, at, gate, lending, lent, run, running, vote
from tests.support.golden import assert_golden

from pratique.api.v1alpha1.action_run import Phase, RunResource
from pratique.api.v1alpha1.approval import Approval, ApprovalState, GatePolicy
from pratique.api.v1alpha1.counter_offer import Answer, Consent, ConsentRule, CounterOffer, OfferedValues
from pratique.api.v1alpha1.decisions import EarlierDecision
from pratique.api.v1alpha1.found import FoundPeople
from pratique.api.v1alpha1.notifications import DeliveryState, EventType, Recipient, RecipientKind
from pratique.api.v1alpha1.people import OnBehalfOf, Requester
from pratique.api.v1alpha1.stages import Approvers
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.cli.table import lines
from pratique.views.rows import Inbox, Viewer, to_wire

ALICE = Viewer("alice@example.com", ("platform-leads",))
BOT = Viewer("system:serviceaccount:ci:bot", ("platform-leads",))
NAMED = {"approvers": Approvers(users=["alice@example.com", "system:serviceaccount:ci:bot"])}
FOR_ALICE = {"requested_by": Requester(username="argo"), "on_behalf_of": OnBehalfOf(username="alice@example.com")}


def needs_consent(gate: Approval) -> GatePolicy:
    return gate.spec.policy.model_copy(update={"consent": ConsentRule.REQUIRED})


def waits(inbox: Inbox) -> list[str]:
    return [row.run for row in inbox.waiting]


def gate_of(**changes: Any) -> Approval:
    """Return the gate of the held run `week`, with another policy, requester or status."""
    _, gate = held("week", **changes.pop("asked", {}))
    votes, status, policy = changes.pop("votes", ()), changes.pop("status", {}), changes
    return with_status(voted(gate, *votes, **policy), **status)


STORIES: dict[str, tuple[Viewer, Approval, float, bool]] = {
    "a member of the group that may decide": (LEAD, gate_of(), 10, True),
    "a member of another group": (SECURITY, gate_of(), 10, False),
    "listed by name": (ALICE, gate_of(**NAMED), 10, True),
    "a member of a group that is not asked": (LEAD, gate_of(**NAMED), 10, False),
    "a machine that is listed by name": (BOT, gate_of(**NAMED), 10, True),
    "a machine, as a member": (BOT, gate_of(), 10, False),
    "their own request": (ALICE, gate_of(asked={"requested_by": Requester(username="Alice@example.com")}), 10, False),
    "asked on their behalf": (ALICE, gate_of(asked=FOR_ALICE), 10, False),
    "before the deadline": (LEAD, gate_of(), 119.9, True),
    "at the deadline": (LEAD, gate_of(), 120, False),
    "they approved, one more is missing": (
        LEAD,
        gate_of(votes=[("lead-1@example.com", "Approve", 1)], required=2),
        10,
        False,
    ),
    "another approved, one more is missing": (
        LEAD_2,
        gate_of(votes=[("lead-1@example.com", "Approve", 1)], required=2),
        10,
        True,
    ),
    "approved, and nobody has looked yet": (LEAD_2, gate_of(votes=[("lead-1@example.com", "Approve", 1)]), 10, False),
    "withdrawn": (LEAD, gate_of(status={"state": ApprovalState.WITHDRAWN}), 10, False),
    "superseded": (LEAD, gate_of(status={"state": ApprovalState.SUPERSEDED}), 10, False),
}


class TestWaiting:
    @pytest.mark.parametrize("story", STORIES)
    def test_for_whom(self, story: str) -> None:
        viewer, gate, minute, expected = STORIES[story]
        assert bool(of(viewer, gate, now=at(minute)).waiting) is expected

    def test_a_gate_that_is_being_deleted_waits_for_nobody(self) -> None:
        gate = gate_of()
        going = gate.metadata.model_copy(update={"deletion_timestamp": NOW})
        assert of(LEAD, gate.model_copy(update={"metadata": going})).waiting == ()

    def test_what_ends_first_comes_first(self) -> None:
        gates = [
            voted(held(name)[1], deadline=at(minute))
            for name, minute in (("later", 90), ("b", 60), ("a", 60), ("soon", 30))
        ]
        assert waits(of(LEAD, *gates)) == ["soon", "a", "b", "later"]

    def test_says_who_decides_and_what_was_said(self) -> None:
        _, gate = held("week", reason="a long\ntest\u202e")
        one = voted(gate, ("lead-2@example.com", "Approve", 1), required=2)
        (row,) = of(LEAD, one).waiting
        assert (row.approvals, row.required, row.waiting_for) == (1, 2, ("group platform-leads",))
        assert [(said.by, said.verdict, said.comment) for said in row.said] == [
            ("lead-2@example.com", "Approve", "well")
        ]
        assert (row.reason, row.cost, row.deadline) == ("a long test", "", DEADLINE)
        priced = one.spec.model_copy(update={"plan": one.spec.planned.model_copy(update={"cost": "12 EUR\na day"})})
        assert of(LEAD, one.model_copy(update={"spec": priced})).waiting[0].cost == "12 EUR a day"

    def test_the_lines_have_the_viewers_name_and_kubectl(self) -> None:
        (row,) = of(LEAD, gate_of()).waiting
        assert row.approve.startswith("kubectl patch approval week-gate -n team-a --type merge -p '")
        assert '"lead-1@example.com":{"verdict":"Approve"' in row.approve
        assert '"lead-1@example.com":{"verdict":"Decline"' in row.decline

    def test_an_action_without_a_title_has_its_name(self) -> None:
        titled, bare = of(LEAD, its_gate()).waiting[0], of(LEAD, gate_of()).waiting[0]
        assert (titled.title, bare.title) == ("Create an environment", "create-environment")

    def test_says_what_approvers_were_not_told(self) -> None:
        run, gate = held()
        untold = with_status(run, notifications=[lost(), lost(EventType.APPROVED), lost(state=DeliveryState.SENT)])
        forged = with_status(gate, notifications=[lost(EventType.STATUS_FORGED)])
        (row,) = of(LEAD, untold, forged).waiting
        assert [each.event for each in row.undelivered] == ["ApprovalRequested", "StatusForged"]
        assert row.undelivered[0].reason == "the receiver answered 404"
        (without_run,) = of(LEAD, forged).waiting
        assert [each.event for each in without_run.undelivered] == ["StatusForged"]

    def test_says_to_whom_where_a_channel_reaches_people(self) -> None:
        lead = Recipient(kind=RecipientKind.GROUP, name="platform-leads")
        nobody = lost(state=DeliveryState.SKIPPED).model_copy(update={"id": "ApprovalRequested/chat@none"})
        moot, failing = lost(state=DeliveryState.SKIPPED), lost(state=DeliveryState.PENDING)
        run = with_status(
            held()[0], notifications=[lost().model_copy(update={"recipient": lead}), nobody, moot, failing]
        )
        (row,) = of(DEVELOPER, run).runs
        assert [(each.state, each.to) for each in row.undelivered] == [
            ("GivenUp", "group platform-leads"),
            ("Skipped", None),
            ("Pending", None),
        ]

    def test_new_is_what_was_asked_since(self) -> None:
        old, new = held("old", minute=-5)[1], held("new", minute=5)[1]
        assert [(row.run, row.unread) for row in of(LEAD, old, new).waiting] == [("new", True), ("old", False)]


class TestDecided:
    def test_says_how_it_ended(self) -> None:
        said = gate_of(votes=[("lead-1@example.com", "Approve", 1)])
        ended = with_status(
            said, state=ApprovalState.EXPIRED, decided_at=at(120), decisions=[], message="Nobody decided"
        )
        done = ended_run("week", 121, Phase.EXPIRED)
        (row,) = of(LEAD, ended, named(done, "week", "uid-week")).decided
        assert (row.verdict, row.comment, row.at, row.state) == ("Approve", "well", at(1), "Expired")
        assert row.outcome.startswith("Nobody decided before 2026-11-24 14:00 UTC")
        assert (row.ended_at, row.run_phase, row.unread) == (at(120), "Expired", True)

    def test_while_it_waits_for_others(self) -> None:
        said = gate_of(votes=[("LEAD-1@example.com", "Approve", 1)], required=2)
        (row,) = of(LEAD, with_status(said, message="Waiting for 1 more of group platform-leads")).decided
        assert (row.state, row.ended_at, row.run_phase) == ("Pending", None, None)
        assert row.outcome == "Waiting for 1 more of group platform-leads"

    def test_what_others_decided_is_not_in_it(self) -> None:
        assert of(LEAD_2, gate_of(votes=[("lead-1@example.com", "Approve", 1)])).decided == ()

    def test_without_times_the_opening_counts(self) -> None:
        bare = vote("Approve").model_copy(update={"decided_at": None})
        _, opened = held("week", minute=3)
        spec = opened.spec.model_copy(update={"decisions": {LEAD.username: bare}})
        gate = with_status(opened.model_copy(update={"spec": spec}), state=ApprovalState.SUPERSEDED, message="forged")
        (row,) = of(LEAD, gate).decided
        assert (row.at, row.ended_at, row.outcome) == (at(3), at(3), "forged")

    def test_open_ones_come_first_then_the_newest(self) -> None:
        def said(name: str, minute: float, ended: float | None) -> Approval:
            gate = voted(held(name)[1], (LEAD.username, "Approve", minute), required=2)
            state = ApprovalState.PENDING if ended is None else ApprovalState.DECLINED
            return with_status(gate, state=state, decided_at=None if ended is None else at(ended))

        gates = [said("early", 1, 2), said("late", 1, 9), said("b", 1, 5), said("a", 1, 5), said("open", 1, None)]
        assert [row.run for row in of(LEAD, *gates).decided] == ["open", "late", "a", "b", "early"]


class TestChanged:
    """What somebody takes back waits for them again, and everybody can read that they did."""

    def changed(self, *verdicts: str, **policy: Any) -> Approval:
        said = [vote(verdict, minute, comment="well") for minute, verdict in enumerate(verdicts, start=1)]
        past = [EarlierDecision.model_validate(each.to_wire()) for each in said[:-1]] or None
        gate = gate_of(**{"required": 2, **policy})
        decisions = {LEAD.username: said[-1].model_copy(update={"history": past})}
        return gate.model_copy(update={"spec": gate.spec.model_copy(update={"decisions": decisions})})

    def test_who_has_decided_finds_the_line_that_takes_it_back(self) -> None:
        (row,) = of(LEAD, self.changed("Approve")).decided
        assert (
            row.take_back is not None and '"lead-1@example.com":{"verdict":"Undecided","comment":"…"}' in row.take_back
        )

    def test_not_where_what_they_said_stays(self) -> None:
        gone = Viewer(LEAD.username, ("developers",))
        spent = self.changed("Approve", "Undecided", "Decline", "Approve")
        ended = with_status(self.changed("Approve"), state=ApprovalState.EXPIRED)
        granted = self.changed("Approve", required=1)
        for viewer, one in ((gone, self.changed("Approve")), (LEAD, spent), (LEAD, ended), (LEAD, granted)):
            (row,) = of(viewer, one).decided
            assert row.take_back is None

    def test_what_is_taken_back_waits_again_and_says_so(self) -> None:
        found = of(LEAD, self.changed("Approve", "Undecided"))
        assert (waits(found), found.decided) == (["week"], ())
        assert found.waiting[0].changes == ("lead-1@example.com takes back the approval",)
        assert found.waiting[0].approvals == 0
        assert of(LEAD, self.changed("Approve", "Undecided", "Approve", "Undecided")).waiting == ()

    def test_a_stand_in_finds_the_gate_and_the_line_that_decides_in_the_others_place(self) -> None:
        gate = gate_of(**NAMED, votes=[(SECURITY.username, "Approve", 3)], required=2)
        spec = lending(gate.spec, **{ALICE.username: lent(SECURITY.username, groups=[])})
        said = spec.decisions[SECURITY.username].model_copy(update={"for_": ALICE.username, "groups": []})
        for decisions, approve in (
            ({}, '"verdict":"Approve","for":"alice@example.com"'),
            ({SECURITY.username: said}, ""),
        ):
            asked = gate.model_copy(update={"spec": spec.model_copy(update={"decisions": decisions})})
            found = of(SECURITY, asked)
            if approve:
                assert found.waiting[0].in_place_of == (ALICE.username,) and approve in found.waiting[0].approve
                assert found.waiting[0].name_stand_in is None
            else:
                assert '"verdict":"Undecided","for":"alice@example.com"' in (found.decided[0].take_back or "")
        (own,) = of(ALICE, gate.model_copy(update={"spec": spec.model_copy(update={"decisions": {}})})).waiting
        assert own.in_place_of == () and '"for"' not in own.approve
        assert '{"delegations":{"alice@example.com":{"to":"…","until":"2026-11-24T14:00:00Z"}}}' in (
            own.name_stand_in or ""
        )

    def test_it_is_said_which_object_names_the_approvers(self) -> None:
        gate = gate_of(**NAMED)
        by = FoundPeople(api_version="v1", kind="Namespace", name="team-a", uid="n1", users=[ALICE.username])
        found = of(ALICE, gate.model_copy(update={"spec": gate.spec.model_copy(update={"found": [by]})}))
        assert found.waiting[0].found == ("Namespace team-a names alice@example.com",)
        assert "Namespace team-a names alice@example.com" in "\n".join(lines(found, ["team-a"], 100))
        assert of(ALICE, gate).waiting[0].found == ()

    def test_who_may_offer_something_else_finds_what_and_how(self) -> None:
        takes = {"ttl": OfferedValues(values=["3d", "5d"]), "cpu": OfferedValues(minimum=1, maximum=4)}
        (row,) = of(LEAD, gate_of(counter_offer=CounterOffer(inputs=takes))).waiting
        assert row.may_offer == ("cpu: 1 to 4", "ttl: 3d, 5d")
        assert '"verdict":"Offer","proposal":{"cpu":"…"},"comment":"…"' in (row.offer or "")
        table = "\n".join(lines(of(LEAD, gate_of(counter_offer=CounterOffer(inputs=takes))), ["team-a"], 80))
        assert "To offer something else" in table and "may be offered" in table
        (none,) = of(LEAD, gate_of()).waiting
        assert (none.offer, none.may_offer) == (None, ())
        lent_ = lending(gate_of(**NAMED).spec, **{ALICE.username: lent(SECURITY.username, groups=[])})
        policy = lent_.policy.model_copy(update={"counter_offer": CounterOffer(inputs=takes)})
        stood = gate_of().model_copy(update={"spec": lent_.model_copy(update={"policy": policy})})
        assert '"verdict":"Offer","for":"alice@example.com"' in (of(SECURITY, stood).waiting[0].offer or "")

    def test_who_asked_finds_how_to_accept_what_was_offered(self) -> None:
        run, gate = held("week")
        asks = gate.model_copy(update={"spec": gate.spec.model_copy(update={"policy": needs_consent(gate)})})
        (row,) = of(DEVELOPER, run, asks).runs
        assert '"consent":{"answer":"Accept","by":"developer@example.com"}' in (row.accept or "")
        assert '"answer":"Reject"' in (row.reject or "")
        assert "To accept what an approver offers" in "\n".join(lines(of(DEVELOPER, run, asks), ["team-a"], 80))
        given_ = asks.spec.model_copy(update={"consent": Consent(answer=Answer.ACCEPT, by=DEVELOPER.username)})
        for other in (gate, asks.model_copy(update={"spec": given_})):
            (row,) = of(DEVELOPER, run, other).runs
            assert (row.accept, row.reject) == (None, None)

    def test_who_asked_reads_it_in_what_happened(self) -> None:
        run, gate = held("week")
        line = {"timeline": [TimelineEntry(at=at(3), event="TakenBack", message="lead-1 takes back the approval")]}
        _, other = held("other", requested_by=Requester(username="somebody"))
        found = of(DEVELOPER, run, with_status(gate, **line), with_status(other, **line))
        assert [(each.kind, each.event) for each in found.events] == [
            ("Approval", "TakenBack"),
            ("ActionRun", "WaitingForApproval"),
        ]


class TestMine:
    @pytest.mark.parametrize(
        ("spec", "mine"),
        [
            ({}, True),
            ({"requested_by": Requester(username="Developer@Example.com")}, True),
            ({"requested_by": Requester(username="lead-1@example.com")}, False),
            ({"requested_by": Requester(username="argo"), "on_behalf_of": OnBehalfOf(username="argo-2")}, False),
            ({"requested_by": None}, False),
        ],
    )
    def test_whose_a_run_is(self, spec: dict[str, Any], mine: bool) -> None:
        assert bool(of(DEVELOPER, run(spec=spec)).runs) is mine

    def test_a_run_on_behalf_is_of_both(self) -> None:
        asked = run(spec=FOR_ALICE)
        for username in ("alice@example.com", "argo"):
            (row,) = of(Viewer(username), asked).runs
            assert row.requested_by == "alice@example.com (by argo)"

    def test_open_ones_come_first_and_what_changed_last_is_first(self) -> None:
        runs = [ended_run("new", 9), ended_run("old", 2), held("b", 1)[0], held("a", 1)[0], held("later", 5)[0]]
        rows = of(DEVELOPER, *runs).runs
        assert [row.name for row in rows] == ["later", "a", "b", "new", "old"]
        assert [row.ended for row in rows] == [False] * 3 + [True] * 2

    def test_until_when(self) -> None:
        held_run, its = held()
        at_work = named(with_status(running(), started_at=at(5)), "work")
        bare = with_status(named(running(), "bare"), plan=None)
        objects = (held_run, its, at_work, bare, ended_run("done", 3), named(run(), "pending"))
        until = {row.name: row.until for row in of(DEVELOPER, *objects).runs}
        assert until == {"week": DEADLINE, "work": at(15), "bare": None, "done": None, "pending": None}
        assert {row.until for row in of(DEVELOPER, held_run).runs} == {None}
        assert [row.approval for row in of(DEVELOPER, held_run).runs] == ["week-gate"]

    def test_what_it_says(self) -> None:
        outputs = {"url": "https://a.example.com", "ports": [1, {"ä": None}], "note": "one\ntwo\x1b[31m"}
        done = ended_run("done", 3, outputs=outputs, notifications=[lost(EventType.SUCCEEDED)], message="Done\x1b[2J")
        (row,) = of(DEVELOPER, done).runs
        assert row.outputs == {"note": "one\ntwo[31m", "ports": '[1, {"ä": null}]', "url": "https://a.example.com"}
        assert row.message == "Done[2J"
        assert row.last is not None
        assert (row.last.event, row.last.at, row.unread) == ("Succeeded", at(3), True)
        assert [each.event for each in row.undelivered] == ["Succeeded"]
        assert (row.title, row.action) == ("Create", "create-environment")

    def test_one_that_nobody_has_looked_at(self) -> None:
        (row,) = of(DEVELOPER, run(meta={"creation_timestamp": at(-3)})).runs
        assert (row.phase, row.last, row.unread, row.title) == ("Pending", None, False, "create-environment")


class TestEnvironments:
    def test_until_when_and_whether_it_was_warned(self) -> None:
        given = with_status(home(), warned=["10m"], expires_at=at(999), notifications=[lost()])
        (row,) = of(DEVELOPER, given).environments
        assert (row.target, row.kept_for, row.ends_at, row.warned) == ("env-demo", "1h", at(60), ("10m",))
        assert row.last is not None and row.last.event == "Active"
        assert [each.event for each in row.undelivered] == ["ApprovalRequested"]

    def test_one_that_is_not_there_yet(self) -> None:
        bare = home()
        young = bare.model_copy(update={"status": type(bare.status)()})
        (row,) = of(DEVELOPER, young).environments
        assert (row.target, row.phase, row.last, row.unread) == ("env-demo", "Pending", None, False)

    @pytest.mark.parametrize(
        ("requested_by", "made_by_them", "mine"),
        [
            ("developer@example.com", False, True),
            ("DEVELOPER@example.com", False, True),
            ("lead-1@example.com", True, False),
            (None, True, True),
            (None, False, False),
        ],
    )
    def test_whose_it_is(self, requested_by: str | None, made_by_them: bool, mine: bool) -> None:
        uid = "uid-demo" if made_by_them else "another"
        made = RunResource(id="it", api_version="pratique.dev/v1alpha1", kind="Environment", name="demo", uid=uid)
        asked = with_status(run(), resources=[made])
        assert bool(of(DEVELOPER, asked, home(requestedBy=requested_by)).environments) is mine

    def test_what_ends_first_comes_first(self) -> None:
        rows = of(DEVELOPER, home("late", 9), home("b"), home("a")).environments
        assert [row.name for row in rows] == ["a", "b", "late"]


class TestWhatHappened:
    def test_is_one_history_newest_first_with_what_is_new(self) -> None:
        other = held("theirs", requested_by=Requester(username="lead-1@example.com"))[0]
        objects = (ended_run("done", 3), held("week", -2)[0], home("demo", 5), other)
        found = of(DEVELOPER, *objects).events
        assert [(each.kind, each.name, each.event, each.unread) for each in found] == [
            ("Environment", "demo", "Active", True),
            ("ActionRun", "done", "Succeeded", True),
            ("ActionRun", "done", "Running", True),
            ("ActionRun", "week", "WaitingForApproval", False),
        ]

    def test_lines_of_one_second_keep_their_order(self) -> None:
        lines = told((1, "WaitingForApproval", ""), (1, "Running", ""), (1, "Succeeded", ""))
        runs = [with_status(named(running(), name), **lines) for name in ("b", "a")]
        events = [each.event for each in of(DEVELOPER, *runs).events]
        assert events == ["Succeeded"] * 2 + ["Running"] * 2 + ["WaitingForApproval"] * 2

    def test_new_begins_after_the_moment(self) -> None:
        happened = ended_run("done", 3)
        assert [each.unread for each in of(DEVELOPER, happened, since=at(2)).events] == [True, False]
        assert of(DEVELOPER, happened, since=at(3)).runs[0].unread is False


def test_lists_are_bounded_and_what_is_open_is_never_left_out() -> None:
    open_runs = [held(f"open-{at}", at)[0] for at in range(4)]
    ended = [ended_run(f"ended-{at}", at + 10) for at in range(5)]
    gates = [
        with_status(voted(held(f"gate-{at}")[1], (DEVELOPER.username, "Approve", 1)), state=ApprovalState.APPROVED)
        for at in range(3)
    ]
    found = of(DEVELOPER, *open_runs, *ended, *gates, most=2)
    assert [row.name for row in found.runs] == ["open-3", "open-2", "open-1", "open-0", "ended-4", "ended-3"]
    assert (len(found.decided), len(found.events)) == (2, 2)
    assert (found.left_out.runs, found.left_out.decided, found.left_out.events) == (3, 1, 12)


PEOPLE = ["lead-1@example.com", "LEAD-1@example.com", "lead-2@example.com", "developer@example.com", "stranger"]
votes = st.builds(
    vote, st.sampled_from(["Approve", "Decline"]), st.integers(0, 130), st.sampled_from([["platform-leads"], []])
)
gates = st.builds(
    lambda decisions, state, required, threshold, name: approval(
        gate(decisions, required=required, decline_threshold=threshold), name=name, state=state
    ),
    st.dictionaries(st.sampled_from(PEOPLE), votes, max_size=4),
    st.sampled_from(list(ApprovalState)),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["a", "b", "c", "d", "e"]),
)
viewers = st.builds(
    Viewer, st.sampled_from(PEOPLE), st.sampled_from([("platform-leads",), (), ("security", "platform-leads")])
)


@given(st.lists(gates, max_size=5, unique_by=lambda gate: gate.metadata.name), viewers, st.integers(0, 200).map(at))
def test_nothing_both_waits_for_somebody_and_was_decided_by_them(
    found: list[Any], viewer: Viewer, now: datetime
) -> None:
    inbox = of(viewer, *found, now=now)
    waiting, decided = {row.approval for row in inbox.waiting}, {row.approval for row in inbox.decided}
    assert waiting & decided == set()
    by_name = {each.metadata.name: each for each in found}
    assert all(by_name[name].status.state is ApprovalState.PENDING for name in waiting)
    assert all(viewer.username.casefold() != "developer@example.com" for _ in waiting)
    assert {name for name, each in by_name.items() if viewer.username in each.spec.decisions} <= decided


@given(st.lists(gates, max_size=5, unique_by=lambda gate: gate.metadata.name), viewers, st.randoms())
def test_the_order_of_what_is_read_is_irrelevant(found: list[Any], viewer: Viewer, random: Any) -> None:
    runs = [held(name, minute)[0] for minute, name in enumerate("xyz")] + [ended_run(name, 3) for name in "uvw"]
    objects = [*found, *runs, home("one"), home("two")]
    shuffled = random.sample(objects, len(objects))
    assert to_wire(of(viewer, *shuffled)) == to_wire(of(viewer, *objects))


def test_its_json_form() -> None:
    """The shape that scripts and the console read: a change of this file is a change for them."""
    run, gate = held("week", 1)
    gate = voted(gate, ("lead-2@example.com", "Approve", 2), required=2)
    mine = voted(held("other", 1)[1], (LEAD.username, "Decline", 3))
    said = with_status(mine, state=ApprovalState.DECLINED, decided_at=at(3))
    own = [with_status(each, notifications=[lost()]) for each in (run, home("demo", 2))]
    assert_golden("inbox/lead.json", to_wire(of(LEAD, with_status(run, notifications=[lost()]), gate, said)))
    assert_golden(
        "inbox/developer.json", to_wire(of(DEVELOPER, *own, gate, said, ended_run("done", 4, outputs={"a": 1})))
    )
