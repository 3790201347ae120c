"""Words of other languages, and words of this one as names."""

from __future__ import annotations

from difflib import get_close_matches

from lark import Token

from .failure import Failure, Finding, end_of, start_of

FOREIGN = {
    "await": ("await is not needed", "leave it out: calls of programs and `~` wait by themselves"),
    "async": ("async is not needed", "write `program name(...):`"),
    "lambda": ("there is no lambda", "write a `def` of its own and pass its name"),
    "class": ("there are no classes", "use lists, dicts and `def`"),
    "try": ("there is no try", "nothing raises that a program could catch: test with `if` beforehand"),
    "except": ("there is no except", "test with `if` beforehand"),
    "finally": ("there is no finally", "write its lines after the others"),
    "raise": ("there is no raise", "write `condition False` to reject an execution"),
    "assert": ("there is no assert", "write `condition test` to demand that something holds"),
    "with": ("there is no with", "write its lines without it"),
    "yield": ("there is no yield", "collect the values in a list and return it"),
    "del": ("there is no del", "values never change; make a new list without the item"),
    "global": ("there is no global", "pass the value as an argument and return the new one"),
    "nonlocal": ("there is no nonlocal", "pass the value as an argument and return the new one"),
    "match": ("there is no match", "write `if`, `elif`, `else`"),
    "case": ("there is no case", "write `if`, `elif`, `else`"),
    "switch": ("there is no switch", "write `if`, `elif`, `else`"),
    "print": ("there is no print", "return the text, or draw it as a site: every choice is kept in the trace"),
    "let": ("'let' is not needed", "write `name = value`"),
    "var": ("'var' is not needed", "write `name = value`"),
    "const": ("'const' is not needed", "write `NAME = value`"),
    "function": ("there is no 'function'", "write `def name(...):` or `program name(...):`"),
    "func": ("there is no 'func'", "write `def name(...):` or `program name(...):`"),
    "fn": ("there is no 'fn'", "write `def name(...):` or `program name(...):`"),
    "elseif": ("there is no 'elseif'", "write `elif`"),
    "elsif": ("there is no 'elsif'", "write `elif`"),
    "new": ("'new' is not needed", "call the function alone"),
    "sample": ("there is no sample", "write `x ~ distribution`"),
    "draw": ("there is no draw", "write `x ~ distribution`"),
}
LEFT_OUT = {"await", "let", "var", "const", "new"}
KEYWORDS = {"PROGRAM", "DEF", "MODEL", "OBSERVE", "CONDITION", "FACTOR", "TWIST", "USING", "AS", "IMPORT", "FROM",
            "BREAK", "CONTINUE", "PASS", "RETURN"}
BEGINNINGS = ("program", "def", "model", "import", "from", "if", "elif", "else", "for", "while", "return", "observe",
              "condition", "factor", "twist")
STATEMENTS = {"OBSERVE": "observe value ~ distribution", "CONDITION": "condition test", "FACTOR": "factor log_weight",
              "TWIST": "twist log_weight"}


def foreign(f: Failure) -> Finding | None:
    """The word, a name to the parser, stands right before the token that fails, or is it."""
    said = f.first if f.types() == ["NAME", "STRING"] else None  # print "x"
    for word in (f.prev, f.token, said):
        if word is None or word.type != "NAME" or str(word) not in FOREIGN:
            continue
        message, hint = FOREIGN[str(word)]
        return Finding("foreign-word", message, f.span(word), hint, _without(f, word))
    return None


def _without(f: Failure, t: Token) -> str:
    if str(t) in LEFT_OUT and t is not f.first:
        return f.cut_tokens(t, t)
    if str(t) in LEFT_OUT and f.next is not None:  # keeps the indentation: the rest of the line moves to the front
        stop = f.text.index("\n", start_of(t))
        return f.cut(start_of(t), stop, f.text[end_of(t) : stop].lstrip())
    if str(t) == "async" and f.kind in ("DEF", "PROGRAM"):
        return f.cut(start_of(t), end_of(f.token), str(f.token))
    return f.cut_line()


def else_if(f: Failure) -> Finding | None:
    if f.kind != "IF" or f.prev is None or f.prev.type != "ELSE":
        return None
    return Finding("foreign-word", "there is no 'else if'", f.span(f.prev, f.token), "write `elif`",
                   f.cut_tokens(f.prev, f.token, "elif"))


def misspelt(f: Failure) -> Finding | None:
    """`programm main():`."""
    if f.types() != ["NAME"] or f.kind not in ("NAME", "NUMBER", "STRING", "LBRACE", "NOT", "COLON"):
        return None
    close = get_close_matches(str(f.first).lower(), BEGINNINGS, 1, 0.8)
    if not close:
        return None
    start = start_of(f.first)
    return Finding("misspelt", f"no statement begins with '{f.first}'", f.span(f.first), f"write `{close[0]}`",
                   f.text[:start] + close[0] + f.text[end_of(f.first) :])


def keyword(f: Failure) -> Finding | None:
    """A word of the language where a name is meant."""
    used = f.next is not None and f.next.type in ("DOT", "EQUAL", "TILDE", "AUGMENT")
    if f.kind not in KEYWORDS or "NAME" not in f.accepts or (not f.line and not used):
        return None
    word = str(f.token)
    if f.kind in STATEMENTS and f.next is not None and f.next.type == "LPAR":
        hint = f"write `{STATEMENTS[f.kind]}` on a line of its own"
    else:
        hint = f"choose another name, such as {word}_"
    return Finding("keyword", f"'{word}' is a word of the language, not a name", f.span(), hint,
                   f.cut_tokens(f.token, f.token, "_" * len(word)))


def keyword_first(f: Failure) -> Finding | None:
    """`factor = 2`."""
    if f.first.type not in KEYWORDS or len(f.line) != 1 or f.kind not in ("EQUAL", "AUGMENT", "DOT", "TILDE"):
        return None
    if f.first.type == "OBSERVE" or (f.kind == "TILDE" and f.first.type in {*STATEMENTS, "RETURN"}):
        return None
    word = str(f.first)
    return Finding("keyword", f"'{word}' is a word of the language, not a name", f.span(f.first),
                   f"choose another name, such as {word}_", f.cut_tokens(f.first, f.first, "_" * len(word)))


RULES = (else_if, foreign, misspelt, keyword_first, keyword)
