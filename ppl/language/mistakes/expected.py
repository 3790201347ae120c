"""What could stand where the parser stopped, in words."""

from __future__ import annotations

from .failure import Failure, Finding

SAID = {
    "COMMA": "','", "RPAR": "')'", "RSQB": "']'", "RBRACE": "'}'", "NAME": "a name", "NUMBER": "a number",
    "STRING": "a string", "LPAR": "'('", "LSQB": "'['", "LBRACE": "'{'", "COLON": "':'", "EQUAL": "'='", "TILDE": "'~'",
    "_NEWLINE": "the end of the line", "IN": "'in'", "IMPORT": "'import'", "IF": "'if'", "FOR": "'for'",
    "ELSE": "'else'", "AS": "'as \"name\"'", "USING": "'using'", "DOT": "'.'", "PROGRAM": "'program'", "DEF": "'def'",
    "AUGMENT": "'+='",
}
EXPRESSION = {
    "NAME", "NUMBER", "STRING", "RAW_STRING", "LPAR", "LSQB", "LBRACE", "TRUE", "FALSE", "NONE", "NOT", "PLUS", "MINUS",
}
OPERATORS = {"PLUS", "MINUS", "STAR", "OVER", "POWER", "AMPERSAND", "BAR", "COMPARATOR", "AND", "OR", "NOT", "IN"}
STATEMENT = {"NAME", "OBSERVE", "CONDITION", "RETURN"}


def expected(f: Failure) -> str:
    left, words = set(f.accepts), []
    if left & {"RPAR", "RSQB", "RBRACE"}:
        left -= {"EQUAL", "FOR"}
    if left >= STATEMENT:
        return "a statement"
    if left >= {"PROGRAM", "DEF", "MODEL"}:
        return "`program`, `def`, `model`, `import` or a constant"
    if left >= {"NAME", "NUMBER", "LPAR"}:
        words.append("an expression")
        left -= EXPRESSION
    elif left >= {"PLUS", "STAR"}:
        words.append("an operator")
        left -= OPERATORS | {"LPAR", "LSQB", "DOT", "IF", "STRING", "RAW_STRING"}
    words += [SAID[t] for t in SAID if t in left]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1] if words else "something else"


def unexpected(f: Failure) -> Finding:
    if f.at_end:
        what = "the line ends too early" if f.line else "the file ends too early"
    else:
        what = f"'{_short(str(f.token))}' is not expected here"
    return Finding("syntax", what, f.span(), f"expected {expected(f)}", f.cut_line())


def _short(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= 30 else line[:27] + "..."
