"""`Definition`: a language in the syntax of the grammar engine, in a form that can be put together."""

from __future__ import annotations

from typing import NamedTuple


class Definition(NamedTuple):
    """What a language is called in the body of a rule, and what defines that name.

    expression: one atom that may stand in the body of a rule: a name, or something in parentheses.
    rules: the lines that define names. Each name begins with the prefix that `definition(prefix)` was given (lower case
    for rules, upper case for terminals), so that languages put into one grammar never share a name. No `%ignore` (it
    would reach into the other languages; a nested ``%lark {...}`` has its own), no `%llguidance`, no rule `start`.
    regular: where the language is regular, one atom that may stand in the body of a terminal and uses only terminals of
    `rules`: ``/regex/``, ``"text"``, ``%regex {...}``, names, put together by juxtaposition, ``|``, ``&``, ``~``,
    ``{m,n}``. What is put together of such parts stays one lexeme, and one lexeme is exact; between lexemes the engine
    reads as much as it can (maximal munch) and never less.
    least_bytes: no text of the language is shorter.
    """

    expression: str
    rules: tuple[str, ...] = ()
    regular: str | None = None
    least_bytes: int = 0

    @classmethod
    def of_terminal(cls, prefix: str, regular: str, rules: tuple[str, ...] = (), least_bytes: int = 0) -> Definition:
        """A regular language, under the name of a terminal of its own."""
        name = f"{prefix.upper()}_IT"
        return cls(name, (*rules, f"{name}: {regular}"), name, least_bytes)

    def grammar(self) -> str:
        """The whole text that the engine compiles. `no_forcing` makes a mask the set of viable tokens; without it the
        mask is the one token that the engine would spell forced bytes with."""
        return "\n".join(('%llguidance {"no_forcing": true}', f"start: {self.expression}", *self.rules, ""))
