"""Looks at the objects in which approvers are found, and says what is in the way of believing them. Pure.

They are read as the Action's account. Who asks must not be able to write one: they could name their own approver. That is
asked of the API server for everybody who asks, and a yes refuses the request, whatever the object says. Called by `runs`.
"""

from collections.abc import Iterator, Sequence

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.core.execution.targets import Unfit
from pratique.core.kernel.effects import Failure, Json, ObjectRef, Outcomes
from pratique.core.kernel.looking import Asker, LookAtSource, SourceSeen, key_of

SOURCE = "source"
_ANYBODY = ("system:authenticated",)
"""The groups of a person who did not send the request: which others they are in, the API server did not say."""


def look_at_sources(
    run: ActionRun, account: ServiceAccountRef, wanted: Sequence[ObjectRef], outcomes: Outcomes
) -> tuple[LookAtSource, ...] | Failure | Unfit | dict[str, Json]:
    """Return the objects by their keys, or the effects that must come first; a Failure is no answer."""
    asking = tuple(_askers(run))
    looks = [
        LookAtSource(f"{SOURCE}/{key_of(ref)}", ref, run.metadata.namespace or "", account.username, asking)
        for ref in wanted
    ]
    todo = tuple(look for look in looks if look.outcome(outcomes) is None)
    if todo:
        return todo
    found, failed = dict[str, Json](), list[Failure | Unfit]()
    for look in looks:
        seen = _judge(look, account, look.outcome(outcomes))
        if isinstance(seen, Failure | Unfit):
            failed.append(seen)
        else:
            found[key_of(look.ref)] = seen
    # no answer to one is no answer to all, and a verdict about one is a verdict
    return next((each for each in failed if isinstance(each, Unfit)), None) or next(iter(failed), found)


def _askers(run: ActionRun) -> Iterator[Asker]:
    requester, person = run.spec.requested_by, run.spec.on_behalf_of
    if requester is not None:
        yield Asker(requester.username, tuple(requester.groups))
    if person is not None:
        yield Asker(person.username, _ANYBODY)


def _judge(look: LookAtSource, account: ServiceAccountRef, seen: SourceSeen | Failure | None) -> Json | Failure | Unfit:
    """Return the object, or why it cannot be believed."""
    where = "spec.approval: who may approve is looked up in"
    if not isinstance(seen, SourceSeen):
        failure = seen or Failure("Unknown", "there is no answer", transient=True)
        return failure if failure.transient else Unfit(f"{where} {look.ref}: {failure.message}", failure)
    if seen.power is not None:
        why = f"{seen.power.username} asks and may {seen.power.verb}, so they could name their own approver"
        return Unfit(
            f"{where} {seen.ref}, and {why}: let somebody ask who may not, or take another object in the Action"
        )
    found, who = seen.found, f"as ServiceAccount {account.namespace}/{account.name}"
    if not isinstance(found, Failure):
        return found.object
    if found.transient:
        return found
    if found.reason == "NotFound":
        return Unfit(f"{where} {seen.ref}, which is not there ({who})", found)
    return Unfit(f"{where} {seen.ref}, which could not be read ({who}): {found.message}", found)
