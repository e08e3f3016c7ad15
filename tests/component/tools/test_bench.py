"""The pure parts of the benchmark: statistics, aims, what is read from metrics, and the report."""

import asyncio
import json
from pathlib import Path

import pytest
from bench.aims import ROWS, Aim, Row, missed
from bench.compare import committed, compared
from bench.load import paced, pool
from bench.manifests import Pattern, gate_name, run
from bench.metrics import total, writes
from bench.numbers import curve, milliseconds, percentile, ratio_of_rounds
from bench.processes import cpu_seconds, memory_mb
from bench.report import ended_table, figures_table, machine, readme, rounds_table, scale_table, summary, table
from bench.results import QUICK, Results, Sizes
from bench.watch import SUCCEEDED, WAITING, Seen, UnexpectedEndError, WatchError

WHERE = {"cores": "2", "date": "2026-11-24"}


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([3.0], 50, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([4.0, 3.0, 2.0, 1.0], 75, 3.0),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 31)), 99, 30),
        ([1.0, 2.0], 0, 1.0),
        ([1.0, 2.0], 100, 2.0),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(values: list[float], share: float, wanted: float) -> None:
    assert percentile(values, share) == wanted


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_rounds_are_compared_with_their_own_floor() -> None:
    assert ratio_of_rounds([80.0, 30.0, 90.0], [100.0, 50.0, 100.0]) == 0.8
    with pytest.raises(ValueError, match="zip"):
        ratio_of_rounds([1.0], [1.0, 2.0])


def test_seconds_become_milliseconds_and_a_curve() -> None:
    assert milliseconds([0.001, 0.5]) == [1.0, 500.0]
    assert curve([3.0, 1.0]) == ([1.0, 3.0], [50.0, 100.0])


@pytest.mark.parametrize(
    ("aim", "value", "verdict"),
    [
        (Aim(10), 9.99, "met"),
        (Aim(10), 10.04, "met"),
        (Aim(10), 10.06, "missed"),
        (Aim(0.8, up=True), 0.76, "met"),
        (Aim(0.8, up=True), 0.74, "missed"),
        (Aim(10), None, "not taken"),
        (None, 5.0, "–"),
    ],
)
def test_an_aim_is_met_missed_or_not_taken(aim: Aim | None, value: float | None, verdict: str) -> None:
    assert Row("key", "Figure", "how", aim=aim).verdict(value) == verdict


def test_aims_and_values_are_shown_as_people_write_them() -> None:
    assert str(Aim(0.8, up=True)) == "≥ 0.8"
    assert str(Aim(10)) == "≤ 10"
    assert Row("key", "Figure", "how", "runs/s").shown(1234.56) == "1,234.6 runs/s"
    assert Row("key", "Figure", "how", digits=2).shown(0.5) == "0.50"


def test_what_was_missed_is_named_and_what_was_not_taken_is_no_miss() -> None:
    assert missed({"gate_ratio": 0.5, "gate_p50_ms": 5.0, "gate_rate": 1.0}) == ["Gate rate / floor"]
    assert missed({}) == []


def test_every_figure_has_one_row() -> None:
    keys = [row.key for row in ROWS]
    assert len(keys) == len(set(keys))
    assert {"rss_made_10000", "caught_up_s_10000", "one_more_p99_ms_10000"} <= set(keys)
    assert {1000, 10_000} <= set(Sizes().waiting), "aims are stated for these"


SERVER = """\
# HELP apiserver_request_total Counter of apiserver requests
# TYPE apiserver_request_total counter
apiserver_request_total{CODE="201",component="apiserver",dry_run="",GROUP,resource="actionruns",SUB,verb="POST"} 3
apiserver_request_total{CODE="201",component="apiserver",dry_run="All",GROUP,resource="actionruns",SUB,verb="POST"} 9
apiserver_request_total{CODE="200",component="apiserver",dry_run="",GROUP,resource="actionruns",STATUS,verb="PATCH"} 5
apiserver_request_total{CODE="409",component="apiserver",dry_run="",GROUP,resource="actionruns",STATUS,verb="PATCH"} 2
apiserver_request_total{CODE="200",component="apiserver",dry_run="",GROUP,resource="actionruns",SUB,verb="LIST"} 7
apiserver_request_total{CODE="201",component="apiserver",dry_run="",group="",resource="configmaps",SUB,verb="POST"} 1
apiserver_request_total{CODE="201",component="apiserver",dry_run="",group="e",resource="events",SUB,verb="POST"} 8
apiserver_request_terminations_total{CODE="504",resource="actionruns"} 4
"""
for short, full in {"CODE": "code", "GROUP": 'group="pratique.dev"', "SUB": 'subresource=""'}.items():
    SERVER = SERVER.replace(short, full)
SERVER = SERVER.replace("STATUS", 'subresource="status"')


def test_accepted_writes_are_counted_by_verb_and_resource() -> None:
    assert writes(SERVER) == {"POST actionruns": 3, "PATCH actionruns/status": 5, "POST configmaps": 1}


def test_a_metric_is_added_up_over_the_series_asked_for() -> None:
    assert total(SERVER, "apiserver_request_total", resource="actionruns", verb="PATCH") == 7
    assert total(SERVER, "apiserver_request_total", resource="secrets") == 0
    assert total(SERVER, "nothing") == 0


PATTERN = Pattern(
    gate={
        "spec": {
            "subject": {"kind": "ActionRun", "name": "pattern", "uid": "1-2"},
            "policy": {"deadline": "2026-12-01T00:00:00Z", "escalation": [{"at": "2026-11-30T12:00:00Z"}]},
            "decisions": {"lead": {}},
        }
    },
    waiting={"phase": "WaitingForApproval", "approvals": [{"name": "pattern-lead-12"}]},
    granted={"state": "Approved"},
    ended={"phase": "Succeeded", "approvals": [{"name": "pattern-lead-12"}]},
    made={"metadata": {"name": "pattern", "uid": "9", "labels": {"a": "b"}}},
)
MADE = run("one") | {"metadata": {"name": "one", "uid": "abcdef01-2345-6789"}}


def test_the_bare_client_writes_what_the_operator_would() -> None:
    gate = PATTERN.approval(MADE)
    assert gate["metadata"]["name"] == gate_name(MADE) == "one-lead-abcdef0123"
    assert gate["spec"]["subject"] == {"kind": "ActionRun", "name": "one", "uid": "abcdef01-2345-6789"}
    assert gate["spec"]["policy"] == PATTERN.gate["spec"]["policy"]
    assert "decisions" not in gate["spec"]
    due = PATTERN.approval(MADE, "2027-01-01T00:00:00Z")
    assert due["spec"]["policy"] == {"deadline": "2027-01-01T00:00:00Z"}, "the moments of another deadline are left out"
    assert PATTERN.status(MADE)["approvals"] == [{"name": "one-lead-abcdef0123"}]
    assert PATTERN.status(MADE, ended=True)["phase"] == "Succeeded"
    assert PATTERN.config_map(MADE)["metadata"] == {"name": "one", "labels": {"a": "b"}}
    assert PATTERN.gate["spec"]["subject"]["name"] == "pattern", "the pattern itself is left alone"
    assert PATTERN.waiting["approvals"] == [{"name": "pattern-lead-12"}]


def event(name: str, phase: str | None = None, told: str | None = None, kind: str = "MODIFIED") -> bytes:
    status = {"phase": phase, "notifications": [told], "approvals": [{"name": f"{name}-gate"}]} if phase else None
    return json.dumps(
        {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": "7"}, "status": status}}
    ).encode()


async def test_the_first_sight_of_a_phase_counts_and_marks_are_told_apart() -> None:
    seen = Seen()
    waiter = asyncio.ensure_future(seen.all(["one"], WAITING))
    await asyncio.sleep(0)
    assert seen.took(event("one")) == "7"
    seen.took(event("one", WAITING, "Pending"))
    seen.took(event("one", WAITING, "Sent"))
    seen.took(event("one", WAITING, "Sent", kind="DELETED"))
    assert await waiter == [seen.at["one"][WAITING]]
    assert await seen.first("one", WAITING, SUCCEEDED) == seen.at["one"][WAITING]
    assert seen.marks == 1
    assert seen.gates == {"one": "one-gate"}


async def test_an_end_that_nobody_asked_for_is_said_at_once() -> None:
    seen = Seen()
    waiter = asyncio.ensure_future(seen.first("one", SUCCEEDED))
    await asyncio.sleep(0)
    seen.took(event("one", "Refused"))
    with pytest.raises(UnexpectedEndError, match="one is Refused"):
        await waiter


async def test_a_watch_that_is_lost_lets_nobody_wait() -> None:
    seen = Seen()
    waiter = asyncio.ensure_future(seen.first("one", SUCCEEDED))
    await asyncio.sleep(0)
    with pytest.raises(WatchError, match="too old"):
        seen.took(json.dumps({"type": "ERROR", "object": {"message": "too old"}}).encode())
    seen.lost(WatchError("gone"))
    seen.lost(WatchError("gone twice"))
    with pytest.raises(WatchError, match=r"^gone$"):
        await waiter


async def test_a_waiter_that_gave_up_is_left_alone() -> None:
    seen = Seen()
    with pytest.raises(TimeoutError):
        await seen.first("one", SUCCEEDED, seconds=0)
    seen.took(event("one", SUCCEEDED))
    assert SUCCEEDED in seen.at["one"]


async def test_load_is_so_many_at_a_time_or_so_many_a_second() -> None:
    done: list[int] = []
    at_once = most = 0

    async def work(each: int) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        done.append(each)

    await pool(10, work, width=3)
    assert sorted(done) == list(range(10))
    assert most == 3
    await paced(3, 10_000, work)
    assert sorted(done) == sorted([*range(10), *range(3)])


def test_a_process_has_used_time_and_memory() -> None:
    import os

    assert cpu_seconds(os.getpid()) > 0
    assert 1 < memory_mb(os.getpid()) <= memory_mb(os.getpid(), children=True)


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_table_of_figures_has_what_was_taken_and_every_aim() -> None:
    text = figures_table({"gate_ratio": 0.91, "gate_rate": 300.0})
    assert "| 0.91 | ≥ 0.85 | met |" in text
    assert "| 300.0 runs/s | – | – |" in text
    assert "| – | ≤ 10 ms | not taken |" in text
    assert "Floor" not in text


def test_curves_and_rounds_have_tables() -> None:
    assert "| 1,000 | 99 |" in scale_table([{"waiting": 1000, "rss_made": 99.4}])
    assert "| Gate rate | 10, 12 |" in rounds_table({"gate_rate": [10.2, 11.9]})
    assert "| Floor of it (gate) | 7 |" in rounds_table({"gate_floor": [7.0]})


def test_the_summary_counts_aims() -> None:
    assert summary({"gate_p50_ms": 5.0}) == "All 1 aims of which a figure was taken are met."
    assert summary({"gate_p50_ms": 50.0, "gate_p99_ms": 20.0}) == "1 of 2 aims are met; missed: Gate latency, p50."


def test_the_report_says_what_is_there_and_what_failed() -> None:
    results = Results(
        figures={"gate_rate": 1.0},
        scale=[{"waiting": 10}],
        rounds={"gate_rate": [1.0]},
        notes=["a note"],
        failed={"deadlines": "TimeoutError: "},
    )
    text = readme(results, WHERE, Sizes(), [("scale.svg", "Growth")])
    for part in ("![Growth](scale.svg)", "- a note", "- deadlines did not finish: TimeoutError", "bursts of 1,000"):
        assert part in text
    bare = readme(Results(), WHERE, QUICK, [])
    assert "matplotlib" in bare
    assert "## Notes" not in bare


def test_the_file_of_results_holds_all_and_no_more_digits_than_mean_something() -> None:
    results = Results(figures={"gate_rate": 1.23456789}, samples={"late_s": [0.1, 2]}, notes=["text"])
    found = json.loads(results.to_json(WHERE, QUICK))
    assert found["machine"] == WHERE
    assert found["figures"] == {"gate_rate": 1.2346}
    assert found["samples"] == {"late_s": [0.1, 2]}
    assert found["sizes"]["waiting"] == list(QUICK.waiting)
    assert found["notes"] == ["text"]


def test_the_machine_is_described_without_naming_it() -> None:
    import platform

    found = machine("v1.36.3", "2026-11-24")
    assert found["Kubernetes"] == "v1.36.3"
    assert int(found["cores"]) >= 1
    assert platform.node() not in found.values()


def test_what_fell_since_the_committed_figures_is_said_first(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert committed(file) == ("", {})
    before = {
        "gate_ratio": 0.77,
        "lifecycle_ratio": 0.8,
        "writes_gated": 7.0,
        "gate_rate": 300.0,
        "ended_rss_ratio": 1.0,
    }
    file.write_text(json.dumps({"machine": {"date": "2026-11-25"}, "figures": before}))
    date, figures = committed(file)
    now = {"gate_ratio": 0.68, "lifecycle_ratio": 0.79, "writes_gated": 8.0, "gate_rate": 100.0, "gate_p50_ms": 1.0}
    assert compared(figures, now, date).splitlines() == [
        "2 of 3 ratios and counts fell since the committed figures of 2026-11-25:",
        "  fell  Gate rate / floor: 0.77 → 0.68",
        "  fell  Writes per run with a gate: 7.0 → 8.0",
        "  held  Lifecycle rate / floor: 0.80 → 0.79",
    ]
    better = {"admission_ratio": 0.6, "lifecycle_ratio": 0.9}
    assert compared({"admission_ratio": 0.5, "lifecycle_ratio": 0.8}, better, date).startswith("None of 2")
    assert compared({}, now, "") == "There are no committed figures to compare with."


def test_ended_runs_have_a_table_of_their_own() -> None:
    entries = [{"ended": 10_000.0, "waiting": 200.0, "rss": 90.4, "ready_s": 1.25, "pages": 5.0}]
    assert ended_table(entries).splitlines()[-1] == "| 10,000 | 200 | 90 | 1.2 | – | 5 |"
    results = Results(ended=entries)
    assert "## With the number of ended runs" in readme(results, WHERE, Sizes(), [])
