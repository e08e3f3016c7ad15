"""What can go wrong with the control plane, each with a sentence for the person at the keyboard.

The message always ends with what to do. The CLI prints it without a traceback; tests see it as it is.
"""


class ControlPlaneError(Exception):
    """Something about the control plane failed; the message says what, and what to do."""


class MissingToolError(ControlPlaneError):
    """A program is neither there nor can it be made here."""


class BuildError(ControlPlaneError):
    """A build from source failed."""


class StartError(ControlPlaneError):
    """A server did not come up."""


class PortTakenError(StartError):
    """Somebody else took the port between choosing and using it: worth another attempt."""


class KubectlError(ControlPlaneError):
    """A kubectl command failed that had to succeed."""
