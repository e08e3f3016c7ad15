"""START HERE: judges a request by its Action: what its form is, what refuses it, who must agree, what exactly would run.

One pure function, behind the operator, dry runs and `pratique test` alike, so that none of them can answer differently. It
runs inside the sandbox only, since it evaluates other people's expressions. An EvaluationError is never a verdict: it
leaves the run held.
"""

from collections.abc import Mapping

from pratique.api.v1alpha1.action import Action, RequireReason
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.stages import Stage
from pratique.core.judging.choices import Listed, Offered, chosen_of, offers_of, refuse_choices, without_values_of
from pratique.core.judging.computed import (
    Worked,
    before_computing,
    is_computed,
    refuse_bounds,
    without_hidden,
    work_out,
)
from pratique.core.judging.copies import refuse_copied_inputs, with_other_word
from pratique.core.judging.expressions import Note, evaluate_condition, has_nul, unnoted
from pratique.core.judging.fields import fields_of, with_offers, with_states
from pratique.core.judging.forms import as_declared, problems_of_inputs, problems_of_schema, with_defaults
from pratique.core.judging.found import People, find_people
from pratique.core.judging.offers import narrow_offers
from pratique.core.judging.policy import freeze_plan, refuse_size, render_resources
from pratique.core.judging.scopes import CHOSEN, scope_of
from pratique.core.judging.stages import find_unsatisfiable, judge_stages
from pratique.core.judging.targets import refuse_ref, refuse_target
from pratique.core.kernel.effects import Evaluation, Json
from pratique.core.kernel.errors import (
    EvaluationError,
    LifetimeError,
    NamedByRequesterError,
    NotThereError,
    UnsendableError,
)
from pratique.core.kernel.form import FormField
from pratique.core.kernel.identity import NOT_STAMPED, askers, is_service_account, person_of
from pratique.core.kernel.looking import Sources
from pratique.core.kernel.text import clean
from pratique.core.telling.wording import say_found


def judge(
    action: Action,
    run: ActionRun,
    note: Note = unnoted,
    target: Json | None = None,
    listed: Listed | None = None,
    kept: str = "",
    sources: Sources | None = None,
) -> Evaluation:
    """Return the form, and what would run with its gates or the sentences that refuse it; or raise EvaluationError.

    A run is what was filled in and by whom; it need not be sent yet. `target` is the live object that it acts on, `listed`
    are those that its form offers, as expressions may see them. `note` is told of each field whose expression was
    evaluated: tests of an Action count them. The stage `kept` is asked whatever its condition says. `sources` are the
    objects in which people are found: as long as one is lacking, the answer is which ones are wanted.
    """
    try:
        return _judge(action, run, target, listed or {}, note, kept, sources or {})
    except EvaluationError as error:
        path = error.path if isinstance(error, NotThereError) else ""
        hint = f"; {path} is not there, so ask has({path}) first" if path.startswith(("target.", "chosen.")) else ""
        raise EvaluationError(f"Action {action.metadata.name}, {error}{hint}") from None


def _judge(
    action: Action,
    run: ActionRun,
    target: Json | None,
    listed: Listed,
    note: Note,
    kept: str,
    sources: Sources,
) -> Evaluation:
    if run.spec.requested_by is None:
        raise EvaluationError(f"run: {NOT_STAMPED}")
    if mistaken := refuse_ref(action, run):
        return Evaluation(refusals=(mistaken,))
    form = action.spec.inputs
    if unsound := problems_of_schema(form.schema_):
        raise EvaluationError(unsound[0])
    if has_nul([run.spec.inputs, run.spec.reason]):
        return Evaluation(refusals=("spec: holds the character NUL, which no expression can read: leave it out",))
    inputs = with_defaults(form.schema_, run.spec.inputs)
    scope = scope_of(action, run, inputs, target)
    if unfit := refuse_target(action, scope, note):
        return Evaluation(refusals=(unfit,))
    computed = any(is_computed(each) for each in form.fields.values())
    if computed and (problems := problems_of_inputs(before_computing(action), inputs)):
        return Evaluation(tuple(problems), fields=fields_of(form.schema_, inputs, form.fields))
    worked = _work_out(action, run.spec.inputs, scope, note) if computed else Worked(inputs)
    inputs, schema = worked.inputs, without_hidden(form.schema_, worked.hidden)
    scope["inputs"] = as_declared(form.schema_, inputs)
    fields = with_states(fields_of(schema, inputs, form.fields), worked)
    if unfilled := worked.refusals or tuple(problems_of_inputs(schema, inputs)):
        return Evaluation(unfilled, fields=fields)
    bounds = refuse_bounds(action, worked, scope, note)
    fields = with_states(fields, worked, bounds)
    if bounds.refusals:
        return Evaluation(bounds.refusals, fields=fields)
    offered = offers_of(action, listed, scope, note)
    fields = with_offers(fields, offered)
    if problems := refuse_choices(action, inputs, offered):
        return Evaluation(tuple(problems), fields=fields)
    chosen = chosen_of(inputs, offered)
    if action.spec.inputs.offers:
        scope[CHOSEN] = chosen
    with without_values_of(chosen):
        return _decide(action, run, inputs, scope, offered, fields, note, kept, sources)


def _work_out(action: Action, given: Json, scope: Json, note: Note) -> Worked:
    """Work the computed fields out; of values of a Secret nothing may come of it."""
    worked, hidden_otherwise = work_out(action, given, scope, note), with_other_word(scope)
    if hidden_otherwise is not None:
        refuse_copied_inputs(worked.inputs, work_out(action, given, hidden_otherwise, unnoted).inputs)
    return worked


def _decide(
    action: Action,
    run: ActionRun,
    inputs: Json,
    scope: Json,
    offered: Mapping[str, Offered],
    fields: tuple[FormField, ...],
    note: Note,
    kept: str,
    sources: Sources,
) -> Evaluation:
    """Judge a form that is filled in properly: by the rules across its fields, by people, and by what it would make."""
    broken = [
        rule.message
        for index, rule in enumerate(action.spec.inputs.rules)
        if not evaluate_condition(rule.rule, scope, f"spec.inputs.rules[{index}].rule", note)
    ]
    unasked = frozenset(each.name for each in fields if each.disabled or not each.visible)
    gates = narrow_offers(judge_stages(action, scope, note, kept), action.spec.inputs.schema_, inputs, unasked)
    refusals = [*_machine(action, run), *broken, *_reason_missing(action, run, gates)]
    people = People(gates)
    if not refusals:  # who is refused anyway has nothing looked up for them
        people = find_people(action, gates, scope, sources, askers(run.spec), note)
    if people.wanted:
        return Evaluation(fields=fields, wanted=tuple(people.wanted))
    refusals += people.refusals or _unsatisfiable(action, run, people)
    if refusals:
        return Evaluation(tuple(refusals), fields=fields)
    try:
        steps = render_resources(action, run, scope, note)
    except (LifetimeError, NamedByRequesterError, UnsendableError) as error:
        return Evaluation((str(error),), fields=fields)
    if not steps.planned:
        nothing = "With these inputs there is nothing to do: every resource's `when` is false, or its forEach is empty"
        return Evaluation((nothing,), fields=fields)
    plan = freeze_plan(action, inputs, people, steps, scope, note, offered)
    large = refuse_size(plan)
    return Evaluation(plan=plan, fields=fields) if large is None else Evaluation((large,), fields=fields)


def _unsatisfiable(action: Action, run: ActionRun, people: People) -> list[str]:
    """Return why the people whom a rule names, and who were found, could never grant it."""
    problems = find_unsatisfiable(people.stages, askers(run.spec), action.spec.approval.same_person_in_stages)
    named = say_found(source for each in people.found for source in each.sources)
    return [f"{each}; {named}" for each in problems] if named else problems


def _machine(action: Action, run: ActionRun) -> list[str]:
    """Refuse a machine that asks for itself, unless the Action is for machines too; on behalf of a person it may ask."""
    if action.spec.allow_service_accounts or not is_service_account(person_of(run.spec)):
        return []
    return [
        "This Action is for people, and a ServiceAccount asked: let a person ask, or set spec.allowServiceAccounts: true in"
        " the Action, or name the person in spec.onBehalfOf (by submitters that the installation names)"
    ]


def _reason_missing(action: Action, run: ActionRun, gates: list[Stage]) -> list[str]:
    rule = action.spec.inputs.require_reason
    needed = rule is RequireReason.ALWAYS or (rule is RequireReason.ON_APPROVAL and bool(gates))
    return ["spec.reason: is required: say what it is for"] if needed and not clean(run.spec.reason) else []
