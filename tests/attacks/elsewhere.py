"""Attacks that need an operator, or more than one request: where each is proven, and what is seen there."""

from tests.attacks.model import Attack, Proven
from tests.attacks.world import MAG

_PLAN = "tests/integration/test_plan.py"
_AUTHOR = "tests/integration/test_hostile_author.py"
_STORY = "tests/integration/test_story.py"
_BEHALF = "tests/integration/test_on_behalf.py"
_GUARD = "tests/integration/test_guard.py"
_APPROVALS = "tests/crds/test_identity_approvals.py"


def seen(slug: str, point: int, who: str, what: str, test: str, sentence: str, peer: str = "") -> Attack:
    """Return an attack that is proven elsewhere."""
    return Attack(slug, point, who, what, None, Proven(test, sentence), peer=peer)


ATTACKS = [
    seen(
        "forged-grant",
        8,
        "admin",
        "the policy on status is taken away, and Approved is written into a gate",
        f"{_PLAN}::test_a_forged_grant_starts_nothing_and_is_put_right",
        "nothing starts; the status is put right",
    ),
    seen(
        "forged-plan",
        5,
        "admin",
        "the policy on status is taken away, and the plan of a waiting run is exchanged",
        f"{_PLAN}::test_a_forged_plan_is_not_what_was_approved",
        "the run ends as Superseded; nothing is made",
    ),
    seen(
        "forged-start",
        1,
        "admin",
        "the policy on status is taken away, and a run is said to be under way",
        f"{_PLAN}::test_a_run_that_is_forged_to_be_under_way_makes_nothing",
        "nothing is made",
    ),
    seen(
        "forged-freedom",
        1,
        "admin",
        "the policy on status is taken away, and the gate is written out of the plan",
        f"{_PLAN}::test_a_gate_that_is_forged_out_of_a_plan_frees_nothing",
        "nothing is made",
    ),
    seen(
        "edited-action",
        4,
        "author",
        "an author takes the gate off an Action while a run waits at it",
        f"{_PLAN}::test_an_edited_action_does_not_touch_what_waits",
        "the run waits on, at the gate as it was",
    ),
    seen(
        "remade-action",
        5,
        "author",
        "an author deletes the Action and makes another of its name while a run waits",
        f"{_PLAN}::test_superseded_by_an_action_that_was_made_again",
        "the run ends as Superseded",
    ),
    seen(
        "planted-object",
        5,
        "namespace-admin",
        "somebody makes an object under the name that a waiting run will make",
        f"{_PLAN}::test_superseded_by_an_object_of_somebody_elses_under_that_name",
        "the run ends as Superseded",
    ),
    seen(
        "changed-value",
        5,
        "namespace-admin",
        "somebody changes the object that an approved patch is about",
        f"{_PLAN}::test_superseded_by_a_value_that_changed_meanwhile",
        "the run ends as Superseded",
    ),
    seen(
        "namesake",
        5,
        "namespace-admin",
        "somebody puts a namesake in the place of the object that is to be patched",
        f"{_PLAN}::test_superseded_by_a_namesake_of_the_object",
        "the run ends as Superseded",
    ),
    seen(
        "stored-approval",
        5,
        "developer",
        "an approval is kept for later, when nobody remembers it",
        f"{_PLAN}::test_superseded_by_an_approval_that_was_not_used_in_time",
        "the run ends as Superseded",
    ),
    seen(
        "read-by-plan",
        6,
        "author",
        "an author has the plan show an object that the account may not read",
        f"{_PLAN}::test_what_the_account_may_not_read_is_in_no_plan",
        "the plan holds only what the template sets",
    ),
    seen(
        "wake-for-nothing",
        6,
        "developer",
        "a developer asks for what the API server will refuse",
        f"{_PLAN}::test_what_the_api_server_refuses_wakes_no_approver",
        "the run fails at once; nobody is asked",
    ),
    seen(
        "beyond-the-account",
        7,
        "author",
        "an author writes templates beyond the rights of the account",
        f"{_AUTHOR}::test_beyond_the_accounts_rights_the_api_server_says_no",
        "the API server's own refusal, verbatim",
    ),
    seen(
        "names-that-lead-elsewhere",
        7,
        "author",
        "an author names kinds, names and namespaces that lead elsewhere",
        f"{_AUTHOR}::test_what_would_lead_elsewhere_is_held_with_the_field",
        "the run is held, with the field",
    ),
    seen(
        "leaked-secret",
        7,
        "author",
        "an author has a Secret shown in outputs, messages or the plan",
        f"{_AUTHOR}::test_a_secret_that_the_account_may_read_is_shown_to_nobody",
        "it is shown to nobody",
    ),
    seen(
        "input-as-template",
        17,
        "developer",
        "a developer sends an expression as an input",
        "tests/integration/test_bad_input.py::test_input_is_data_and_never_a_template",
        "it stays text",
    ),
    seen(
        "eaten-memory",
        17,
        "author",
        "an author writes an expression that eats memory",
        "tests/integration/test_bad_input.py::test_an_expression_that_eats_memory_holds_its_own_run_and_no_other",
        "its own run is held, and no other",
    ),
    seen(
        "withdrawn-gate",
        4,
        "developer",
        "the requester deletes the waiting run, so that its gate returns as pending",
        f"{_STORY}::test_deleting_a_waiting_run_withdraws_it",
        "the gate ends as Withdrawn",
        MAG,
    ),
    seen(
        "timeout-as-decline",
        15,
        "developer",
        "nobody answers, and it looks as if somebody had said no",
        f"{_STORY}::test_unanswered_is_expired_and_not_declined",
        "the run ends as Expired",
        MAG,
    ),
    seen(
        "submitter-decides",
        2,
        "robot",
        "a pipeline decides what it asked for on somebody's behalf",
        f"{_BEHALF}::test_the_submitter_does_not_decide_either",
        "you cannot decide your own request",
    ),
    seen(
        "unbound-policy",
        9,
        "admin",
        "cluster-admin deletes a policy or its binding, and forges a decision meanwhile",
        f"{_GUARD}::test_what_is_gone_is_noticed_and_nothing_that_was_forged_counts",
        "it is noticed; the gate is opened again, empty",
    ),
    seen(
        "reset-managed-fields",
        15,
        "lead-1",
        "an approver resets the managed fields in the patch that decides",
        f"{_APPROVALS}::test_a_reset_of_managed_fields_hides_nothing",
        "the time is that of the request",
    ),
    seen(
        "namespace-goes",
        4,
        "admin",
        "the whole namespace is deleted, with its pending gate",
        f"{_APPROVALS}::test_a_namespace_with_a_pending_gate_can_go",
        "it goes, and so does the run: nothing is made",
    ),
    seen(
        "shared-manager",
        4,
        "lead-2",
        "an approver applies with a colleague's field manager, which drops the colleague's decision",
        f"{_APPROVALS}::test_server_side_apply_needs_a_manager_of_ones_own",
        "a decision, once recorded, cannot be changed or removed (server-side apply needs a field manager of your own:"
        " --field-manager=$USER)",
    ),
    seen(
        "weakened-policy",
        9,
        "admin",
        "cluster-admin weakens a policy or a CRD, and forges a decision meanwhile",
        f"{_GUARD}::test_what_is_weakened_is_noticed_and_named",
        "it is noticed, and named",
    ),
    seen(
        "crowd-of-runs",
        17,
        "developer",
        "a developer asks for two hundred things at once, so that nobody else is served",
        "tests/integration/test_open_runs.py::test_of_a_burst_as_many_are_held_as_may_be",
        "as many are held as one person may have open; the others are refused",
    ),
    seen(
        "hostile-expressions",
        17,
        "author",
        "twenty Actions hold expressions that eat time and memory",
        "tests/integration/test_hostile_cost.py::test_twenty_hostile_actions_cost_an_innocent_run_seconds",
        "an innocent run is a few seconds late",
    ),
    seen(
        "pipeline-asks",
        14,
        "robot",
        "a ServiceAccount asks where the Action does not say that machines may",
        "tests/integration/test_rbac_guide.py::test_a_pipeline",
        "the run is refused",
    ),
]
