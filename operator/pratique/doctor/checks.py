"""Decides what of an installation is wrong, and what to do about it. Pure: all it knows is in the Facts.

A check is one function and one line in `CHECKS`, under what was read for it: what could not be read is not judged. It says
of what is well that it is, too.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pratique.admission.expected import without_prose
from pratique.admission.webhook import CONFIGURATION
from pratique.core.kernel.text import clean
from pratique.doctor.argo_cd import judge_argo_cd
from pratique.doctor.facts import Facts, Standing
from pratique.doctor.findings import Finding, Level
from pratique.doctor.leaders import judge_leaders, judge_replicas
from pratique.guarding.record import key_of, shown, unlike

Check = Callable[[Facts], list[Finding]]
_OLDEST, _STAMPING = (1, 30), (1, 36)
_GROUP = "pratique.dev"
_LONGEST = 400
_GAP = "gap"


def check(facts: Facts) -> list[Finding]:
    """Return what every check found, in order, and what could not be read."""
    unseen = dict(facts.unseen)
    found = [finding for subject, each in CHECKS if subject not in unseen for finding in each(facts)]
    return found + [
        Finding(Level.UNKNOWN, what, f"could not be read: {clean(why, _LONGEST)}", "run it as a cluster-admin")
        for what, why in unseen.items()
    ]


def _server(facts: Facts) -> list[Finding]:
    found = re.match(r"v?(\d+)\.(\d+)", facts.server)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _OLDEST:
        text = f"{facts.server} has no admission policies that can guard"
        return [Finding(Level.PROBLEM, "API server", text, "update Kubernetes to 1.30 or later")]
    if facts.webhook_stamps and version >= _STAMPING:
        return [
            Finding(
                Level.WARNING,
                "API server",
                f"{facts.server} could stamp requests by itself; a webhook does",
                "install the chart again for this version, and the webhook goes: docs/guides/older-clusters.md",
            )
        ]
    return [_ok("API server", f"{facts.server}; {'a webhook' if facts.webhook_stamps else 'policies'} stamp requests")]


def _version(facts: Facts) -> list[Finding]:
    if facts.deployment is None:
        return []
    running = facts.deployment["metadata"].get("labels", {}).get("app.kubernetes.io/version", "")
    if running and running != facts.version:
        where = f"kubectl exec -n {facts.namespace} deploy/{facts.deployment['metadata']['name']} -- pratique doctor"
        text = f"the operator is of version {running}, this command of {facts.version}: it knows only what its own installs"
        return [Finding(Level.WARNING, "version", text, f"run the operator's own: {where}")]
    return [_ok("version", f"{facts.version}, as the operator")]


def _guard(facts: Facts) -> list[Finding]:
    wrong = [text for expected, live in facts.guards if (text := _differs(expected, live)) is not None]
    remedy = "install what this version needs: helm upgrade, or kubectl apply --server-side -f deploy/install.yaml"
    found = [Finding(Level.PROBLEM, "guard", clean(each, _LONGEST), remedy) for each in wrong]
    if gap := facts.record.get(_GAP):
        text = f"the operator decides nothing, since the guard had a gap: {clean(gap, _LONGEST)}"
        found.append(Finding(Level.PROBLEM, "guard", text, "mend what is named here; it goes on by itself"))
    elif not facts.record and facts.guards:
        text = "there is no record of the guard yet: no operator has seen everything in order"
        found.append(Finding(Level.WARNING, "guard", text, "start the operator, and look into its log"))
    whole = f"{len(facts.guards)} policies, bindings and CRDs are as version {facts.version} installs them"
    return found or ([_ok("guard", whole)] if facts.guards else [])


def _differs(expected: dict[str, Any], live: dict[str, Any] | None) -> str | None:
    return f"{shown(key_of(expected))} is missing" if live is None else unlike(expected, without_prose(live))


def _rights(facts: Facts) -> list[Finding]:
    if facts.denied:
        text = f"the operator's ServiceAccount may not: {', '.join(facts.denied)}"
        remedy = "bind the roles that the chart installs (helm upgrade), and look for what removed them"
        return [Finding(Level.PROBLEM, "rights", text, remedy)]
    return (
        [] if any(what == "rights" for what, _ in facts.unseen) else [_ok("rights", "the operator has what it needs")]
    )


def _others(facts: Facts) -> list[Finding]:
    """Say who else may change our objects while they are admitted: what was stamped by policies may be overwritten."""
    hooks = [
        (f"MutatingWebhookConfiguration {each['metadata']['name']}", f"webhook {hook['name']}")
        for each in facts.webhooks
        if each["metadata"]["name"] != CONFIGURATION
        for hook in each.get("webhooks") or ()
        if _reaches(hook.get("rules") or ()) and not _excepted(hook)
    ]
    policies = [
        (f"MutatingAdmissionPolicy {each['metadata']['name']}", "it")
        for each in facts.policies
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "pratique"
        and _reaches((each["spec"].get("matchConstraints") or {}).get("resourceRules") or ())
    ]
    remedy = (
        f"leave the API group {_GROUP} out of its rules, or by a matchCondition: request.resource.group != '{_GROUP}'"
    )
    found = [
        Finding(Level.WARNING, "others", f"{name}: {part} may change requests and Approvals as they are stored", remedy)
        for name, part in (*hooks, *policies)
    ]
    return found or [_ok("others", "no webhook or policy of others changes our objects")]


def _reaches(rules: Iterable[dict[str, Any]]) -> bool:
    return any({"*", _GROUP} & set(rule.get("apiGroups") or ()) for rule in rules)


def _excepted(hook: dict[str, Any]) -> bool:
    return any(_GROUP in each.get("expression", "") for each in hook.get("matchConditions") or ())


def _channels(facts: Facts) -> list[Finding]:
    if not _of(facts, "channel"):
        text = "there is no NotificationChannel: people hear of requests by Kubernetes Events and in their inbox only"
        return [Finding(Level.WARNING, "channels", text, "make one: docs/guides/notifications.md")]
    return _judge(_of(facts, "channel"), "channels")


def _actions(facts: Facts) -> list[Finding]:
    return _judge(_of(facts, "action"), "actions") if _of(facts, "action") else []


def _of(facts: Facts, kind: str) -> list[Standing]:
    return [each for each in facts.standings if each.kind == kind]


def _judge(standings: Sequence[Standing], together: str) -> list[Finding]:
    """Say which of these do not work, in the operator's own words, or that all do."""
    bad = [each for each in standings if each.ready != "True" or not each.is_seen]
    return [_bad(each) for each in bad] or [_ok(together, f"all {len(standings)} work")]


def _bad(each: Standing) -> Finding:
    about = f"{each.kind} {each.name}"
    if not each.is_seen or not each.ready:
        text = "the operator has not seen its latest change"
        return Finding(Level.WARNING, about, text, "wait a moment; if it stays so, look at the leader")
    level = Level.PROBLEM if each.ready == "False" else Level.WARNING
    return Finding(level, about, clean(each.message, _LONGEST), "mend the field that is named")


def _ok(about: str, text: str) -> Finding:
    return Finding(Level.OK, about, text)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("API server", _server),
    ("deployment", _version),
    ("deployment", judge_replicas),
    ("leader", judge_leaders),
    ("guard", _guard),
    ("rights", _rights),
    ("others", _others),
    ("channels", _channels),
    ("actions", _actions),
    ("Argo CD", judge_argo_cd),
)
