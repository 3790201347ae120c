"""The trial of a rewritten schema on the engine, and what is wrong where it fails."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..errors import Unsatisfiable
from .errors import Path, pointer, refusal

_EMPTY = "Unsatisfiable schema"
_ESCAPES = 'nrbtf\\"'
"""Not \\u: the engine takes an escaped name of a property for another name than it is."""


def try_engine(document: dict[str, Any], whitespace: str, what: str, places: Iterable[tuple[Any, Path]]) -> str:
    """The document as the engine's JSON text.

    places: the nodes of it and where they come from, the innermost first; the first that the engine refuses is named.
    Raises Unsatisfiable where no instance exists, BadSource for what the engine cannot do.
    """
    options = {"whitespace_flexible": whitespace == "flexible", "json_allowed_escapes": _ESCAPES}
    text = _text(document, options)
    why = _refused(text)
    if not why:
        return text
    definitions = {"$defs": document["$defs"]} if "$defs" in document else {}
    found = [(path, said) for node, path in places if (said := _refused(_text(node | definitions, options)))]
    path, said = next(((path, said) for path, said in found if _EMPTY not in said), ((), why))
    if _EMPTY in said:
        path, said = next(iter(found), ((), why))
        raise Unsatisfiable(f"{what}: nothing is an instance of it ({pointer(path)}: {said.split(_EMPTY + ': ')[-1]})")
    raise refusal(path, f"the grammar engine cannot do this: {said}", "Write this part with other keywords.")


def _text(document: dict[str, Any], options: dict[str, Any]) -> str:
    return json.dumps({"x-guidance": options} | document, ensure_ascii=False)


def _refused(text: str) -> str:
    from llguidance import LLMatcher

    said: str = LLMatcher.validate_grammar(f'%llguidance {{"no_forcing": true}}\nstart: %json {text}')
    return said.split("\n")[0].split("JSON schema: ")[-1]
