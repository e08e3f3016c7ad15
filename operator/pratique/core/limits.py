"""The limits against abuse that are ours; how long a text or a list may be stands with its field in `api/`. Pure data."""

MAX_INPUT_BYTES = 65536
"""Of `spec.inputs` of a run, as JSON."""
MAX_INPUT_DEPTH = 12
MAX_INPUT_VALUES = 1000
MAX_SCHEMA_BYTES = 65536
"""Of an Action's form, as JSON."""
MAX_SCHEMA_DEPTH = 32
MAX_TEMPLATE_DEPTH = 32
OPEN_RUNS_PER_REQUESTER = 50
"""Runs of one person that are not at an end, in the whole cluster, unless `--open-runs-per-requester` says otherwise."""
MAX_METADATA_LENGTH = 327680
"""Of the metadata of a run or an Environment, as text: Kubernetes' own 256 KiB of annotations, and a little. Labels and
managedFields have no limit of their own, and an object that is full has no room for its status."""
MAX_PLAN_BYTES = 262144
"""Of all rendered objects of a plan, and of all outputs of a run, as JSON."""
