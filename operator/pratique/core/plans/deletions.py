"""Says what goes, for people who have to decide. Pure."""

from pratique.api.v1alpha1.planned import PlannedDeletion
from pratique.core.kernel.effects import ObjectRef
from pratique.core.kernel.text import clean
from pratique.core.plans.summary import MAX_LINE


def ref_of_deletion(planned: PlannedDeletion) -> ObjectRef:
    """Return which object goes."""
    goes = planned.delete
    return ObjectRef(goes.api_version, goes.kind, goes.name, goes.namespace)


def line_of_deletion(planned: PlannedDeletion) -> str:
    """Return the line of a deletion in a plan; what its dry run could not show is said there."""
    line = f"Delete {ref_of_deletion(planned)}"
    why = planned.dry_run.message if planned.dry_run is not None else ""
    return clean(f"{line} (not checked yet: {why})" if why else line, MAX_LINE)
