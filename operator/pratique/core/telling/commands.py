"""The lines for a shell that people copy from messages and the inbox: a patch of an Approval, or a new request. Pure."""

import json
import shlex
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.scalars import format_time

YOU = "YOUR-USER-NAME"
_ASKED = ("actionRef", "targetRef", "inputs", "reason")
_LONGEST, _LONGEST_NAME = 1024, 180


def decision_command(
    approval: Approval, verdict: str, username: str = YOU, kubectl: str = "kubectl", principal: str | None = None
) -> str:
    """Return the line for a shell that decides, for somebody else if a principal is named."""
    return command(approval.metadata.name, approval.metadata.namespace, verdict, username, kubectl, principal)


def command(
    gate: str,
    namespace: str | None,
    verdict: str,
    username: str,
    kubectl: str = "kubectl",
    principal: str | None = None,
) -> str:
    """Return the line for a shell that decides in a gate of this name."""
    place = f'"for":{_quoted(principal)},' if principal is not None else ""
    entry = f'{{"verdict":"{verdict}",{place}"comment":"…"}}'
    return _patch(gate, namespace, f'{{"spec":{{"decisions":{{{_quoted(username)}:{entry}}}}}}}', kubectl)


def delegation_command(approval: Approval, username: str, until: datetime, kubectl: str = "kubectl") -> str:
    """Return the line for a shell that names a stand-in, whose name goes in place of the dots."""
    entry = f'{{"to":"…","until":"{format_time(until)}"}}'
    patch = f'{{"spec":{{"delegations":{{{_quoted(username)}:{entry}}}}}}}'
    return _patch(approval.metadata.name, approval.metadata.namespace, patch, kubectl)


def talk_command(approval: Approval, username: str = YOU, kubectl: str = "kubectl") -> str:
    """Return the line for a shell that asks or answers: what is said goes in place of the dots."""
    patch = f'{{"spec":{{"messages":{{{_quoted(username)}:{{"text":"…"}}}}}}}}'
    return _patch(approval.metadata.name, approval.metadata.namespace, patch, kubectl)


def _quoted(username: str) -> str:
    """Return a user name as JSON. What does not show is written as escapes: the line must be copied as it stands."""
    return json.dumps(username, ensure_ascii=not username.isprintable())


def _patch(gate: str, namespace: str | None, patch: str, kubectl: str) -> str:
    """Return the line that sends a patch. Kubernetes names need no quoting; a user name may hold anything."""
    return f"{kubectl} patch approval {gate} -n {namespace} --type merge -p {shlex.quote(patch)}"


def consent_command(approval: Approval, answer: str, username: str, kubectl: str = "kubectl") -> str:
    """Return the line for a shell by which who asks accepts a counter-offer, or rejects it."""
    patch = f'{{"spec":{{"consent":{{"answer":"{answer}","by":{_quoted(username)}}}}}}}'
    return _patch(approval.metadata.name, approval.metadata.namespace, patch, kubectl)


def offer_command(approval: Approval, username: str, kubectl: str = "kubectl", principal: str | None = None) -> str:
    """Return the line for a shell that offers something else: values go in place of the dots."""
    offer = approval.spec.policy.counter_offer
    first = next(iter(sorted(offer.inputs)), "") if offer is not None else ""
    place = f'"for":{_quoted(principal)},' if principal is not None else ""
    entry = f'{{"verdict":"Offer",{place}"proposal":{{{_quoted(first)}:"…"}},"comment":"…"}}'
    patch = f'{{"spec":{{"decisions":{{{_quoted(username)}:{entry}}}}}}}'
    return _patch(approval.metadata.name, approval.metadata.namespace, patch, kubectl)


_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>@[]`&"}
"""What is special in the markup of some service, as JSON writes it: here alone a command holds what people wrote."""


def ask_again_command(run: ActionRun, kubectl: str = "kubectl") -> str:
    """Return the line for a shell by which who asked asks for the same again; nothing where it would be too long.

    Where a submitter asked for them, they ask through that one.
    """
    if run.spec.on_behalf_of is not None:
        return ""
    spec = {key: value for key, value in run.spec.to_wire().items() if key in _ASKED and value}
    metadata = {"generateName": f"{run.metadata.name[:_LONGEST_NAME]}-", "namespace": run.metadata.namespace}
    manifest = {"apiVersion": run.api_version, "kind": run.kind, "metadata": metadata, "spec": spec}
    text = json.dumps(manifest, separators=(",", ":")).translate(_ESCAPED)
    line = f"printf %s {shlex.quote(text)} | {kubectl} create -f -"
    return line if len(line) <= _LONGEST else ""
