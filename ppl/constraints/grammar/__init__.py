"""Context-free grammars in Lark's syntax."""

from .ambiguity import LexerAmbiguity
from .constraint import Grammar, grammar
from .trees import Span

__all__ = ["Grammar", "LexerAmbiguity", "Span", "grammar"]
