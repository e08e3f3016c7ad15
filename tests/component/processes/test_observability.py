"""Metrics, logs, liveness and the watchdog: what is shown, and that nothing of other people's can forge or flood it."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import yaml
from prometheus_client import CollectorRegistry
from tests.builders.models import NOW, approval, gate
from tests.support.promql import asked

from pratique import logs
from pratique.api.v1alpha1.approval import ApprovalState, ApprovalStatus, Purpose
from pratique.core.kernel.errors import PratiqueError
from pratique.handlers.watchdog import LONGEST_LOOK, WATCH_GRACE, Watchdog, stuck_look
from pratique.processes.gate_metrics import MAX_STAGES, GateMetrics
from pratique.processes.health import Health
from pratique.processes.metrics import Metrics, resource_of
from pratique.processes.webhook.process import WebhookMetrics

REFERENCE = Path(__file__).parents[3] / "docs" / "guides" / "metrics.md"
RUNS = "/apis/pratique.dev/v1alpha1/namespaces/n/actionruns"
KEY = ("actionruns", "n", "a")
OPENED = NOW - timedelta(minutes=10)


def full() -> Metrics:
    """Return metrics in which each has been used."""
    metrics = Metrics()
    metrics.reconciled("actionruns", "ok", 0.01)
    metrics.woke_late(0.2)
    metrics.requested("PATCH", f"{RUNS}/a/status", 200, 0.01)
    metrics.delivered("slack", "Sent")
    metrics.called("Answered")
    metrics.traced("Sent", 1)
    metrics.watch_had_a_gap()
    metrics.guard_had_a_gap()
    metrics.verified("verified")
    metrics.superseded(2)
    for name in (
        "queue_depth",
        "queue_oldest_seconds",
        "queue_scheduled",
        "outbox_depth",
        "calls_under_way",
        "tasks",
        "watches_missing",
        "guarded",
        "shard",
        "shards",
        "leader",
        "reviews_open",
    ):
        metrics.gauge(name, "Shown by the operator.", lambda: 1.0)
    metrics.objects(lambda: {("actionruns", "Succeeded"): 3})
    gates = GateMetrics(metrics.registry, lambda: {("leads", OPENED): 2, ("", OPENED): 1}, lambda: NOW)
    ended = approval(gate().model_copy(update={"stage": "leads"}))
    ended = ended.model_copy(update={"metadata": ended.metadata.model_copy(update={"creation_timestamp": OPENED})})
    gates.ended(ended, ApprovalStatus(state=ApprovalState.APPROVED, decided_at=NOW))
    review = ended.model_copy(update={"spec": ended.spec.model_copy(update={"purpose": Purpose.REVIEW})})
    gates.ended(review, ApprovalStatus(state=ApprovalState.DECLINED, decided_at=NOW))  # nobody waits for one
    return metrics


def test_the_names_of_stages_are_bounded() -> None:
    many = {(f"s{n:03}", OPENED): 1 for n in range(MAX_STAGES + 3)}
    registry = CollectorRegistry()
    GateMetrics(registry, lambda: many, lambda: NOW)
    shown = {each.labels["stage"]: each.value for family in registry.collect() for each in family.samples}
    assert len(shown) == MAX_STAGES + 1
    waiting = next(family for family in registry.collect() if family.name == "pratique_approvals_waiting")
    assert sum(each.value for each in waiting.samples) == MAX_STAGES + 3


def of_the_webhook() -> WebhookMetrics:
    """Return the webhook's metrics, used."""
    metrics = WebhookMetrics(lambda: datetime(2026, 11, 25, tzinfo=UTC))
    metrics.reviewed("stamped", 0.001)
    return metrics


def test_the_webhook_shows_when_its_certificate_ends() -> None:
    assert (
        b"pratique_webhook_certificate_ends_timestamp_seconds 1.7640288e+09"
        in WebhookMetrics(lambda: datetime(2025, 11, 25, tzinfo=UTC)).text()
    )
    assert b"pratique_webhook_certificate_ends_timestamp_seconds 0.0" in WebhookMetrics(lambda: None).text()
    assert b'pratique_webhook_reviews_total{result="stamped"} 1.0' in of_the_webhook().text()


CHART = Path(__file__).parents[3] / "charts" / "pratique" / "files"
ADDED = {"namespace", "pod"}
"""What Prometheus adds to all that it scrapes."""


def queries() -> list[tuple[str, str]]:
    """Return all queries of the dashboard and of the alerts, each with what it is called."""
    panels = json.loads((CHART / "dashboard.json").read_text())["panels"]
    shown = [(each["title"], target["expr"]) for each in panels for target in each.get("targets", ())]
    groups = yaml.safe_load((CHART / "alerts.yaml").read_text())["groups"]
    return shown + [(each["alert"], each["expr"]) for group in groups for each in group["rules"]]


def samples() -> dict[str, set[str]]:
    """Return the labels that Prometheus gets of each metric."""
    families = [*full().registry.collect(), *of_the_webhook().registry.collect()]
    found: dict[str, set[str]] = {}
    for each in (sample for family in families for sample in family.samples):
        found.setdefault(each.name, set()).update(each.labels)
    return found


@pytest.mark.parametrize(("name", "query"), queries())
def test_a_query_asks_for_what_there_is(name: str, query: str) -> None:
    served, metrics = samples(), asked(query)
    assert metrics, name
    for metric, labels in metrics.items():
        assert metric in served, f"{name}: {metric} is not served"
        assert labels <= served[metric] | ADDED, (
            f"{name}: {metric} has no label {sorted(labels - served[metric] - ADDED)}"
        )


def test_what_a_query_asks_for_is_found_wherever_it_stands() -> None:
    query = "sum by (a) (rate(x_total{b='1'}[$__rate_interval])) / on (c) group_left (d) topk(3, y{e!='2'}) > bool 0"
    assert asked(query) == {"x_total": {"a", "b", "c"}, "y": {"c", "e"}}
    assert asked("sum by (a) (x and on (b) y)") == {"x": {"a", "b"}, "y": {"b"}}
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        asked("sum(")


def test_a_panel_says_what_it_shows_and_in_which_unit() -> None:
    panels = json.loads((CHART / "dashboard.json").read_text())["panels"]
    shown = [each for each in panels if each["type"] != "row"]
    assert len({each["id"] for each in panels}) == len(panels) and len({each["title"] for each in shown}) == len(shown)
    pages = (REFERENCE.with_name("alerts.md")).read_text()
    for each in shown:
        assert each["description"].endswith(".") and each["fieldConfig"]["defaults"]["unit"]
        for alert in re.findall(r"Alert: (\w+)", each["description"]):
            assert f"\n## {alert}\n" in pages
        for target in each["targets"]:
            labels = set().union(*asked(target["expr"]).values())
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels | ADDED


def test_what_was_told_is_shown() -> None:
    text = full().text().decode()
    for line in (
        'pratique_reconciles_total{kind="actionruns",result="ok"} 1.0',
        'pratique_api_requests_total{code="200",resource="actionruns/status",verb="patch"} 1.0',
        'pratique_notifications_total{channel="slack",result="Sent"} 1.0',
        'pratique_objects{kind="actionruns",phase="Succeeded"} 3.0',
        'pratique_wake_lateness_seconds_bucket{le="0.5"} 1.0',
        "pratique_watch_gaps_total 1.0",
        'pratique_calls_total{result="Answered"} 1.0',
        'pratique_approvals_waiting{stage="leads"} 2.0',
        'pratique_approvals_waiting{stage=""} 1.0',
        'pratique_approval_oldest_seconds{stage="leads"} 600.0',
        'pratique_approval_decision_seconds_bucket{le="300.0",stage="leads",state="Approved"} 0.0',
        'pratique_approval_decision_seconds_bucket{le="900.0",stage="leads",state="Approved"} 1.0',
        "pratique_leader 1.0",
    ):
        assert line in text, line


def test_the_reference_lists_each_metric_with_its_labels() -> None:
    documented = dict(re.findall(r"^\| `(pratique_\w+)` \| \w+ \| ([^|]*) \|", REFERENCE.read_text(), re.MULTILINE))
    shown: dict[str, str] = {}
    for family in (*full().registry.collect(), *of_the_webhook().registry.collect()):
        if family.name.startswith("pratique_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
            shown[name] = ", ".join(f"`{label}`" for label in labels)
    assert {name: labels.strip() for name, labels in documented.items()} == shown


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (f"{RUNS}/a/status", "actionruns/status"),
        (f"{RUNS}?limit=500", "actionruns"),
        ("/api/v1/namespaces/actionruns-of-mine/secrets/hook", "secrets"),
        ("/api/v1/namespaces/team-a", "namespaces"),
        ("/apis/batch/v1/namespaces/team-a/jobs/x", "other"),
        ("/apis/batch/v1", "other"),
        ("/apis/example.com/v1/widgets/x", "other"),
    ],
)
def test_paths_become_a_bounded_number_of_resources(path: str, resource: str) -> None:
    assert resource_of(path) == resource


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Whatever is logged to stderr; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_says_which_object_it_is_about(lines: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "json")
    with logs.looking_at("actionruns", "team-a", "run", "some-uid"):
        logging.getLogger("x").info("Looked at %s", "it")
    logging.getLogger("x").info("Later")
    first, second = (json.loads(line) for line in lines.readouterr().err.splitlines())
    assert (first["msg"], first["kind"], first["namespace"], first["name"], first["uid"], first["level"]) == (
        "Looked at it", "actionruns", "team-a", "run", "some-uid", "info",
    )  # fmt: skip
    assert "uid" not in second and second["ts"].endswith("Z")


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_of_others_makes_a_line_of_its_own(lines: pytest.CaptureFixture[str], form: str) -> None:
    logs.set_up("info", form)
    logging.getLogger("x").info("The reason is: %s", "fine\n2026-01-01T00:00:00.000Z INFO root: forged\x1b[2J\u2028")
    err = lines.readouterr().err
    assert len(err.splitlines()) == 1 and "\x1b" not in err and "\u2028" not in err and "forged" in err
    printed = ValueError("".join(("an object, ", "as others print it")))
    try:
        raise PratiqueError("planted\nforged") from printed
    except PratiqueError:
        logging.getLogger("x").exception("Failed")
    trace = lines.readouterr().err
    assert "planted" in trace and not [line for line in trace.splitlines() if line.startswith("forged")]
    assert "ValueError" in trace and "as others print it" not in trace


def test_a_watch_that_stays_behind_a_list_is_dead() -> None:
    dog = Watchdog()
    dog.listed_first(KEY, 7, 100.0)
    dog.listed_first(KEY, 9, 200.0)
    assert dog.dead_watch(100.0 + WATCH_GRACE) is None
    assert "actionruns" in (dog.dead_watch(101.0 + WATCH_GRACE) or "")
    dog.told(KEY, 6)
    assert dog.dead_watch(101.0 + WATCH_GRACE)
    dog.told(KEY, 7)
    assert dog.dead_watch(1e9) is None
    dog.listed_first(KEY, 11, 0.0)
    dog.gone(KEY)
    dog.told(KEY, 12)
    assert dog.dead_watch(1e9) is None


def test_a_look_that_never_ends_is_seen() -> None:
    assert stuck_look(None) is None and stuck_look((KEY, LONGEST_LOOK - 1)) is None
    assert stuck_look((KEY, LONGEST_LOOK)) == "a look at actionruns/n/a has taken 600 s"


async def test_probes_and_metrics_over_http() -> None:
    wrong: list[str] = []
    missing: list[str] = []
    health = Health(
        full().text,
        problems={"watches": lambda: wrong[0] if wrong else None, "workers": lambda: None},
        waits={"watches": lambda: missing[0] if missing else None, "x": lambda: None},
    )
    runner = await health.serve("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:

            async def get(path: str) -> tuple[int, str]:
                async with session.get(path) as answer:
                    return answer.status, await answer.text()

            assert await get("/readyz") == (503, "starting")
            health.reason = None
            assert await get("/readyz") == (200, "ok") and await get("/healthz") == (200, "ok")
            health.unguarded = "a policy is missing"
            missing.append("no watch of actions")
            assert await get("/readyz") == (503, "not guarded: a policy is missing; no watch of actions")
            health.reason = "filling the cache"
            assert await get("/readyz") == (503, "filling the cache; no watch of actions")
            wrong.append("the watch of actionruns is dead")
            assert await get("/healthz") == (503, "[-]watches: the watch of actionruns is dead")
            assert "[+]workers ok" in (await get("/healthz?verbose"))[1]
            assert "pratique_build_info" in (await get("/metrics"))[1]
    finally:
        await runner.cleanup()
