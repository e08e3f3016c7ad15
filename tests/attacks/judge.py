"""Whether an answer is the one that an attack is to get, and how it is written down. Pure."""

import re
from typing import Any

from tests.attacks.model import Attack, Denial, Seen, Shows
from tests.support.http import Reply

_MOMENT = re.compile(r"(is not an approver of \S+ at )\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def timeless(message: str) -> str:
    """Return a message with TIME in place of the time of the request, which is another one each time."""
    return _MOMENT.sub(r"\1TIME", message)


def at(body: Any, path: str) -> Any:
    """Return what is at a path of an answer; None if there is nothing."""
    node = body
    for part in path.split("/") if "/" in path else path.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def gives(reply: Reply, answer: Denial | Shows) -> bool:
    """Whether it is this answer, and no other."""
    if isinstance(answer, Shows):
        found = at(reply.body, answer.path)
        return reply.ok and (answer.value.holds(found) if isinstance(answer.value, Seen) else found == answer.value)
    if reply.ok:
        return False
    if answer.by.startswith("pratique-"):
        told = f"ValidatingAdmissionPolicy '{answer.by}' with binding '{answer.by}' denied request: {answer.told}"
        return timeless(reply.message).endswith(told)
    return answer.told in reply.message


def stopped_by(attack: Attack) -> str:
    """Return what the table calls the one who stops it."""
    by = attack.answer.by or "API server"
    if by.startswith("crd/"):
        return f"rule of the CRD {by.removeprefix('crd/')}"
    if isinstance(attack.answer, Shows) and by.startswith("pratique-"):
        return f"`{by}` (stamp)"
    return f"`{by}`" if by.startswith("pratique-") else by


def written(attack: Attack, reply: Reply | None) -> str:
    """Return the answer as the table holds it: the sentence, or what an accepted request left behind."""
    match attack.answer:
        case Shows(path=path, value=value):
            shown = value.text if isinstance(value, Seen) else "nothing" if value is None else f"`{value}`"
            return f"accepted; `{path.replace('/', '.')}` is {shown}"
        case Denial(by=by) if by.startswith("pratique-") and reply is not None:
            return timeless(reply.message).partition("denied request: ")[2]
        case Denial() if reply is not None:
            return reply.message.partition("\n")[0]  # RBAC goes on with what is missing, one line per rule
        case answer:
            return getattr(answer, "sentence", "")
