"""Environment: a namespace with quota, access and isolation that is gone when its time is up."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.conditions import Conditions
from pratique.api.v1alpha1.environment_rules import label_rule, limits_rules, quota_rules, target_rules
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, PrinterColumn, Rule
from pratique.api.v1alpha1.notifications import NotificationRules
from pratique.api.v1alpha1.outbox import Telling
from pratique.api.v1alpha1.scalars import GroupName, Time, Username
from pratique.api.v1alpha1.spelling import DURATION_PATTERN, Duration, NamespaceName, quoted
from pratique.api.v1alpha1.status import WAITING_MESSAGE, Timeline, pending_condition

Quantity = Annotated[
    str,
    Field(
        max_length=32,
        description="A Kubernetes quantity such as 500m, 4 or 8Gi.",
    ),
]
Quantities = dict[Annotated[str, Field(max_length=128)], Quantity]


class EnvironmentPhase(StrEnum):
    """Where an Environment stands."""

    PENDING = "Pending"
    CREATING = "Creating"
    ACTIVE = "Active"
    EXPIRING = "Expiring"
    DELETING = "Deleting"
    EXPIRED = "Expired"
    FAILED = "Failed"


class Isolation(StrEnum):
    """Who may reach the namespace's pods."""

    ISOLATED = "Isolated"
    OPEN = "Open"


class PodSecurity(StrEnum):
    """The Pod Security Standard that is enforced."""

    RESTRICTED = "restricted"
    BASELINE = "baseline"
    PRIVILEGED = "privileged"


class AccessRole(StrEnum):
    """The built-in ClusterRoles that may be given inside the namespace."""

    VIEW = "view"
    EDIT = "edit"
    ADMIN = "admin"


class TargetNamespace(ApiModel):
    """The namespace to make. One that exists already is never taken over."""

    name: Annotated[NamespaceName, Field(description="Name of the namespace.")]
    labels: Annotated[
        dict[Annotated[str, Field(max_length=317)], Annotated[str, Field(max_length=63)]],
        Field(max_length=16, description="Labels to add; not of kubernetes.io, k8s.io or pratique.dev."),
    ] = {}

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!(self.name in ['default', 'pratique-system']) && !self.name.startsWith('kube-')",
            message="name must not be default, pratique-system or start with kube-",
            field_path=".name",
        ),
        Rule(
            rule="!has(self.labels) || self.labels.all(k, !k.contains('kubernetes.io/') && !k.contains('k8s.io/')"
            " && !k.contains('pratique.dev/'))",
            message="labels of kubernetes.io, k8s.io and pratique.dev are not free to set",
            field_path=".labels",
        ),
        label_rule(),
    )


class Limits(ApiModel):
    """The LimitRange of the namespace, for containers."""

    default: Annotated[Quantities, Field(max_length=8, description="Limits of a container that sets none.")] = {}
    default_request: Annotated[
        Quantities, Field(max_length=8, description="Requests of a container that sets none.")
    ] = {}
    max: Annotated[Quantities, Field(max_length=8, description="The most a container may ask for.")] = {}

    cel_rules: ClassVar[tuple[Rule, ...]] = limits_rules()


class Access(ApiModel):
    """One RoleBinding in the namespace."""

    user: Annotated[Username | None, Field(description="A user name; either this or group.")] = None
    group: Annotated[GroupName | None, Field(description="A group name; either this or user.")] = None
    role: Annotated[AccessRole, Field(description="view, edit or admin.")] = AccessRole.EDIT

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(rule="has(self.user) != has(self.group)", message="give either user or group"),
        Rule(
            rule="!has(self.group) || !self.group.startsWith('system:')",
            message="groups of the system cannot be given access",
            field_path=".group",
        ),
        Rule(
            rule="!has(self.user) || !self.user.startsWith('system:')"
            " || self.user.matches('^system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+$')",
            message="users of the system cannot be given access, but for a ServiceAccount, named in full:"
            " system:serviceaccount:NAMESPACE:NAME",
            field_path=".user",
        ),
    )


class Target(ApiModel):
    """What is made."""

    namespace: Annotated[TargetNamespace, Field(description="The namespace.")]
    quota: Annotated[Quantities, Field(max_length=32, description="ResourceQuota of the namespace (spec.hard).")] = {}
    limits: Annotated[Limits | None, Field(description="LimitRange of the namespace.")] = None
    isolation: Annotated[
        Isolation,
        Field(
            description="Isolated: pods are reached from the same namespace only, and may reach out; Open: no policy."
        ),
    ] = Isolation.ISOLATED
    pod_security: Annotated[PodSecurity, Field(description="The Pod Security Standard that is enforced.")] = (
        PodSecurity.RESTRICTED
    )
    access: Annotated[
        list[Access],
        Field(
            max_length=16,
            description="Who may work in it.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = []

    cel_rules: ClassVar[tuple[Rule, ...]] = (*quota_rules(), *target_rules())


class EnvironmentSpec(ApiModel):
    """A namespace for a while."""

    ttl: Annotated[Duration, Field(description="How long it lives, from its creation; raising it extends it.")]
    max_ttl: Annotated[Duration | None, Field(alias="maxTTL", description="ttl may never pass this.")] = None
    requested_by: Annotated[
        Username | None, Field(description="For whom it is; they are told of its end, and may end it.")
    ] = None
    protected: Annotated[
        bool | None,
        Field(
            description="While true it is neither deleted nor ended, until maxTTL at most; set by who holds the RBAC verb"
            " protect."
        ),
    ] = None
    warnings: Annotated[
        list[Duration],
        Field(
            max_length=5,
            description="How long before the end to warn, once each; none that is longer than ttl.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = ["30m"]
    target: Annotated[Target, Field(description="What is made.")]
    notifications: NotificationRules = []

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(rule="self.ttl != '0s'", message="ttl must be longer than 0s", field_path=".ttl"),
        Rule(
            rule=f"!has(self.maxTTL) || !self.ttl.matches({quoted(DURATION_PATTERN)})"
            f" || !self.maxTTL.matches({quoted(DURATION_PATTERN)})"
            " || DURATION_SECONDS(self.ttl) <= DURATION_SECONDS(self.maxTTL)",
            message="ttl is longer than maxTTL allows",
            field_path=".ttl",
        ),
    )


class EnvironmentStatus(Telling):
    """What became of it. Written by the operator only."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last acted on.")] = 0
    phase: Annotated[EnvironmentPhase, Field(description="Where it stands.")] = EnvironmentPhase.PENDING
    message: Annotated[str, Field(max_length=2048, description="One sentence.")] = ""
    namespace: Annotated[str | None, Field(max_length=63, description="The namespace that was made.")] = None
    namespace_uid: Annotated[
        str | None, Field(max_length=64, alias="namespaceUID", description="Its uid; only this one is ever deleted.")
    ] = None
    expires_at: Annotated[Time | None, Field(description="When it ends.")] = None
    warned: Annotated[
        list[Duration], Field(max_length=8, description="The warnings that were given for this expiresAt.")
    ] = []
    timeline: Timeline = []
    conditions: Conditions = []


class Environment(KubeObject):
    """Environment is a namespace with quota, access and isolation that is gone when its time is up."""

    plural: ClassVar[str] = "environments"
    singular: ClassVar[str] = "environment"
    short_names: ClassVar[tuple[str, ...]] = ("env", "envs")
    scope: ClassVar[Literal["Cluster", "Namespaced"]] = "Namespaced"
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn(name="Namespace", json_path=".spec.target.namespace.name", description="The namespace."),
        PrinterColumn(name="Phase", json_path=".status.phase", description="Where it stands."),
        PrinterColumn(name="TTL", json_path=".spec.ttl", description="How long it lives."),
        PrinterColumn(name="Expires", json_path=".status.expiresAt", description="When it ends."),
        PrinterColumn(name="For", json_path=".spec.requestedBy", description="For whom it is."),
        PrinterColumn(name="Message", json_path=".status.message", description="One sentence.", priority=1),
        PrinterColumn(name="Age", type="date", json_path=".metadata.creationTimestamp", description="Age."),
    )
    default_status: ClassVar[dict[str, Any]] = {
        "phase": "Pending",
        "message": WAITING_MESSAGE,
        "conditions": [pending_condition("Ready")],
    }

    kind: Literal["Environment"] = "Environment"
    spec: EnvironmentSpec
    status: EnvironmentStatus = EnvironmentStatus()
