"""The step `delete`: which object goes, as Actions write it and as plans hold it."""

from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel

_MAX_TEMPLATE = 1024


class ObjectToDelete(ApiModel):
    """One object by its name. In a plan it is the same, with its templates rendered."""

    api_version: Annotated[str, Field(min_length=1, max_length=128, description="apiVersion of the object.")]
    kind: Annotated[str, Field(min_length=1, max_length=128, description="Kind of the object.")]
    namespace: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=_MAX_TEMPLATE,
            description="Its namespace, with ${CEL} over `inputs`, `run`, `action`; left out where its kind has none.",
        ),
    ] = None
    name: Annotated[
        str,
        Field(
            min_length=1, max_length=_MAX_TEMPLATE, description="Its name, with ${CEL} over `inputs`, `run`, `action`."
        ),
    ]
