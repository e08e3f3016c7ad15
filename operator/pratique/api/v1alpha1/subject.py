"""What an Approval is about: an ActionRun, or what its creator says in words."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.meta import WRITTEN, ApiModel, Rule


class Subject(ApiModel):
    """What is being decided: an ActionRun, or, where there is none, what its creator says in words."""

    kind: Annotated[
        Literal["ActionRun"] | None, Field(description="Kind of the object that waits; none without a run.")
    ] = None
    # the API server fills these in, since version 0.1.0 cannot list a gate in which they are missing
    name: Annotated[
        str,
        Field(max_length=253, description="Its name; it is in the same namespace.", json_schema_extra={WRITTEN: True}),
    ] = ""
    uid: Annotated[str, Field(max_length=64, description="Its uid.", json_schema_extra={WRITTEN: True})] = ""
    title: Annotated[
        str | None, Field(max_length=200, description="Without a run: what is to be decided, in one line.")
    ] = None
    url: Annotated[
        str | None,
        Field(
            max_length=1024,
            description="Without a run: where more of it is read, such as the page of the pipeline.",
        ),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!has(self.kind) || (self.name != '' && self.uid != '' && !has(self.title) && !has(self.url))",
            message="a subject of kind ActionRun has a name and a uid, and neither title nor url",
        ),
        Rule(
            rule="has(self.kind) || (has(self.title) && self.title.matches('[^\\\\s]'))",
            message="subject needs a title: what is to be decided, in one line",
            reason="FieldValueRequired",
            field_path=".title",
        ),
        Rule(
            rule=r"!has(self.url) || self.url.matches('^https?://[^\\s]+$')",
            message="url is a link without blanks, and begins with https:// or http://",
            field_path=".url",
        ),
    )
