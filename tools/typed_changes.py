"""A plugin of mypy: `amend(model, field=value)` is checked against the fields of that very model, names and types alike.

Pydantic's own `model_copy(update={…})` is checked by nobody: a misspelt key vanishes, a value of a wrong type reaches the
wire. So nothing but `amend` calls it (tests/unit/api/test_amend.py), and here mypy learns what `amend` takes, in the way
in which it knows `dataclasses.replace`.
"""

from collections.abc import Callable

from mypy.nodes import ARG_NAMED_OPT, ARG_POS, ArgKind
from mypy.plugin import FunctionSigContext, Plugin
from mypy.typeops import map_type_from_supertype
from mypy.types import FunctionLike, Instance, ProperType, Type, TypeVarType, get_proper_type

AMEND = "pratique.api.v1alpha1.meta.amend"
_FIELDS = "pydantic-mypy-metadata"


class TypedChanges(Plugin):
    """Gives each call of `amend` the signature of the model that it gets."""

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """Return what makes the signature, for `amend` alone."""
        return _signature if fullname == AMEND else None


def _signature(context: FunctionSigContext) -> FunctionLike:
    """Return `amend` with the model's fields as keywords; as it is written where there is not one model to be seen."""
    given = context.default_signature
    if not context.args or not context.args[0]:
        return given
    whole = get_proper_type(context.api.get_expression_type(context.args[0][0]))
    model = _model_of(whole)
    if model is None:
        context.api.fail("amend: the type of the model is not known here, so nothing can be checked", context.context)
        return given
    fields = _fields_of(model)
    kinds: list[ArgKind] = [ARG_POS, *[ARG_NAMED_OPT] * len(fields)]
    return given.copy_modified(
        arg_types=[whole, *fields.values()],
        arg_kinds=kinds,
        arg_names=[None, *fields],
        ret_type=whole,
        variables=(),
    )


def _model_of(type_: ProperType) -> Instance | None:
    """Return the model, or the one that a type variable is bound to."""
    if isinstance(type_, TypeVarType):
        return _model_of(get_proper_type(type_.upper_bound))
    return type_ if isinstance(type_, Instance) and _FIELDS in _metadata(type_) else None


def _metadata(model: Instance) -> set[str]:
    return {key for base in model.type.mro for key in base.metadata}


def _fields_of(model: Instance) -> dict[str, Type]:
    """Return the type of each field of the model, its bases' included."""
    found: dict[str, Type] = {}
    for base in reversed(model.type.mro):
        for name in base.metadata.get(_FIELDS, {}).get("fields", {}):
            symbol = model.type.get(name)
            if symbol is not None and symbol.type is not None:
                found[name] = map_type_from_supertype(symbol.type, model.type, base)
    return found


def plugin(version: str) -> type[Plugin]:
    """Return the plugin, as mypy asks for it."""
    return TypedChanges
