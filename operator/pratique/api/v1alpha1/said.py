"""What people ask and answer in a gate before anybody decides: each under their own user name."""

from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import Time

MAX_TALKERS = 16
"""People who say something in one gate."""
MAX_SAYINGS = 8
"""What one of them may say."""
MAX_TEXT = 512


class EarlierSaying(ApiModel):
    """What one person said before."""

    text: Annotated[str, Field(max_length=MAX_TEXT, description="What they said.")]
    at: Annotated[Time | None, Field(description="When, by the API server's clock.")] = None


class Saying(ApiModel):
    """What one person asks or answers. You write text; the API server the rest, and keeps what you said before."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT, description="What you ask, or answer.")]
    at: Annotated[Time | None, Field(description="Set by the API server: leave it out.")] = None
    history: Annotated[
        list[EarlierSaying] | None,
        Field(
            max_length=MAX_SAYINGS - 1,
            description="What you said before, oldest first. Set by the API server as you say more: leave it out.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None

    @property
    def all(self) -> tuple["EarlierSaying | Saying", ...]:
        """What they said, oldest first."""
        return (*(self.history or ()), self)


MESSAGE_RULES: tuple[Rule, ...] = (
    Rule(
        rule="!has(self.messages) || self.messages.all(k, size(k) <= 253)",
        message="a user name in messages may have 253 characters at most",
        field_path=".messages",
    ),
    Rule(
        rule="!has(self.messages) || self.messages.all(k, self.messages[k].text.matches('[^\\\\s]'))",
        message="a message says something: spec.messages[you].text is blank",
        field_path=".messages",
    ),
    Rule(
        # the second layer: it holds while the policy is gone, too
        rule="!has(oldSelf.messages) || (has(self.messages) && oldSelf.messages.all(k, k in self.messages &&"
        " (!has(oldSelf.messages[k].history) || (has(self.messages[k].history) &&"
        f" {list(range(MAX_SAYINGS - 1))}.all(i, i >= oldSelf.messages[k].history.size() ||"
        " (i < self.messages[k].history.size() &&"
        " self.messages[k].history[i] == oldSelf.messages[k].history[i]))))))",
        message="what was said stays: say something else, and it comes after it (server-side apply needs a field manager of"
        " your own: --field-manager=$USER)",
        reason="FieldValueForbidden",
        field_path=".messages",
    ),
)
"""The rules of `spec.messages` that need neither the caller nor the time: on the spec of an Approval."""
