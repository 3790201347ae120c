"""From what the user has given to a schema that the meta-schema calls valid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import BadSource
from .errors import refusal


def read(source: object) -> tuple[Any, type | None]:
    """A schema as a JSON value of its own, and the pydantic model it came from, if it did.

    source: a dict, True or False, JSON text, or a class with `model_json_schema`. Raises BadSource for text that is not
    JSON, for what JSON cannot hold, and for schemas that break the rules of their own draft; TypeError for the rest.
    """
    model = source if isinstance(source, type) else None
    if model is not None:
        if not hasattr(model, "model_json_schema"):
            raise TypeError(f"json_schema: {model.__name__} is not a pydantic model (version 2 or newer)")
        source = model.model_json_schema()
    if isinstance(source, str | bytes | bytearray):
        schema = _parse(source if isinstance(source, str) else bytes(source).decode())
    elif isinstance(source, bool | Mapping):
        schema = _copy(source)
    else:
        raise TypeError(f"json_schema: give a dict, JSON text or a pydantic model, got {type(source).__name__}")
    _check(schema)
    return schema, model


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        why = f"this is not JSON: {error.msg}"
        raise BadSource("json_schema", why, text, error.lineno, error.colno) from None


def _no_constant(name: str) -> Any:
    raise BadSource("json_schema", f"{name} is not JSON", hint="JSON numbers are finite.")


def _copy(schema: object) -> Any:
    try:
        return json.loads(json.dumps(schema, allow_nan=False, default=_mapping))
    except (TypeError, ValueError) as error:
        raise BadSource("json_schema", f"the schema holds what JSON cannot: {error}") from None


def _mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__}")


def _check(schema: Any) -> None:
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, bool | dict):
        raise refusal((), f"a schema is an object, true or false, not {json.dumps(schema)[:60]}")
    try:
        validator_class(schema).check_schema(schema)
    except SchemaError as error:
        raise refusal(tuple(error.absolute_path), error.message) from None


def validator_class(schema: Any) -> Any:
    """The `jsonschema` validator of the draft that the schema names; 2020-12 where it names none. Raises BadSource for
    a draft that is not known."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    name = schema.get("$schema") if isinstance(schema, dict) else None
    found = validator_for(schema, default=None) if name is not None else Draft202012Validator
    if found is None:
        raise refusal(("$schema",), f"the draft {name!r} is not known",
                      "Leave `$schema` out for the draft 2020-12 or name a published draft.")
    return found
