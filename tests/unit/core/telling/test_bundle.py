"""A digest: one message of several, in their order, with what each says and how to decide."""

from dataclasses import replace
from datetime import timedelta

from tests.builders.messages import declined, expiring, requested
from tests.builders.models import NOW

from pratique.api.v1alpha1.notifications import EventType
from pratique.core.telling.bundle import MAX_COMMANDS, bundle


def test_says_what_each_of_them_says() -> None:
    late = replace(expiring(), at=NOW + timedelta(hours=1))
    digest = bundle([late, requested(), declined()], NOW + timedelta(hours=9))
    assert digest.event is EventType.DIGEST
    assert digest.headline == "What happened meanwhile: 3 messages"
    assert digest.text == "1 × Approval needed, 1 × Declined, 1 × Environment ends soon"
    assert [label for label, _ in digest.facts] == [requested().headline, declined().headline, late.headline]
    assert [text for _, text in digest.facts] == [requested().text, declined().text, late.text]
    assert [label for label, _ in digest.how_to_decide] == ["Approve team-a/ten-days", "Decline team-a/ten-days"]
    assert digest.at == NOW + timedelta(hours=9)
    assert "group platform-leads" not in digest.audience.users
    assert digest.audience.groups == ("platform-leads",) and digest.audience.users == ("developer@example.com",)


def test_the_same_messages_have_the_same_id_in_any_order() -> None:
    messages = [requested(), declined(), expiring()]
    assert bundle(messages, NOW).id == bundle(messages[::-1], NOW).id != bundle(messages[:2], NOW).id


def test_the_lines_to_copy_are_bounded() -> None:
    many = [replace(requested(), id=str(at)) for at in range(20)]
    assert len(bundle(many, NOW).how_to_decide) == MAX_COMMANDS
