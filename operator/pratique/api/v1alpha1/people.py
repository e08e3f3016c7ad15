"""Who asks, for whom, and as which account; and what the name of a person or a group may be."""

from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import GroupName, Username
from pratique.api.v1alpha1.spelling import NamespaceName, ObjectName

MAX_GROUPS = 1024
"""Of one person: Active Directory puts 1,015 into a token at most, others fewer."""

ONE_NAME = (
    r"n.trim() != '' && n.trim() == n && !n.matches('\\p{C}') && (n.contains('=') || !n.matches('[,;]\\s|@.*[,;].*@'))"
)
"""CEL: whether `n` is the name of one user or group. With `=` it is a distinguished name, which has commas."""
ONE_NAME_SENTENCE = (
    "is one name, without blanks around it, invisible characters or a comma between two; write one entry for each"
)


class Requester(ApiModel):
    """Who asked, as the API server authenticated them."""

    username: Annotated[Username, Field(description="The authenticated user name.")]
    groups: Annotated[list[GroupName], Field(max_length=MAX_GROUPS, description="The authenticated groups.")] = []


class OnBehalfOf(ApiModel):
    """The person for whom a submitter, such as a GitOps controller, asks."""

    username: Annotated[Username, Field(description="Their user name, as the API server knows them.")]

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!self.username.startsWith('system:')",
            message="onBehalfOf names a person: user names of the system (system:…) are none",
            field_path=".username",
        ),
    )


class ServiceAccountRef(ApiModel):
    """A ServiceAccount, named in full."""

    namespace: Annotated[NamespaceName, Field(description="Namespace of the ServiceAccount.")]
    name: Annotated[ObjectName, Field(description="Name of the ServiceAccount.")]

    @property
    def username(self) -> str:
        """The user name that the API server gives this ServiceAccount."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


class People(ApiModel):
    """Users and groups."""

    users: Annotated[
        list[Username],
        Field(max_length=32, description="User names.", json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = []
    groups: Annotated[
        list[GroupName],
        Field(max_length=32, description="Group names.", json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = []
