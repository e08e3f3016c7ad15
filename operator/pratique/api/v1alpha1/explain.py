"""What is said of why an object failed, beyond what it says itself."""

from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel


class Explain(ApiModel):
    """What is said beside the failure of an object that has pods: how their containers ended, and why they wait, always."""

    logs: Annotated[
        int,
        Field(
            ge=0,
            le=50,
            description="How many of the last lines of the failed container's log, at most 1 KB: whoever may read the run"
            " reads them. Only of pods below objects that the run makes; the account needs get on pods/log.",
        ),
    ] = 0
