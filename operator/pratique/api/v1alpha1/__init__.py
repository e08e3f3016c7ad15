"""`pratique.dev/v1alpha1`: the six kinds as pydantic models; `crds/` is generated from them by `tools.codegen`."""

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.delegation import Delegation
from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.meta import API_VERSION, GROUP, VERSION
from pratique.api.v1alpha1.notification_channel import NotificationChannel

KINDS: tuple[type[Action | ActionRun | Approval | Delegation | Environment | NotificationChannel], ...] = (
    Action,
    ActionRun,
    Approval,
    Delegation,
    Environment,
    NotificationChannel,
)

__all__ = [
    "API_VERSION",
    "GROUP",
    "KINDS",
    "VERSION",
    "Action",
    "ActionRun",
    "Approval",
    "Delegation",
    "Environment",
    "NotificationChannel",
]
