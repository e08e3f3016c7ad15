"""What the doctor says of shards: which has no leader, and that processes of another number are there."""

from dataclasses import replace
from datetime import timedelta

from tests.builders.models import NOW
from tests.unit.doctor.test_doctor_checks import SOUND, deployment

from pratique.core.operating.sharding import Shard
from pratique.doctor.checks import check
from pratique.doctor.facts import Facts, Leader
from pratique.doctor.findings import Finding

ALIVE = Leader("p1_a", NOW - timedelta(seconds=2), 10)
SILENT = Leader("p2_b", NOW - timedelta(seconds=60), 10)
TWO = Leader("shards-of-2_layout", NOW - timedelta(seconds=2), 10)


def said(facts: Facts, about: str) -> list[tuple[str, str]]:
    def shown(each: Finding) -> tuple[str, str]:
        return str(each.level), each.text

    return [shown(each) for each in check(facts) if each.about == about]


def test_all_lead() -> None:
    facts = replace(SOUND, leader=TWO, shards=((Shard(1, 2), ALIVE), (Shard(2, 2), ALIVE)))
    assert said(facts, "leader") == [("ok", "p1_a"), ("ok", "p1_a")]
    assert said(facts, "shards") == []


def test_one_has_no_leader() -> None:
    facts = replace(SOUND, leader=TWO, shards=((Shard(1, 2), None), (Shard(2, 2), SILENT)))
    assert said(facts, "leader") == [
        (
            "problem",
            "no process leads: nothing of the namespaces of shard 1/2 is decided, told or ended"
            " (Lease pratique-system/pratique-1-of-2)",
        ),
        (
            "problem",
            "p2_b has led and is silent for 60 s: nothing of the namespaces of shard 2/2 is decided, told or ended",
        ),
    ]


def test_none_acts() -> None:
    facts = replace(SOUND, leader=None, shards=((Shard(1, 2), None), (Shard(2, 2), None)))
    assert [level for level, _ in said(facts, "leader")] == ["problem", "problem"]
    assert said(facts, "shards") == []


def test_another_number_is_there() -> None:
    three = tuple((Shard(number, 3), None) for number in (1, 2, 3))
    facts = replace(SOUND, leader=TWO, shards=((Shard(1, 2), ALIVE), (Shard(2, 2), ALIVE), *three))
    assert said(facts, "leader") == [("ok", "p1_a"), ("ok", "p1_a")]
    text = "there are processes for 2 and 3 shards: those of one number act, the others stand by"
    assert said(facts, "shards") == [("warning", text)]
    alone = replace(facts, leader=Leader("pratique-x_1", NOW, 10), shards=three)
    assert said(alone, "leader") == [("ok", "pratique-x_1")]
    assert said(alone, "shards") == [("warning", text.replace("2 and 3", "1 and 3"))]


def test_each_deployment_is_judged() -> None:
    names = [deployment(2), deployment(1)]
    for number, each in enumerate(names, 1):
        each["metadata"]["name"] = f"pratique-{number}"
    assert said(replace(SOUND, deployments=tuple(names)), "replicas") == [
        ("ok", "2 of 2 of pratique-1 are ready"),
        ("warning", "1 of 2 of pratique-2 are ready"),
    ]
