"""People told by e-mail, each by themselves: on a real API server, with a real operator and a real mail server."""

import itertools
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision
from tests.integration.test_many_messages import measured
from tests.integration.test_story import ACTION, decide, held
from tests.support.cluster import Cluster, wait_for
from tests.support.outboxes import entries
from tests.support.runs import condition, phase
from tools.installation import OperatorProcess
from tools.mailbox import Mail, Mailbox

DEV, LEAD1, LEAD2 = "developer@example.com", "lead-1@example.com", "lead-2@example.com"
_probes = itertools.count()


def directory(users: str = "") -> dict[str, object]:
    """Return the directory: the leads as members of their group, and names by which a test sees that it was read."""
    probes = "\n".join(f"  probe-{number}: {{email: probe-{number}@example.com}}" for number in range(100))
    text = f"users:\n{probes}\n{users}\ngroups:\n  platform-leads: {{members: [{LEAD1}, {LEAD2}]}}\n"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "pratique-directory", "namespace": "pratique-system"},
        "data": {"directory.yaml": text},
    }


def channel_status(cluster: Cluster) -> dict[str, Any]:
    status: dict[str, Any] = (cluster.get("notificationchannel", "mail") or {}).get("status", {})
    return status


def ready(cluster: Cluster) -> dict[str, str]:
    found = {each["type"]: each for each in channel_status(cluster).get("conditions", [])}
    ready: dict[str, str] = found.get("Ready", {})
    return ready


def send_test(cluster: Cluster, to: str) -> None:
    cluster.kubectl("admin", "annotate", "notificationchannel", "mail", f"pratique.dev/send-test={to}", "--overwrite")


@pytest.fixture
def mailbox(cluster: Cluster, operator: OperatorProcess) -> Iterator[Mailbox]:
    """A mail server, the channel `mail` to it, the Action `mailed` that tells through it, and the directory, read."""
    with Mailbox() as running:
        spec = {"server": f"127.0.0.1:{running.port}", "tls": "None", "from": "Pratique <pratique@example.com>"}
        spec["addressFrom"] = "Username"
        kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel"}
        cluster.apply("admin", {**kind, "metadata": {"name": "mail"}, "spec": {"email": spec}})
        cluster.apply("admin", directory())
        action = yaml.safe_load(ACTION.read_text())
        action["metadata"]["name"] = "mailed"
        events = ["ApprovalRequested", "Handled", "Approved", "Declined", "Succeeded", "Failed"]
        action["spec"]["notifications"] = [{"channels": ["mail"], "events": events}]
        cluster.apply("admin", action)

        def is_read() -> bool:
            send_test(cluster, f"probe-{next(_probes)}")
            time.sleep(0.5)
            return any(mail.to[0].startswith("probe-") for mail in running.mails)

        wait_for("the directory is read", is_read, 40)
        yield running
        cluster.kubectl("admin", "delete", "action/mailed", "notificationchannel/mail")
        cluster.kubectl("admin", "delete", "configmap", "pratique-directory", "-n", "pratique-system")


def subjects(mails: list[Mail]) -> list[str]:
    return [str(mail.content["Subject"]).strip().partition(":")[0] for mail in mails]


def test_each_is_told_what_concerns_them_and_nobody_twice(cluster: Cluster, mailbox: Mailbox, namespace: str) -> None:
    gate = held(cluster, "week", namespace, "mailed")
    wait_for("both leads are asked", lambda: mailbox.to(LEAD1) and mailbox.to(LEAD2))
    assert f"kubectl patch approval {gate}" in mailbox.to(LEAD1)[0].text
    assert f'"decisions":{{"{LEAD1}":' in mailbox.to(LEAD1)[0].text
    asked = (cluster.get("approval", gate, namespace) or {})["spec"]["inputs"]
    assert {"name": "ttl", "title": "Keep it for", "value": "10d"} in asked
    for each in asked:
        assert f"{each['title']}: {each['value']}" in mailbox.to(LEAD1)[0].text
    decide(cluster, "lead-1", gate, namespace, decision(LEAD1, "Approve", "fine by me"))
    phase(cluster, "week", namespace, "Succeeded")

    def all_sent() -> bool:
        outbox = entries((cluster.get("actionrun", "week", namespace) or {})["status"])
        return all(entry["state"] == "Sent" for entry in outbox)

    wait_for("everything is told", all_sent)
    assert subjects(mailbox.to(LEAD1)) == ["Approval needed"], "who decided is not told that it was decided"
    assert subjects(mailbox.to(LEAD2)) == ["Approval needed", "Handled, nothing to decide any more"]
    assert subjects(mailbox.to(DEV)) == ["Approved", "Done"]
    assert "lead-1@example.com" in mailbox.to(LEAD2)[1].text
    threads = {str(mail.content["References"]) for who in (LEAD1, LEAD2, DEV) for mail in mailbox.to(who)}
    assert len(threads) == 1
    outbox = entries((cluster.get("actionrun", "week", namespace) or {})["status"])
    told = sorted(entry["recipient"]["name"] for entry in outbox if entry["channel"] == "mail")
    assert told == sorted([LEAD1, LEAD2, LEAD2, DEV, DEV])


def test_a_channel_that_fails_says_so_and_what_waits_is_told_once_it_works(
    cluster: Cluster, mailbox: Mailbox, namespace: str
) -> None:
    mailbox.stop()
    held(cluster, "down", namespace, "mailed")
    send_test(cluster, "probe-99")

    def failing() -> bool:
        status = channel_status(cluster)
        return bool(status.get("lastFailure"))

    wait_for("the failure is in the status", failing, 60)
    mailbox.start()
    wait_for("both leads are asked", lambda: mailbox.to(LEAD1) and mailbox.to(LEAD2), 60)
    assert (len(mailbox.to(LEAD1)), len(mailbox.to(LEAD2))) == (1, 1)


def test_what_has_no_room_is_said_and_who_asked_is_told_all_the_same(
    cluster: Cluster, operator: OperatorProcess, mailbox: Mailbox, namespace: str
) -> None:
    """Four channels that are down, for 32 people each, are more than an outbox holds."""
    names = ["mail", *(f"full-{number}" for number in range(3))]
    channel = cluster.get("notificationchannel", "mail") or {}
    kind = {"apiVersion": channel["apiVersion"], "kind": channel["kind"]}
    for name in names[1:]:
        cluster.apply("admin", {**kind, "metadata": {"name": name}, "spec": channel["spec"]})
    action = cluster.get("action", "mailed") or {}
    crowd = {"users": [f"person-{number}@example.com" for number in range(30)]}
    rules = [
        {"channels": names, "events": ["ApprovalRequested"], "people": crowd},
        {"channels": names, "events": ["Declined"]},
    ]
    spec = {**action["spec"], "notifications": rules}
    cluster.apply(
        "admin", {"apiVersion": kind["apiVersion"], "kind": "Action", "metadata": {"name": "full"}, "spec": spec}
    )
    mailbox.stop()
    gate = held(cluster, "crowd", namespace, "full")

    def status() -> dict[str, Any]:
        return dict((cluster.get("actionrun", "crowd", namespace) or {})["status"])

    def full() -> dict[str, Any]:
        return dict(condition(status(), "OutboxFull"))

    assert (full()["status"], full()["reason"]) == ("True", "TooManyWait")
    untold = "Not everybody is told of ApprovalRequested through full-2: 128 messages of this object"
    assert full()["message"].startswith(untold) and "kubectl get notificationchannels" in full()["message"]
    waiting = [entry for entry in entries(status()) if "recipient" in entry]
    assert len(waiting) == 104

    def events() -> list[str]:
        found = cluster.kubectl("admin", "get", "events", "-n", namespace, "-o", "json").json["items"]
        return [each.get("note") or each["message"] for each in found if each["reason"] == "NotificationFailed"]

    wait_for("an Event says so", lambda: any(text.startswith(untold) for text in events()))
    assert measured(operator.port)["pratique_notifications_total/NoRoom/email"] == 1
    decide(cluster, "lead-1", gate, namespace, decision(LEAD1, "Decline", "no room for it"))
    phase(cluster, "crowd", namespace, "Declined")
    asker = [entry for entry in entries(status()) if entry.get("recipient", {}).get("name") == DEV]
    assert [(entry["event"], entry["channel"]) for entry in asker] == [("Declined", name) for name in names]
    mailbox.start()
    for name in names:  # a channel that is changed is tried at once
        patch = json.dumps({"spec": {"email": {"from": "Pratique again <pratique@example.com>"}}})
        cluster.kubectl("admin", "patch", "notificationchannel", name, "--type", "merge", "-p", patch)
    wait_for("nothing waits", lambda: all(entry["state"] != "Pending" for entry in entries(status())), 90)
    assert (full()["status"], full()["reason"]) == ("False", "HasRoom")
    assert subjects(mailbox.to(DEV)) == ["Declined"] * 4
    told = [
        (mail.to[0], str(mail.content["Message-ID"])) for mail in mailbox.mails if not mail.to[0].startswith("probe")
    ]
    assert len(told) == len(set(told))
    assert not any("Not everybody" in mail.text for mail in mailbox.mails)
    cluster.kubectl("admin", "delete", "action/full", *(f"notificationchannel/{name}" for name in names[1:]))


def test_a_token_goes_to_no_server_that_its_secret_does_not_name(cluster: Cluster, operator: OperatorProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(2)
        server = f"127.0.0.1:{stranger.getsockname()[1]}"
        secret = {"name": "borrowed", "namespace": "pratique-system"}
        values = {"token": "xoxb-1234567890-borrowed"}
        cluster.apply("admin", {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": values})
        where = {"apiUrl": f"http://{server}/api/", "channel": "C0123ABCD"}
        bot = {"tokenSecretRef": {"name": "borrowed", "key": "token"}, **where}
        kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel"}
        cluster.apply("admin", {**kind, "metadata": {"name": "mail"}, "spec": {"slack": {"bot": bot}}})
        wait_for("it is not ready", lambda: ready(cluster).get("reason") == "NotAllowed")
        assert f"pratique.dev/allowed-hosts={server}" in ready(cluster)["message"]
        send_test(cluster, "anybody")
        with pytest.raises(TimeoutError):
            stranger.accept()
    cluster.kubectl("admin", "delete", "notificationchannel/mail")
    cluster.kubectl("admin", "delete", "secret", "borrowed", "-n", "pratique-system")


def test_a_mistake_in_the_directory_changes_nothing_and_is_said(cluster: Cluster, mailbox: Mailbox) -> None:
    wait_for("the channel is ready", lambda: ready(cluster).get("status") == "True")
    cluster.apply("admin", directory("  lead-1@example.com: {mail: a@example.com}"))
    wait_for("it is said", lambda: ready(cluster).get("reason") == "Invalid", 40)
    assert "directory.yaml: users.lead-1@example.com.mail: Extra inputs" in ready(cluster)["message"]
    before = len(mailbox.mails)
    send_test(cluster, "probe-98")
    wait_for("the directory before it is used", lambda: len(mailbox.mails) > before)
    cluster.apply("admin", directory())
    wait_for("it is mended", lambda: ready(cluster).get("status") == "True", 40)


def test_who_cannot_be_told_is_said(cluster: Cluster, mailbox: Mailbox) -> None:
    send_test(cluster, "nobody-knows-me")

    def skipped() -> list[str]:
        outbox = entries(channel_status(cluster))
        return [entry["error"] for entry in outbox if entry["state"] == "Skipped"]

    wait_for("it is said", lambda: any("nobody-knows-me" in error for error in skipped()))
    assert json.dumps(channel_status(cluster)).count("nobody-knows-me") >= 1
