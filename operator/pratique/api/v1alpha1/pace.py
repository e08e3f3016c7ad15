"""When and how fast a channel is used: quiet hours, digests and rates. Part of NotificationChannel."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.spelling import DURATION_PATTERN, Duration, TimeOfDay, ZoneName, quoted


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"


class QuietHours(ApiModel):
    """When nobody is to be disturbed: messages wait until it is over, and those that would be of no use then do not."""

    time_zone: Annotated[ZoneName, Field(description="Such as Europe/Berlin.")]
    start: Annotated[TimeOfDay, Field(description="When quiet begins, as 20:00; every day.")]
    end: Annotated[TimeOfDay, Field(description="When it ends, as 07:30; the next day if that is before `start`.")]
    days: Annotated[
        list[Weekday],
        Field(
            max_length=6,
            description="Days that are quiet as a whole, as Saturday and Sunday.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = []

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="self.start != self.end", message="start and end are the same: this would be no hour, or all of them"
        ),
    )


class Digest(ApiModel):
    """Collect what can wait, and send it together."""

    every: Annotated[Duration, Field(description="How long is collected, 15m to 7d: 1h sends at each full hour, UTC.")]

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=f"!self.every.matches({quoted(DURATION_PATTERN)})"
            " || self.every.matches(r'^((1[5-9]|[2-9][0-9]|[1-9][0-9]{2})m"
            "|([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h|[1-7]d|1w)$')",
            message="every must be 15m to 7d",
            field_path=".every",
        ),
    )


class RateLimit(ApiModel):
    """At most so many messages in so much time; more wait for their turn."""

    messages: Annotated[int, Field(ge=1, le=10000, description="How many messages.")]
    per: Annotated[Duration, Field(description="In how much time, such as 1m.")] = "1m"

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(rule="self.per != '0s'", message="per must be longer than 0s", field_path=".per"),
    )
