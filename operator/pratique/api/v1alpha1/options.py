"""What a field of a form is beyond its schema: the objects to choose from, and what a plan freezes of them."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.scalars import Expression, JsonObject
from pratique.api.v1alpha1.spelling import NamespaceName, ObjectName
from pratique.api.v1alpha1.target import Recheck

MAX_FIELDS = 16
"""Of a form, beyond their schema, whatever they say; a plan holds so many choices."""
CONDITIONS = ("visible", "disabled", "required")
"""What of a field is true or false for a request."""
MAX_CHOSEN = 64
"""Objects that are chosen in one field."""


class OptionSource(ApiModel):
    """Which objects there are to choose from."""

    api_version: Annotated[str, Field(min_length=1, max_length=128, description="apiVersion of the objects: apps/v1.")]
    kind: Annotated[str, Field(min_length=1, max_length=128, description="Kind of the objects: ConfigMap.")]
    namespace: Annotated[
        NamespaceName | None,
        Field(description="Their namespace, if they have one; default: the namespace of the run."),
    ] = None
    all_namespaces: Annotated[
        bool | None, Field(description="True: those of all namespaces; whoever asks must be allowed to list them all.")
    ] = None
    name: Annotated[
        ObjectName | None,
        Field(description="Only the object of this name: whoever asks must be allowed to list no more than that."),
    ] = None
    selector: Annotated[
        dict[str, Annotated[str, Field(max_length=63)]] | None,
        Field(max_length=8, description="Labels that they all have."),
    ] = None


class Options(ApiModel):
    """The objects that there are to choose from, and what of each is the value. Read with the rights of who asks."""

    from_: Annotated[OptionSource, Field(alias="from", description="Which objects: you must hold `list` on them.")]
    entries: Annotated[
        Expression | None,
        Field(
            description="CEL over `object`, `inputs`, `run`, `action` that gives a list: its entries are offered, and not"
            " the object; the others read one as `each`. yaml.decode(object.data['sizes.yaml']) reads a list from a text."
        ),
    ] = None
    filter: Annotated[
        Expression | None,
        Field(description="CEL over `object`, `inputs`, `run`, `action`: which of them are offered; default: all."),
    ] = None
    value: Annotated[
        Expression, Field(description="CEL over `object` and the others: what the input holds if it is chosen.")
    ] = "object.metadata.name"
    label: Annotated[
        Expression | None, Field(description="CEL like value: what people read for it, beside the value.")
    ] = None
    order: Annotated[
        Expression | None,
        Field(description="CEL like value: a number or a text by which they are sorted; default: the label."),
    ] = None


class InputField(ApiModel):
    """One field of the form, beyond its schema."""

    options: Annotated[Options | None, Field(description="The objects that there are to choose from.")] = None
    visible: Annotated[
        Expression | None,
        Field(
            description="CEL over `inputs`, `run`, `action`, `target`: whether it is asked for. If not, a value is refused."
        ),
    ] = None
    disabled: Annotated[
        Expression | None,
        Field(description="CEL like visible: whether it only shows its default; a value is refused then."),
    ] = None
    required: Annotated[Expression | None, Field(description="CEL like visible: whether it has to be filled in.")] = (
        None
    )
    default: Annotated[Expression | None, Field(description="CEL like visible: what it holds if it is left out.")] = (
        None
    )
    minimum: Annotated[
        Expression | None, Field(description="CEL like visible: the least number, or the first date, that it takes.")
    ] = None
    maximum: Annotated[
        Expression | None, Field(description="CEL like visible: the largest number, or the last date, that it takes.")
    ] = None
    pattern: Annotated[
        Expression | None,
        Field(
            description="CEL like visible: a regular expression (RE2) that is found in the text. What people write goes"
            " into one by regex.escape only."
        ),
    ] = None
    help: Annotated[
        Expression | None,
        Field(description="CEL like visible: what people read beside it, in place of the description in the schema."),
    ] = None


class ChosenObject(ApiModel):
    """An object that was chosen."""

    value: Annotated[Any, Field(description="What the input holds for it.")]
    label: Annotated[str, Field(max_length=100, description="What people read for it.")] = ""
    namespace: Annotated[str | None, Field(max_length=63, description="Its namespace, if it has one.")] = None
    name: Annotated[str, Field(max_length=253, description="Its name.")]
    uid: Annotated[str, Field(max_length=64, description="Its uid.")]


class PlannedChoice(ApiModel):
    """What was chosen in one field, and from what."""

    field: Annotated[str, Field(max_length=253, description="Name of the input.")]
    options: Annotated[Options, Field(description="The options, as the Action had them.")]
    chosen: Annotated[list[ChosenObject], Field(max_length=MAX_CHOSEN, description="The objects that were chosen.")]


class PlannedChoices(ApiModel):
    """The very objects that a plan was made from, besides its target."""

    fields: Annotated[list[PlannedChoice], Field(max_length=MAX_FIELDS, description="What was chosen, by field.")]
    rechecks: Annotated[
        list[Recheck] | None, Field(max_length=64, description="What is evaluated again at the start.")
    ] = None
    inputs: Annotated[
        JsonObject | None,
        Field(description="The inputs as conditions see them, where that differs: the form's numbers with a point."),
    ] = None


def texts_of(field: InputField) -> Iterator[tuple[str, str]]:
    """Yield the expressions of a field by what they say of it."""
    for name in (*CONDITIONS, "default", "minimum", "maximum", "pattern", "help"):
        if (text := getattr(field, name)) is not None:
            yield name, text
