"""The judges of the chaos tests see what they are there to see."""

from typing import Any

from tests.chaos.invariants import created_once, never_created, not_before_granted, one_end, told

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


def test_created_without_approval_is_seen() -> None:
    assert never_created([entry("create", "configmaps", "b")], "a") == []
    assert never_created([CREATED], "a")


def test_created_before_the_grant_is_seen() -> None:
    later = entry("patch", "approvals", "gate", "status", version=6, state="Approved")
    assert not_before_granted([GRANTED, CREATED], "configmaps", "a", "gate") == []
    assert not_before_granted([CREATED, GRANTED], "configmaps", "a", "gate") == [], "lines may change places"
    assert not_before_granted([later, CREATED], "configmaps", "a", "gate")
    pending = entry("patch", "approvals", "gate", "status", state="Pending")
    assert not_before_granted([pending, CREATED], "configmaps", "a", "gate")


def test_a_second_end_or_life_after_the_end_is_seen() -> None:
    def run(*phases: str) -> list[Entry]:
        return [entry("patch", "actionruns", "a", "status", phase=phase) for phase in phases]

    assert one_end(run("WaitingForApproval", "Running", "Succeeded", "Succeeded"), "a", "Succeeded") == []
    assert one_end(run("Expired", "Succeeded"), "a", "Succeeded")
    assert one_end(run("Succeeded", "Running"), "a", "Succeeded")
    assert one_end(run("Running"), "a", "Succeeded")


def test_untold_told_too_often_and_told_for_nothing_is_seen() -> None:
    once = [("Approved", "k1")]
    assert told(once, ["Approved"], 0) == [] and told(once * 2, ["Approved"], 1) == []
    assert told([], ["Approved"], 0) and told(once * 2, ["Approved"], 0) and told(once * 3, ["Approved"], 1)
    assert told([*once, ("Approved", "k2")], ["Approved"], 1)
    assert told([*once, ("Declined", "k3")], ["Approved"], 0)
