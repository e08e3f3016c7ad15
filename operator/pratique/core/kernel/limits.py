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
SHORTEST_NOTICE = 600
"""Seconds that an Environment has left at least when its ttl is lowered: so nobody's namespace goes without a warning."""
MAX_METADATA_LENGTH = 327680
"""Of the metadata of a run or an Environment, as text: Kubernetes' own 256 KiB of annotations, and a little. Labels and
managedFields have no limit of their own, and an object that is full has no room for its status."""
MAX_EXCLUDED = 32
"""User names that the rule of one stage excludes; the gate holds who decided in earlier stages as well."""
MAX_OFFERED = 500
"""Objects that one field of a form offers."""
MAX_OFFERED_BYTES = 2 * 1024 * 1024
"""Of what all fields of a form offer together, as JSON: it is held in memory, and travels to the sandbox."""
LEAST_OFFERED_BYTES = 1024
"""As which an object counts at least: four expressions for each of two thousand take a third of the sandbox's time."""
MAX_OBJECTS = 32
"""And calls, of a plan: an Action has at most half as many entries, and some may be made several times."""
EFFECT_ROUNDS = 32 + 8 * MAX_OBJECTS
"""Of effects in one look: an object needs at most four of its own (found, tried, changed, judged), one after the other."""
MAX_PLAN_BYTES = 131072
"""Of a plan, as JSON: objects, inputs, expressions, gate. An object may have 1.5 MiB, with all records of its fields."""
MAX_OUTPUT_BYTES = 32768
"""Of all outputs of a run, as JSON."""
MAX_LINE_BYTES = 1024
"""Of a line of a timeline, and of a message in the outbox, as UTF-8: there may be many."""
