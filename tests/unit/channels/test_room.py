"""What of a message a receiver takes is built, and hardly more."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.builders.messages import requested
from tests.support.generated import examples

from pratique.channels import teams
from pratique.channels.kit.room import ROOMS, build_fitting, fitted
from pratique.channels.slack import blocks
from pratique.core.telling.messages import Message

LIMIT = 12_000


def measured(lines: list[str]) -> int:
    return len(json.dumps(lines))


def split(message: Message, cut: bool) -> list[str]:
    return [message.text, *(line for _, text in message.facts for line in text.split("\n")), "cut" * cut]


def test_a_plan_of_thousands_of_lines_is_not_built_to_be_thrown_away() -> None:
    built: list[int] = []

    def build(message: Message, cut: bool) -> list[str]:
        built.append(len(split(message, cut)))
        return split(message, cut)

    told = replace(requested(), facts=(("Plan", "\n".join(f"Create ConfigMap a/{at}" for at in range(20_000))),))
    assert build_fitting(told, build, measured, LIMIT)[-1] == "cut"
    assert len(built) == 1 and built[0] < 400


@given(st.lists(st.text("ab\n語", max_size=9000), max_size=4))
@examples(50)
def test_it_is_what_trying_each_room_in_turn_comes_to(texts: list[str]) -> None:
    told = replace(requested(), facts=tuple(("Plan", text) for text in texts))
    for build, limit in ((blocks._blocks, blocks.MAX_CHARS), (teams._envelope, teams.MAX_BYTES)):
        all_of_it = [build(shown := fitted(told, room), shown != told) for room in ROOMS]
        ascii_only = build is teams._envelope
        fits = [each for each in all_of_it if len(json.dumps(each, ensure_ascii=ascii_only)) <= limit]
        payload = teams.payload(told) if ascii_only else blocks.content(told)["blocks"]
        assert payload == (fits or all_of_it[-1:])[0]
