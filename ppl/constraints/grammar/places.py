"""Where things stand in the text of a grammar."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ..errors import BadSource

WHAT = "grammar"

_WORDS = {
    "RULE": "a rule (lower case)", "TERMINAL": "a TERMINAL (upper case)", "STRING": 'a "string"', "REGEXP": "a /regex/",
    "OP": "one of ? * +", "TILDE": "~", "NUMBER": "a number", "RULE_MODIFIERS": "? or !", "_NL": "the end of the line",
    "_NL_OR": "a new line that begins with |", "_COLON": ":", "_COMMA": ",", "_OR": "|", "_LPAR": "(", "_RPAR": ")",
    "_LBRA": "[", "_RBRA": "]", "_LBRACE": "{", "_RBRACE": "}", "_DOT": ".", "_DOTDOT": "..", "_TO": "->",
    "_IGNORE": "%ignore", "_DECLARE": "%declare", "_IMPORT": "%import", "_OVERRIDE": "%override",
    "_EXTEND": "%extend", "$END": "the end",
}  # fmt: skip

_FOREIGN = (
    (r"\[\s*(max_tokens|stop|suffix|capture|lazy|temperature)\b|=[^\]]*\]",
     "Rules have no attributes in Lark's syntax. max_tokens=, stop= and temperature= belong to lm.text(...)"),
    (r"%(json|regex|llguidance|lark)\b",
     "This is the syntax of another grammar engine; combine json_schema(...), regex(...) and grammar(...) instead"),
    (r"<\|?\w+\|?>|<\[", "Special tokens are no text; nothing needs to say where a text ends"),
    (r"&", "There is no intersection inside a grammar; grammar(...) & regex(...) is one"),
    (r"~\s*[/\"A-Z]", "There is no negation; ~ takes a number of repetitions: item ~ 2..5"),
    (r"'", 'Strings stand in double quotes: "..."'),
    (r":*=", "A definition is written name: expansion"),
)  # fmt: skip


class Places:
    """The text of a grammar, read by Lark's own parser for grammars. Raises BadSource for errors of syntax."""

    def __init__(self, source: str) -> None:
        from lark import load_grammar
        from lark.exceptions import UnexpectedInput

        self.source = source
        self._parser: Any = load_grammar._get_parser()  # type: ignore[no-untyped-call]
        try:
            tree = self._parser.parse(source + "\n", "start")
        except UnexpectedInput as error:
            self._syntax(error)
        self.tree: Any = tree
        self.statements: list[Any] = tree.children
        self.tokens: list[Any] = list(tree.scan_values(lambda _: True))
        self.definitions: dict[str, Any] = {}
        self.declared: dict[str, Any] = {}
        defining = set()
        for statement in self.statements:
            inner = statement.children[0] if statement.data in ("override", "extend") else statement
            if inner.data in ("rule", "term"):
                token = next(c for c in inner.children if getattr(c, "type", "") in ("RULE", "TERMINAL"))
                self.definitions.setdefault(str(token), token)
                defining.add(id(token))
            elif inner.data == "declare":
                for token in inner.scan_values(lambda _: True):
                    self.declared[str(token)] = token
                    defining.add(id(token))
        self._uses = [token for token in self.tokens if id(token) not in defining]

    def bad(self, why: str, at: Any = None, hint: str = "", inside: int = 0) -> BadSource:
        """The error to raise; at: a token of the source. inside: how many characters into the token."""
        line, column = (at.line, at.column + inside) if at is not None else (None, None)
        return BadSource(WHAT, why, self.source, line, column, hint)

    def use(self, name: str) -> Any | None:
        """The first place where a name is used, else where it is defined."""
        return next((t for t in self._uses if str(t) == name), self.definition(name))

    def definition(self, name: str) -> Any | None:
        return self.definitions.get(name) or self.declared.get(name)

    def literal(self, raw: str | None) -> Any | None:
        """The first "string" or /regex/ that is written like this."""
        return next((t for t in self.tokens if t.type in ("STRING", "REGEXP") and str(t) == raw), None)

    def statement(self, kind: str) -> Any | None:
        """The first word of the first statement of a kind (import, ignore ...)."""
        found = next((s for s in self.statements if s.data == kind), None)
        return None if found is None else next(found.scan_values(lambda _: True), None)

    def _syntax(self, error: Any) -> NoReturn:
        accepted = getattr(error, "accepts", None) or self._accepted(error.pos_in_stream)
        names = sorted(_WORDS.get(name, name) for name in accepted)
        begin = self.source.rfind("\n", 0, error.pos_in_stream) + 1
        line = self.source[begin:].split("\n")[0]
        ahead = line[max(error.pos_in_stream - begin, 0):]
        hint = next((advice for pattern, advice in _FOREIGN if re.match(pattern, ahead)), "")
        if ahead.startswith(('"', "/")) and not hint and not hasattr(error, "token"):
            hint = f"This {ahead[0]} has no partner on its line"
        got = repr(ahead.split()[0][:20]) if ahead.split() else "end of the line"
        why = f"unexpected {got}; expected {', '.join(names)}" if names else f"unexpected {got}"
        known = hasattr(error, "token") and self._known_mistake(error)
        why = f"{known}: {why}" if known else why
        raise BadSource(WHAT, why, self.source, error.line, error.column, hint) from None

    def _known_mistake(self, error: Any) -> str | None:
        """What Lark calls it."""
        from lark import load_grammar

        told = load_grammar._translate_parser_exception(self._parser.parse, error)  # type: ignore[no-untyped-call]
        return f"{told[0].lower()}{told[1:]}" if told else None

    def _accepted(self, position: int) -> set[str]:
        """What may stand at a position, where what stands there is no token at all."""
        from lark.exceptions import LarkError

        reader = self._parser.parse_interactive(self.source[:position], "start")
        try:
            reader.exhaust_lexer()
        except LarkError:
            return set()
        return set(reader.accepts())
