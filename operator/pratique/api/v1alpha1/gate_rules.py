"""The rules of the spec of an Approval that need neither the caller nor the time: its own, and those of its maps."""

from pratique.api.v1alpha1.counter_offer import CONSENT_RULES
from pratique.api.v1alpha1.decisions import DECISION_RULES
from pratique.api.v1alpha1.delegations import DELEGATION_RULES
from pratique.api.v1alpha1.meta import Rule
from pratique.api.v1alpha1.said import MESSAGE_RULES

GATE_RULES: tuple[Rule, ...] = (
    Rule(
        rule="!has(self.subject.kind) || (has(self.plan) && has(self.action) && has(self.stage))",
        message="a gate of a run names its action, its stage and its plan",
    ),
    Rule(
        rule="has(self.policy.deadline) || (has(self.purpose) && self.purpose == 'Review')",
        message="a gate needs spec.policy.deadline: without one it would be open for ever",
        reason="FieldValueRequired",
        field_path=".policy",
    ),
    Rule(
        rule="!has(self.purpose) || self.purpose != 'Review' || (has(self.subject.kind) && has(self.policy.due) &&"
        " !has(self.policy.deadline) && !has(self.policy.breakGlass))",
        message="a review is of a run, and has policy.due in place of a deadline: it ends when somebody signs it or"
        " objects, and no glass is broken in it",
    ),
    *DECISION_RULES,
    *DELEGATION_RULES,
    *CONSENT_RULES,
    *MESSAGE_RULES,
)
