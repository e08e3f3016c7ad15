"""Attacks on dry runs: to have one run after all, and to have the operator remove what is a record."""

from tests.attacks.denials import RUN_MARKS, crd, not_your_record, not_yours_to_delete, one_shot
from tests.attacks.model import Attack, Twin, delete, patch

DELETE_ANSWERED = Twin("developer", "deletes it", delete("actionruns/answered"))
TIDY = Twin("operator", "deletes a dry run that was answered", delete("actionruns/answered"))
NEVER_RUNS = crd(
    "actionruns", "a dry run never waits and never runs: its phase is Pending, Succeeded, Refused or Failed"
)

ATTACKS = (
    Attack(
        "dry-run-in-earnest",
        5,
        "developer",
        "the requester makes a request of a dry run that was answered",
        patch("actionruns/answered", {"spec": {"dryRun": False}}),
        one_shot("dryRun"),
        DELETE_ANSWERED,
        behind=(RUN_MARKS,),
    ),
    Attack(
        "dry-run-in-earnest-as-admin",
        5,
        "admin",
        "cluster-admin takes dryRun out before the operator has looked",
        patch("actionruns/dry", {"spec": {"dryRun": None}}),
        one_shot("dryRun"),
        DELETE_ANSWERED,
        behind=(RUN_MARKS,),
    ),
    Attack(
        "dry-run-runs-by-status",
        8,
        "operator",
        "the operator's own account, in any version, writes that a dry run runs",
        patch("actionruns/dry/status", {"status": {"phase": "Running"}}),
        NEVER_RUNS,
        Twin("operator", "writes the answer", patch("actionruns/dry/status", {"status": {"phase": "Succeeded"}})),
    ),
    Attack(
        "dry-run-waits-by-status",
        8,
        "operator",
        "the operator's own account writes that an answered dry run waits for people",
        patch("actionruns/answered/status", {"status": {"phase": "WaitingForApproval"}}),
        NEVER_RUNS,
        Twin("operator", "writes the answer", patch("actionruns/dry/status", {"status": {"phase": "Succeeded"}})),
    ),
    Attack(
        "operator-deletes-record",
        16,
        "operator",
        "the operator's own account deletes a run that has ended and was meant",
        delete("actionruns/done"),
        not_your_record("Succeeded"),
        TIDY,
    ),
    Attack(
        "operator-deletes-unanswered",
        16,
        "operator",
        "the operator's own account deletes a dry run before it was answered",
        delete("actionruns/dry"),
        not_yours_to_delete("Pending"),
        TIDY,
    ),
)
