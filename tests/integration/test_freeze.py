"""A freeze of an Action on a real API server: what is granted meanwhile starts at its end, or once somebody ends it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.certain import certain
from tests.support.desk import Desk

from pratique.api.v1alpha1.scalars import format_time

NOTE = {"id": "note", "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${run.name}"}}}


def offer(desk: Desk, name: str, length: timedelta, *, free: bool = False) -> tuple[str, datetime]:
    """Apply an Action that is frozen from a minute ago on; return its name and when that ends."""
    now = datetime.now(UTC).replace(microsecond=0)
    until = now + length
    window = {"from": format_time(now - timedelta(minutes=1)), "until": format_time(until), "reason": "year end"}
    made = desk.action(name, note(desk), free=free)
    made["spec"]["freeze"] = [window]
    desk.cluster.apply("admin", made)
    return str(made["metadata"]["name"]), until


def note(desk: Desk) -> dict[str, Any]:
    template: dict[str, Any] = NOTE["template"]  # type: ignore[assignment]
    return {**NOTE, "template": {**template, "metadata": {**template["metadata"], "namespace": desk.namespace}}}


def made_at(desk: Desk, name: str) -> datetime:
    return datetime.fromisoformat(certain(desk.get("configmap", name))["metadata"]["creationTimestamp"])


def test_a_freeze_holds_the_start_and_nothing_else(desk: Desk) -> None:
    free, until = offer(desk, "free", timedelta(seconds=6), free=True)
    gated, later = offer(desk, "gated", timedelta(days=3))
    desk.ask("soon", free)
    desk.approve(desk.held("held", gated))
    desk.says("soon", "starts nothing until")
    desk.says("held", "Approved by lead-1@example.com. The Action")
    desk.ends("soon", "Succeeded")
    assert made_at(desk, "soon") >= until

    status = desk.ends("held", "WaitingForApproval")
    assert f"until {later:%Y-%m-%d %H:%M}" in status["message"] and status["message"].endswith(": year end")
    assert status["approvals"][0]["state"] == "Approved" and status["timeline"][-1]["event"] == "Frozen"
    assert desk.get("configmap", "held") is None
    patch = '[{"op": "remove", "path": "/spec/freeze"}]'
    desk.cluster.kubectl("admin", "patch", "action", gated, "--type=json", "-p", patch)
    desk.ends("held", "Succeeded")

    again, _ = offer(desk, "again", timedelta(days=3))
    desk.approve(desk.held("back", again))
    desk.says("back", "starts nothing until")
    taken = '{"spec": {"withdrawn": true}}'
    desk.cluster.kubectl("developer", "patch", "actionrun", "back", "-n", desk.namespace, "--type=merge", "-p", taken)
    assert desk.ends("back", "Withdrawn")["message"] == "The requester took it back before it started"
