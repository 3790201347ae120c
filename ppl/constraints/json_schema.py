"""`json_schema(schema)`: JSON texts whose value is an instance of a schema."""

from __future__ import annotations

import json
from typing import Any, Literal

from .definition import Definition
from .engine import EngineConstraint
from .errors import Unsatisfiable
from .schemas.prune import Least, prune
from .schemas.read import read
from .schemas.rewrite import Rewriter
from .schemas.trial import try_engine

Whitespace = Literal["flexible", "compact"]


class JsonSchema(EngineConstraint):
    """JSON texts of instances of a schema; see `json_schema`."""

    def __init__(self, schema: Any, whitespace: Whitespace, model: Any = None) -> None:
        self.schema, self.whitespace, self.model = schema, whitespace, model
        rewriter = Rewriter(schema)
        root, definitions = rewriter.document()
        least = Least(definitions)
        pruned = prune(root, least)
        if pruned is False:
            raise Unsatisfiable(f"{self!r}: no finite text is an instance of this schema")
        self._least = int(least.of(root))
        kept = {name: prune(node, least) for name, node in definitions.items()}
        document = ({} if pruned is True else pruned) | ({"$defs": kept} if kept else {})
        self._document = try_engine(document, whitespace, repr(self), rewriter.places)

    def definition(self, prefix: str) -> Definition:
        return Definition(prefix, (f"{prefix}: %json {self._document}",), None, self._least)

    def parse(self, text: str) -> Any:
        """The value that a text of the language stands for; an object of the pydantic model, if it came from one.

        Of a name that comes twice the last value counts. Raises ValueError where the text is not in the language.
        """
        if not self.matches(text):
            raise ValueError(f"{self!r}: {text!r:.200} is not a text of this schema")
        return json.loads(text) if self.model is None else self.model.model_validate_json(text)

    def __repr__(self) -> str:
        if self.model is not None:
            return f"json_schema({self.model.__name__})"
        shown = json.dumps(self.schema, ensure_ascii=False)
        return f"json_schema({shown if len(shown) <= 60 else shown[:57] + '...'})"


def json_schema(schema: Any, *, whitespace: Whitespace = "flexible") -> JsonSchema:
    """The texts whose JSON value is valid under a schema: a dict, JSON text, True, or a pydantic model class.

    whitespace: "flexible" allows spaces and line breaks between the parts of a value, "compact" none; there are none
    around the value.

    No text of the language is invalid, but not every text of a valid value is in it. What is left out: other orders of
    properties than that of `properties` (further ones come last); the escapes ``\\uXXXX`` and ``\\/``, and with them
    strings with control characters; integers as ``1.0`` or ``1e2``; exponents and superfluous zeros of numbers under
    bounds or `multipleOf`; numbers nearer than 15 digits to a
    bound that is exclusive (1e-22 to 0). `format` is asked for, with
    strings that all validators take for it. `multipleOf` is meant of decimals: 19.99 is a multiple of 0.01. Names that
    are not under `properties` may come twice (the last counts).

    Raises BadSource for text that is no JSON, schemas that break the rules of their draft, and keywords that cannot be
    enforced while a text is written (`not`, `if`, `contains`, `uniqueItems`, a `oneOf` of options that may both hold,
    ...), with their place; Unsatisfiable for schemas without an instance.
    """
    if whitespace not in ("flexible", "compact"):
        raise ValueError(f'json_schema: whitespace is "flexible" or "compact", got {whitespace!r}')
    value, model = read(schema)
    return JsonSchema(value, whitespace, model)
