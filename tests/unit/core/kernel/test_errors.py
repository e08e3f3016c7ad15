"""Every exception of the package is in the tree of `core/kernel/errors.py`, below the one that the tree says."""

import importlib
import inspect
import pkgutil
import re

from tests.support.certain import certain

import pratique
from pratique.core.kernel import errors
from pratique.core.kernel.errors import PratiqueError

_LINE = re.compile(r"^( *)- (\w+): .+$", re.MULTILINE)


def written() -> dict[str, str]:
    """Return each exception of the page with the one above it."""
    found: dict[str, str] = {}
    above = ["Exception"]
    for indent, name in _LINE.findall(errors.__doc__ or ""):
        above[len(indent) // 4 + 1 :] = []
        found[name] = above[-1]
        above.append(name)
    return found


def raised() -> dict[str, str]:
    """Return each exception of the package with its base."""
    modules = [
        importlib.import_module(each.name)
        for each in pkgutil.walk_packages(pratique.__path__, "pratique.")
        if not each.name.endswith("__main__")
    ]
    found = {
        thing
        for module in modules
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, BaseException) and thing.__module__.startswith("pratique.")
    }
    assert [each.__name__ for each in found if not issubclass(each, PratiqueError)] == []
    return {each.__name__: certain(each.__base__).__name__ for each in found}


def test_the_tree_is_that_of_the_code() -> None:
    assert written() == raised()
