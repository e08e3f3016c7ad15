"""Freeze: from when until when an Action starts nothing. A field of Action."""

from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import Time


class Freeze(ApiModel):
    """A time in which nothing starts: people ask and decide as ever, and what is granted waits for its end."""

    from_: Annotated[
        Time, Field(alias="from", description="Its first moment, RFC 3339: 2026-12-24T00:00:00Z, or with +01:00.")
    ]
    until: Annotated[Time, Field(description="Its end: from this moment on runs start again.")]
    reason: Annotated[str, Field(max_length=256, description="What it is for; who waits reads it.")] = ""

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="self.from < self.until",
            message="a freeze ends after it has begun: set until to a later moment than from",
            field_path=".until",
        ),
    )
