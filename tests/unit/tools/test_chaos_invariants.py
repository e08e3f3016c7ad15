"""The judges of the chaos tests see what they are there to see."""

from dataclasses import replace
from typing import Any

from tests.chaos.invariants import (
    called_once,
    changed_once,
    created_once,
    never_created,
    not_before_granted,
    one_end,
    threaded,
    told,
    was_active,
)
from tests.chaos.receivers import Heard, heard_of

Entry = dict[str, Any]


def entry(
    verb: str,
    resource: str,
    name: str,
    part: str = "",
    code: int = 200,
    uri: str = "/x",
    version: int = 1,
    **status: str,
) -> Entry:
    ref = {"resource": resource, "name": name, "subresource": part}
    response = {"metadata": {"resourceVersion": str(version)}, "status": status}
    return {
        "verb": verb,
        "objectRef": ref,
        "responseStatus": {"code": code},
        "requestURI": uri,
        "responseObject": response,
    }


CREATED = entry("create", "configmaps", "a", code=201, version=5)
GRANTED = entry("patch", "approvals", "gate", "status", state="Approved")


def test_created_twice_or_never_is_seen_and_refusals_and_dry_runs_do_not_count() -> None:
    refused = entry("create", "configmaps", "a", code=409)
    dry = entry("create", "configmaps", "a", code=201, uri="/x?dryRun=All")
    assert created_once([CREATED, refused, dry], "configmaps", "a") == []
    assert created_once([CREATED, CREATED], "configmaps", "a") and created_once([refused], "configmaps", "a")


def test_changed_twice_or_never_is_seen_and_what_changed_nothing_does_not_count() -> None:
    first, second = (entry("patch", "configmaps", "a", version=number) for number in (5, 6))
    assert changed_once([first, first], "configmaps", "a") == []
    assert changed_once([first, second], "configmaps", "a") and changed_once([], "configmaps", "a")


def test_called_under_two_keys_or_never_is_seen() -> None:
    assert called_once([("a", "1"), ("a", "1"), ("b", "2")], "a") == []
    assert called_once([("a", "1"), ("a", "2")], "a") and called_once([("b", "1")], "a")


def test_created_without_approval_is_seen() -> None:
    assert never_created([entry("create", "configmaps", "b")], "a") == []
    assert never_created([CREATED], "a")


def test_created_before_the_grant_is_seen() -> None:
    later = entry("patch", "approvals", "gate", "status", version=6, state="Approved")
    assert not_before_granted([GRANTED, CREATED], "configmaps", "a", "gate") == []
    assert not_before_granted([CREATED, GRANTED], "configmaps", "a", "gate") == [], "lines may change places"
    assert not_before_granted([later, CREATED], "configmaps", "a", "gate")
    broken = entry("patch", "approvals", "gate", "status", state="Broken")
    assert not_before_granted([broken, CREATED], "configmaps", "a", "gate") == [], "so it is where the glass was broken"
    pending = entry("patch", "approvals", "gate", "status", state="Pending")
    assert not_before_granted([pending, CREATED], "configmaps", "a", "gate")


def test_a_second_end_or_life_after_the_end_is_seen() -> None:
    def run(*phases: str) -> list[Entry]:
        return [entry("patch", "actionruns", "a", "status", phase=phase) for phase in phases]

    assert one_end(run("WaitingForApproval", "Running", "Succeeded", "Succeeded"), "a", "Succeeded") == []
    assert one_end(run("Expired", "Succeeded"), "a", "Succeeded")
    assert one_end(run("Succeeded", "Running"), "a", "Succeeded")
    assert one_end(run("Running"), "a", "Succeeded")


APPROVED, DONE = Heard("mail", "a", "Approved", "k1", "x"), Heard("mail", "a", "Succeeded", "k2", "x")
STORY = {"mail:a": ("Approved", "Succeeded")}


def test_untold_told_too_often_and_told_for_nothing_is_seen() -> None:
    assert told([APPROVED, DONE], STORY, 0) == [] and told([APPROVED, APPROVED, DONE], STORY, 1) == []
    assert told([APPROVED], STORY, 0) == ["mail:a: Succeeded was never told"]
    assert told([], {"hook": ("Approved",)}, 0) == ["hook: Approved was never told"]
    assert told([APPROVED, APPROVED, DONE], STORY, 0) and told([*[APPROVED] * 3, DONE], STORY, 1)
    assert told([APPROVED, replace(APPROVED, key="other"), DONE], STORY, 1)
    assert told([APPROVED, replace(APPROVED, key=None), DONE], STORY, 1) == [], "what has no key, has no other one"
    assert told([APPROVED, DONE, replace(DONE, event="Declined")], STORY, 0)


def test_an_environment_that_was_there_is_known() -> None:
    active = entry("patch", "environments", "a", "status", phase="Active")
    assert was_active([active], "a") and not was_active([active], "b")
    assert not was_active([entry("patch", "environments", "a", "status", phase="Deleting")], "a")


def test_who_is_told_what_does_not_concern_them_and_another_order_is_seen() -> None:
    assert told([APPROVED, DONE, replace(APPROVED, to="b")], STORY, 0)
    assert told([APPROVED, DONE, replace(APPROVED, channel="hook", to="")], STORY, 0)
    assert told([DONE, APPROVED], STORY, 0) and told([APPROVED, DONE, APPROVED], STORY, 1)
    assert told([APPROVED, replace(APPROVED, to="b"), DONE], {**STORY, "mail:b": ("Approved",)}, 0) == []


def test_what_stands_outside_its_thread_is_seen() -> None:
    first, second = replace(APPROVED, channel="slack"), replace(DONE, channel="slack", reply=True)
    assert threaded([first, second, APPROVED]) == [] and threaded([first, first, second]) == []
    assert threaded([first, replace(second, reply=False)]) and threaded([replace(first, reply=True), second])


def test_messages_are_read_as_people_read_them() -> None:
    """A request that is told again once it was decided is no second approval."""
    group, person = "For group platform-leads · now", "For developer@example.com · now"
    assert heard_of("teams", "", "Approved: note (chaos/a-1)", person, "k").event == "Approved"
    asked = heard_of("teams", "", "Approved: note (chaos/a-1)", group, "k")
    assert (asked.event, asked.key, asked.about) == ("ApprovalRequested", None, "a-1")
    handled = heard_of("mail", "a", "Handled, nothing to decide any more: note (chaos/a-1)", group, "k")
    assert (handled.event, handled.key, handled.receiver) == ("Handled", "k", "mail:a")
    assert heard_of("mail", "a", "Environment gone: chaos/a-1", person, "k").about == "a-1"
