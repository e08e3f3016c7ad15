"""Options that several commands of people share, and those of `pratique away` and `pratique back`: light, for `main`."""

import argparse
import os
import re
from datetime import UTC, datetime, timedelta

from pratique.api.v1alpha1.scalars import duration_of
from pratique.api.v1alpha1.spelling import DURATION_PATTERN

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONGEST = timedelta(days=3650)


def namespace(text: str) -> str:
    """Return the name of a namespace."""
    if not _NAMESPACE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a namespace")
    return text


def length_of_time(text: str) -> timedelta:
    """Return how long a text says."""
    if not re.fullmatch(DURATION_PATTERN, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not one number and one unit, such as 90s, 15m, 24h, 3d or 2w")
    try:
        length = duration_of(text)
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is too long: {_LONGEST.days}d at most")
    return length


def moment(text: str) -> datetime:
    """Return a moment in whole seconds: one with an offset or Z, or so long from now."""
    if re.fullmatch(DURATION_PATTERN, text):
        return (datetime.now(UTC) + length_of_time(text)).replace(microsecond=0)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no moment: write one with Z or an offset, such as 2026-12-24T18:00Z, or how long from now: 10d"
        )
    return found.astimezone(UTC).replace(microsecond=0)


def _absence_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG, as kubectl")
    command.add_argument("--context", help="default: the current context of the kubeconfig")
    command.add_argument(
        "-n",
        "--namespace",
        action="append",
        type=namespace,
        default=[],
        help="where to write into open gates as well; may be repeated; default: in all namespaces",
    )


def away_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `pratique away`."""
    command.set_defaults(run=_away)
    command.add_argument("--to", required=True, metavar="USER", help="who decides for you, by their user name")
    command.add_argument(
        "--until",
        required=True,
        type=moment,
        help="a moment such as 2026-12-24T18:00Z, or how long from now: 10d; 60 days at most",
    )
    command.add_argument(
        "--from", dest="begin", type=moment, metavar="WHEN", help="from when on, written as --until; default: at once"
    )
    command.add_argument("--reason", default="", help="why, for your colleagues; everybody may read it")
    _absence_options(command)


def back_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `pratique back`."""
    command.set_defaults(run=_back)
    command.add_argument("--all", action="store_true", help="end also what has not begun yet")
    _absence_options(command)


def talk_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `pratique ask` and `pratique answer`."""
    command.set_defaults(run=_talk)
    command.add_argument("approval", help="the gate, by its name, as `pratique inbox` and messages have it")
    command.add_argument(
        "text", help="what you ask or answer: 512 letters at most; everybody who sees the gate reads it"
    )
    command.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG, as kubectl")
    command.add_argument("--context", help="default: the current context of the kubeconfig")
    command.add_argument("-n", "--namespace", type=namespace, help="default: the context's namespace")


def _talk(options: argparse.Namespace) -> int:
    from pratique.cli.talk import run  # noqa: PLC0415 - each command loads what it needs

    return run(options)


def _away(options: argparse.Namespace) -> int:
    from pratique.cli.away import away  # noqa: PLC0415 - see above

    return away(options)


def _back(options: argparse.Namespace) -> int:
    from pratique.cli.away import back  # noqa: PLC0415 - see above

    return back(options)
