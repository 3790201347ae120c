"""Constraints: languages that texts are conditioned on (`where=`), and the protocol for writing more."""

from .canonical import canonical
from .choice import Choice, choice
from .engine import EngineConstraint
from .errors import BadSource, CannotCombine, ConstraintError, Unsatisfiable
from .grammar import Grammar, LexerAmbiguity, grammar
from .json_schema import JsonSchema, json_schema
from .masks import Packed, pack, pack_tokens
from .predicate import predicate
from .protocol import Constraint, State
from .regex import regex
from .substring import substring
from .vocabulary import Vocabulary
from .words import words

__all__ = [
    "BadSource", "CannotCombine", "Choice", "Constraint", "ConstraintError", "EngineConstraint", "Grammar",
    "JsonSchema", "LexerAmbiguity", "Packed", "State", "Unsatisfiable", "Vocabulary", "canonical", "choice", "grammar",
    "json_schema", "pack", "pack_tokens", "predicate", "regex", "substring", "words",
]
