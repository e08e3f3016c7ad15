"""What types of channels share: references to Secrets, and how the address of a person is made."""

from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.common import ApiModel, ObjectName


class SecretKeyRef(ApiModel):
    """One key of a Secret in the operator's namespace; no other namespace can be named."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]
    key: Annotated[
        str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$", description="Key in the Secret.")
    ]


class SecretRef(ApiModel):
    """A Secret in the operator's namespace, with keys that are fixed."""

    name: Annotated[ObjectName, Field(description="Name of the Secret in the operator's namespace.")]


AddressFrom = Annotated[
    str | None,
    Field(
        max_length=320,
        pattern=r"^(Username|[A-Za-z0-9._+-]*\$\{user\}[A-Za-z0-9._+-]*@[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)$",
        description="The e-mail address of a person who is not in the directory: Username, if user names are addresses,"
        " or a template such as ${user}@example.com.",
    ),
]
