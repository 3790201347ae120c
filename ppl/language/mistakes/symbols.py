"""Operators of other languages, and signs that mean nothing here."""

from __future__ import annotations

import unicodedata

from lark import Token

from .failure import CLOSER, Failure, Finding, end_of, line_end, start_of

CURLY = "“”„‟«»‘’‚‛`´"
STRAIGHT = str.maketrans(CURLY, "\"" * 6 + "'" * 6)
SIGNS = {
    ";": ("';' ends nothing", "write one statement on each line"),
    "!": ("'!' is no operator", "write `not`"),
    "@": ("'@' is no operator", "write `*`"),
    "^": ("'^' is no operator", "write `**` for a power"),
    "?": ("'?' is no operator", "write `a if test else b`"),
    "$": ("'$' means nothing", "names have no sign before them; `{name}` puts a value into a string"),
    "\\": ("a '\\' stands outside a string", "put brackets around what goes over several lines"),
}


def curly_quote(f: Failure) -> Finding | None:
    if f.kind != "STRANGE" or str(f.token) not in CURLY:
        return None
    start = start_of(f.token)
    end = line_end(f.text, start)
    straight = f.text[start:end].translate(STRAIGHT)
    return Finding("strange-character", f"{f.token} is not a quote of the language", f.span(),
                   "write straight quotes: \"...\" or '...'", f.text[:start] + straight + f.text[end:])


def decorator(f: Failure) -> Finding | None:
    if f.kind != "STRANGE" or str(f.token) != "@" or f.line:
        return None
    program = f.next is not None and f.next.type == "PROGRAM"
    hint = "leave the line out, and write `program name(...):`" if program else "leave the line out"
    start = start_of(f.token)
    return Finding("foreign-operator", "there are no decorators", f.span(), hint,
                   f.cut(start, line_end(f.text, start)))


def strange(f: Failure) -> Finding | None:
    """Any other character that begins no token."""
    if f.kind != "STRANGE":
        return None
    sign, start = str(f.token), start_of(f.token)
    if sign in SIGNS:
        message, hint = SIGNS[sign]
        if sign == ";":
            patched = f.cut(start, line_end(f.text, start))
        else:
            patched = f.cut(start, start + 1) if sign in "!$" else f.cut_line()
        return Finding("foreign-operator", message, f.span(), hint, patched)
    name = unicodedata.name(sign, "no name")
    blank = unicodedata.category(sign) in ("Zs", "Cf")
    hint = "write a plain space" if blank else "it may stand in strings and comments"
    return Finding("strange-character", f"the character U+{ord(sign):04X} ({name}) means nothing here", f.span(), hint,
                   f.cut(start, start + 1))


def doubled(f: Failure) -> Finding | None:
    """`a && b`, `a || b`, `i++`."""
    prev, t = f.prev, f.token
    if prev is None or end_of(prev) != start_of(t):
        return None
    for kind, sign, word in (("AMPERSAND", "&", "and"), ("BAR", "|", "or")):
        if prev.type == f.kind == kind:
            return Finding("foreign-operator", f"'{sign}{sign}' is no operator", f.span(prev, t), f"write `{word}`",
                           f.cut_tokens(prev, t, sign))
    for kind, sign in (("PLUS", "+"), ("MINUS", "-")):
        if prev.type == "NAME" and f.kind == kind and [t.type for t in f.rest] == [kind]:
            return Finding("foreign-operator", f"'{sign}{sign}' is no operator", f.span(f.token, f.rest[0]),
                           f"write `{prev} {sign}= 1`", f.cut_line())
    return None


def walrus(f: Failure) -> Finding | None:
    if f.kind != "COLON" or f.next is None or f.next.type != "EQUAL" or start_of(f.next) != end_of(f.token):
        return None
    alone = not f.brackets and len(f.line) == 1
    hint = "write `name = value`" if alone else "assign on a line of its own, before this one"
    new = " =" if alone else "< "
    return Finding("foreign-operator", "there is no ':='", f.span(f.token, f.next), hint,
                   f.cut_tokens(f.token, f.next, new))


def stars(f: Failure) -> Finding | None:
    if f.kind not in ("STAR", "POWER") or not f.brackets or f.prev is None:
        return None
    if f.prev is not f.brackets[-1] and f.prev.type != "COMMA":
        return None
    return Finding("foreign-operator", f"there are no starred arguments: '{f.token}'", f.span(),
                   "name every argument; pass a list as one value", f.cut_tokens(f.token, f.token))


def identity(f: Failure) -> Finding | None:
    if f.kind != "NAME" or str(f.token) != "is" or f.prev is None:
        return None
    negated = f.next is not None and f.next.type == "NOT"
    last = f.next if negated and f.next is not None else f.token
    sign = "!=" if negated else "=="
    return Finding("foreign-operator", f"there is no 'is{' not' if negated else ''}'", f.span(f.token, last),
                   f"write `{sign}`", f.cut_tokens(f.token, last, sign))


def arrow(f: Failure) -> Finding | None:
    """`program f() -> str:`."""
    if f.kind != "MINUS" or "COLON" not in f.accepts or f.next is None or str(f.next) not in (">", ">="):
        return None
    colon = next((t for t in f.rest if t.type == "COLON"), None)
    patched = f.cut_line() if colon is None else f.cut(start_of(f.token), start_of(colon))
    return Finding("annotation", "there are no types of results: '->'", f.span(f.token, f.next), "leave it out",
                   patched)


def tuples(f: Failure) -> Finding | None:
    """`(a, b)`, `()`, `x, y = 1, 2`, `{a, b}`, `(x for x in xs)`."""
    if f.prev is None:
        return None
    bracket = f.brackets[-1] if f.brackets else None
    if bracket is None:
        if f.kind == "COMMA" and "_NEWLINE" in f.accepts:
            end = line_end(f.text, start_of(f.token))
            return Finding("tuple", "there are no tuples", f.span(), "write a list: [a, b]",
                           f.cut(start_of(f.token), end))
        return None
    if bracket.type == "LBRACE" and f.kind in ("COMMA", "RBRACE") and "COLON" in f.accepts:
        if any(t.type == "COLON" and start_of(t) > start_of(bracket) for t in f.line):
            return Finding("missing-value", "a value is missing after a key", f.span(), 'write {"key": value}',
                           f.cut_line())
        return Finding("set", "there are no sets", f.span(bracket), "write a list: [a, b]", f.cut_line())
    if bracket.type == "LBRACE" and f.kind == "FOR":
        return Finding("comprehension", "a comprehension makes a list", f.span(bracket),
                       "write [... for ...], and look values up in a function or in a dict that is written out",
                       f.cut_line())
    if bracket.type != "LPAR" or f.kind not in ("COMMA", "RPAR", "FOR"):
        return None
    if (f.kind == "RPAR" and f.prev is not bracket) or (f.kind != "RPAR" and CLOSER["LPAR"] not in f.accepts):
        return None
    message = "a comprehension stands in square brackets" if f.kind == "FOR" else "there are no tuples"
    return Finding("comprehension" if f.kind == "FOR" else "tuple", message, f.span(bracket),
                   "write [... for ...]" if f.kind == "FOR" else "write a list: [a, b]", _squared(f, bracket))


def _squared(f: Failure, bracket: Token) -> str:
    """With these parentheses, if they are closed in the line, as square brackets."""
    depth = 1
    for t in [f.token, *f.rest]:
        depth += (t.type in CLOSER) - (t.type in CLOSER.values())
        if depth == 0:
            opened = f.cut_tokens(bracket, bracket, "[")
            return opened[: start_of(t)] + "]" + opened[end_of(t) :]
    return f.cut_line()


def slashes(f: Failure) -> Finding | None:
    """`// a comment`, `/* a comment */`."""
    if f.kind in ("NAME", "OVER", "STAR"):
        for t, later in zip([*f.line, f.token], [*f.line[1:], f.token, *f.rest[:1]], strict=False):
            comment = str(t) == "//" and (f.kind == "NAME" or t is f.token)
            if comment or (str(t) == "/" and later.type in ("STAR", "POWER")):
                end = line_end(f.text, start_of(t))
                return Finding("foreign-operator", "a comment begins with '#'", f.span(t), "write # before it",
                               f.cut(start_of(t), end))
    return None


RULES = (curly_quote, decorator, strange, doubled, walrus, stars, identity, arrow, slashes, tuples)
