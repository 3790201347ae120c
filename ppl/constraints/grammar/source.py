"""A grammar in Lark's syntax, loaded by Lark, with its mistakes reported at their places."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from .places import Places

if TYPE_CHECKING:
    from lark import Lark


class Source:
    """lark: the parser (Earley, dynamic_complete); its language is what the grammar means. patterns: of the terminals.
    expansions: of the rules, in Lark's symbols. ignored: the terminals of %ignore. Raises BadSource."""

    def __init__(self, text: str, start: str) -> None:
        self.text, self.start = text, start
        self.places = Places(text)
        self._check_names()
        self._check_literals()
        self._options: dict[str, Any] = {"start": start, "parser": "earley", "lexer": "dynamic_complete"}
        self.lark = self._load()
        self.patterns: dict[str, Any] = {terminal.name: terminal.pattern for terminal in self.lark.terminals}
        self.expansions: dict[str, list[list[Any]]] = {}
        for rule in self.lark.rules:
            self.expansions.setdefault(str(rule.origin.name), []).append(list(rule.expansion))
        self.ignored: list[str] = list(dict.fromkeys(map(str, self.lark.ignore_tokens)))

    @cached_property
    def whole(self) -> Lark:
        """The same parser, whose trees keep every token."""
        from lark import Lark

        return Lark(self.text, keep_all_tokens=True, **self._options)

    def place_of_terminal(self, name: str) -> Any | None:
        return self.places.definition(name) or self.places.literal(self.patterns[name].raw) or self.places.use(name)

    def shown(self, name: str) -> str:
        """How to call a terminal in a message: as it is written in the source."""
        if self.places.use(name) is None:
            pattern = self.patterns[name]
            return str(pattern.raw or f"/{pattern.value}/")
        return name

    def _check_names(self) -> None:
        places = self.places
        for name in places.declared:
            if name not in places.definitions and any(str(token) == name for token in places._uses):
                raise places.bad(f"{name} is declared, but nothing says what it matches", places.use(name),
                                 f'Define it: {name}: "text" or /regex/; there is no other lexer that could supply it')
        imported = {str(t) for s in places.statements if s.data == "import" for t in s.scan_values(lambda _: True)}
        if self.start not in places.definitions and self.start not in imported:
            rules = [name for name, token in places.definitions.items() if token.type == "RULE"]
            raise places.bad(f"there is no rule {self.start!r} to start with", None, "Name one as "
                             f"grammar(source, start=...): {', '.join(rules)}" if rules else "It has no rule at all")
        templates = {str(s.children[1]) for s in places.statements if s.data == "rule" and s.children[2].children}
        if self.start in templates:
            raise places.bad(f"{self.start} is a template; the start has to be a rule without parameters",
                             places.definition(self.start))
        if not re.fullmatch(r"_?[a-z][_a-z0-9]*", self.start):
            raise places.bad(f"{self.start} is a terminal; the start has to be a rule", places.definition(self.start),
                             f"Add a rule: start: {self.start}")

    def _check_literals(self) -> None:
        from lark.exceptions import GrammarError
        from lark.load_grammar import _literal_to_pattern

        places = self.places
        for token in places.tokens:
            if token.type in ("STRING", "REGEXP"):
                try:
                    pattern = _literal_to_pattern(token)  # type: ignore[no-untyped-call]
                    re.compile(pattern.to_regexp())
                except GrammarError as error:
                    raise places.bad(str(error), token) from None
                except re.error as error:
                    hint = r"Python's re does not know \p{...}: write the characters, as in [a-zA-Z]"
                    at = error.pos or 0 if not pattern.flags and pattern.value == token[1:-1] else -1
                    raise places.bad(f"a bad regular expression: {error.msg}", token, hint if r"\p" in token else "",
                                     at + 1) from None
        for node in places.tree.iter_subtrees():
            if node.data == "range":
                for token in node.children:
                    if len(_literal_to_pattern(token).value) != 1:  # type: ignore[no-untyped-call]
                        raise places.bad("a range goes from one character to another", token, 'As in "a".."z"')
            elif node.data == "expr" and len(node.children) == 4 and int(node.children[2]) > int(node.children[3]):
                raise places.bad("a repetition goes from the smaller number to the larger", node.children[2])

    def _load(self) -> Lark:
        from lark import Lark
        from lark.exceptions import LarkError

        try:
            return Lark(self.text, propagate_positions=True, **self._options)
        except (LarkError, OSError, re.error, ValueError, AssertionError, AttributeError, RecursionError) as error:
            self._explain(error)

    def _explain(self, error: Exception) -> NoReturn:
        """Lark says what is wrong; we say where."""
        places = self.places
        if isinstance(error, OSError):
            raise places.bad(f"there is no grammar {str(error.filename)!r} to import", places.statement("import"),
                             "%import common.NAME imports from Lark's own; others are looked for as files") from None
        message = str(error.args[0]) if error.args else type(error).__name__
        if "zero-width" in message:
            self._zero_width(str(error.args[1].name), str(error.args[1].pattern.value))
        if template := re.search(r"Template '(\w+)'|arguments used for (\w+)", message):
            raise places.bad(message, places.use(template[1] or template[2])) from None
        used = re.search(r"'(\w+)' used but not defined|used but not defined: (\w+)|Terminals \{'(\w+)'", message)
        if used:
            name = next(filter(None, used.groups()))
            known = ", ".join(n for n in places.definitions if n.isupper() == name.isupper())
            kind = "terminal" if name.isupper() else "rule"
            hint = f"Defined are: {known}" if known else f"No {kind} is defined"
            raise places.bad(f"the {kind} {name} is used but not defined", places.use(name), hint) from None
        names = [word for word in re.findall(r"\w+", message) if word in places.definitions]
        token = places.definition(names[-1]) if names else None
        if "more than once" in message and names:
            again = [s.children[1] if s.data == "rule" else s.children[0] for s in places.statements
                     if s.data in ("rule", "term")]
            token = [t for t in again if str(t) == names[-1]][-1]
        raise places.bad(message.strip() or "Lark cannot read it", token) from None

    def _zero_width(self, name: str, pattern: str) -> NoReturn:
        place = self.places.definition(name) or next((t for t in self.places.tokens if pattern in str(t)), None)
        shown = name if self.places.definition(name) is not None else f"/{pattern}/"
        raise self.places.bad(f"the terminal {shown} can match the empty text", place, "Let it match at least one "
                              "character (+ instead of *), and make it optional where it is used: X?") from None
