"""What types of channels share: references to Secrets, and how the address of a person is made."""

from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.spelling import AddressTemplate, ObjectName, SecretKey


class SecretKeyRef(ApiModel):
    """One key of a Secret in the operator's namespace; no other namespace can be named."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]
    key: Annotated[SecretKey, Field(description="Key in the Secret.")]


class SecretRef(ApiModel):
    """A Secret in the operator's namespace, with keys that are fixed."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]


AddressFrom = Annotated[
    AddressTemplate | None,
    Field(
        description="The e-mail address of a person who is not in the directory: Username, if user names are addresses,"
        " or a template such as ${user}@example.com.",
    ),
]
