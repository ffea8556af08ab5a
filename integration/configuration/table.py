"""A table of the configuration that is one of the rules' own types. Its fields, their types and
defaults are said there alone; here stands what a person may write in them.

Held by tests/unit/test_settings.py.
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, structs
from pydantic import BaseModel, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from integration.configuration.section import Section

Hints = Mapping[str, Any]


class TomlTable:
    """In `Annotated[facts.Place, TomlTable(pos=Field(pattern=…))]`: what is asked of a field, a
    pydantic Field, a validator, or a tuple of them.

    `within`: the fields that are tables themselves, with their annotations. `says`: what the schema
    of the file says of it, where that is not what the type says of itself.
    """

    def __init__(
        self, *, says: str | None = None, within: Hints | None = None, **asked: Any
    ) -> None:
        self.says, self.within, self.asked = says, within or {}, asked
        self.model: type[BaseModel] | None = None

    def __get_pydantic_core_schema__(
        self, source: type[Struct], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        self.model = self._model(source)
        return core_schema.no_info_after_validator_function(
            lambda found: source(**{name: _frozen(value) for name, value in found}),
            handler.generate_schema(self.model),
            serialization=core_schema.plain_serializer_function_ser_schema(msgspec.to_builtins),
        )

    def _model(self, source: type[Struct]) -> type[BaseModel]:
        hints = {name: _written(hint) for name, hint in get_type_hints(source).items()}
        hints |= self.within
        fields: dict[str, Any] = {}
        for field in structs.fields(source):
            asked = self.asked.get(field.name, ())
            extra = asked if isinstance(asked, tuple) else (asked,)
            annotation = Annotated[hints[field.name], *extra] if extra else hints[field.name]
            fields[field.name] = annotation if field.required else (annotation, field.default)
        says = source.__doc__ if self.says is None else self.says
        return create_model(source.__name__, __base__=Section, __doc__=says or None, **fields)


def _written(hint: Any) -> Any:
    """TOML has lists, no tuples; a mistake is told of a list."""
    return list[get_args(hint)[0]] if get_origin(hint) is tuple else hint  # type: ignore[misc]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
