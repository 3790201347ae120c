"""Mistakes with `=`, `~` and the names of sites, and lines that are no statements."""

from __future__ import annotations

from .failure import HEADERS, Failure, Finding, line_end, start_of

EFFECTS = {"OBSERVE", "CONDITION", "FACTOR", "TWIST"}
VALUES = {"NAME", "NUMBER", "STRING", "RAW_STRING", "LPAR", "LSQB", "LBRACE", "NOT", "MINUS", "TRUE", "FALSE", "NONE"}
OPERATORS = {"COMPARATOR", "IN", "NOT", "AND", "OR", "PLUS", "MINUS", "STAR", "OVER", "IF"}


def effect_as_call(f: Failure) -> Finding | None:
    """`observe(x, Normal(0, 1))`, `condition(x > 0, "name")`."""
    if f.kind != "COMMA" or f.first.type not in EFFECTS or len(f.brackets) != 1 or f.brackets[0] is not f.line[1]:
        return None
    word = str(f.first)
    written = "observe value ~ distribution" if word == "observe" else f"{word} value"
    return Finding("effect-as-call", f"'{word}' is not called with arguments", f.span(f.first),
                   f'write `{written} as "name"`', f.cut_line())


def site_after_comma(f: Failure) -> Finding | None:
    """`x ~ Normal(0, 1), "x"`, `condition test, "name"`."""
    if f.kind != "COMMA" or f.brackets or not (f.first.type in EFFECTS or "TILDE" in f.types()):
        return None
    return Finding("site", "the name of a site stands after 'as'", f.span(), 'write `as "name"`',
                   f.cut(start_of(f.token), line_end(f.text, start_of(f.token))))


def colon_after_effect(f: Failure) -> Finding | None:
    """`condition: x > 3`."""
    if f.kind != "COLON" or f.types() != [f.first.type] or f.first.type not in EFFECTS:
        return None
    return Finding("effect-as-call", f"no ':' stands after '{f.first}'", f.span(), "leave it out",
                   f.cut_tokens(f.token, f.token))


def equal(f: Failure) -> Finding | None:
    if f.kind not in ("EQUAL", "AUGMENT"):
        return None
    first = f.first.type
    if f.brackets and f.brackets[-1].type == "LBRACE":
        return Finding("assignment", "'=' stands between a key and its value", f.span(), 'write {"key": value}',
                       f.cut_tokens(f.token, f.token, ":"))
    if first == "OBSERVE" and not f.brackets:
        return Finding("assignment", "'=' stands where 'observe' has '~'", f.span(),
                       "write `observe value ~ distribution`", f.cut_tokens(f.token, f.token, "~"))
    if f.brackets and f.brackets[-1].type == "LPAR" and "RPAR" in f.accepts and first not in ("IF", "ELIF", "WHILE"):
        return Finding("assignment", "'=' follows something that is no name", f.span(),
                       "the name of an argument is a plain name; write `==` to compare",
                       f.cut_tokens(f.token, f.token, "<"))
    if f.brackets or first in HEADERS | EFFECTS | {"RETURN"} or (f.kind == "EQUAL" and "EQUAL" in f.types()):
        if not f.brackets and f.kind == "EQUAL" and first == "NAME":
            return Finding("assignment", "a second '=' in one statement", f.span(),
                           "assign each name on a line of its own, or write `==` to compare",
                           f.cut_tokens(f.token, f.token, "<"))
        return Finding("assignment", "'=' does not compare", f.span(), "write `==` to compare",
                       f.cut_tokens(f.token, f.token, "<"))
    if f.line and set(f.types()) & {"LSQB", "DOT"} and first == "NAME":
        return Finding("assignment", "items and members cannot be assigned: values never change",
                       f.span(f.first, f.prev), "make a new value, as in `xs = xs + [x]`", f.cut_line())
    if "TILDE" in f.types():
        return Finding("assignment", "'=' does not compare", f.span(), "write `==` to compare",
                       f.cut_tokens(f.token, f.token, "<"))
    return None


def tilde(f: Failure) -> Finding | None:
    if f.kind != "TILDE":
        return None
    if f.brackets:
        return Finding("tilde", "'~' may not stand inside an expression", f.span(),
                       "draw on a line of its own: `x ~ distribution`", f.cut_tokens(f.token, f.token, "<"))
    if f.first.type in EFFECTS and f.first.type != "OBSERVE":
        return Finding("tilde", f"'{f.first}' takes one value, without '~'", f.span(),
                       "write `observe value ~ distribution`", f.cut_line())
    if f.first.type == "OBSERVE" and "TILDE" in f.types():
        return Finding("tilde", "a second '~'", f.span(), "write `observe value ~ distribution`", f.cut_line())
    if f.types()[:2] == ["NAME", "COMMA"]:
        return Finding("tilde", "'~' draws one name", f.span(), "draw each name on a line of its own", f.cut_line())
    if f.types() and f.types()[0] == "NAME" and f.types()[1:2] in (["DOT"], ["LSQB"]):
        return Finding("tilde", "'~' draws a plain name", f.span(f.first, f.prev),
                       'write `x ~ distribution as "x {i}"` and collect the values: `xs = xs + [x]`', f.cut_line())
    if not f.line:
        return Finding("tilde", "a name is missing before '~'", f.span(), "write `x ~ distribution`", f.cut_line())
    return Finding("tilde", "'~' may not stand inside an expression", f.span(),
                   "draw on a line of its own: `x ~ distribution`; the operator is `not`", f.cut_line())


def missing_distribution(f: Failure) -> Finding | None:
    if not f.at_end or f.prev is None:
        return None
    if f.prev.type == "TILDE":
        return Finding("missing-distribution", "a distribution is missing after '~'", f.span(),
                       "write, say, `~ Normal(0.0, 1.0)` or `~ lm.text(context, max_tokens=20)`", f.cut_line())
    if f.first.type == "OBSERVE" and "TILDE" not in f.types():
        return Finding("missing-distribution", "'observe' needs a distribution", f.span(),
                       "write `observe value ~ distribution`, or `condition test`", f.cut_line())
    return None


def site(f: Failure) -> Finding | None:
    if f.prev is None or f.prev.type != "AS" or f.kind != "NAME" or f.first.type in ("IMPORT", "FROM"):
        return None
    return Finding("site", "the name of a site is a string", f.span(), f'write as "{f.token}"',
                   f.cut_tokens(f.prev, f.token))


def not_a_statement(f: Failure) -> Finding | None:
    """An expression alone on a line."""
    first = f.first.type
    if first not in VALUES or f.brackets or {"EQUAL", "TILDE", "AUGMENT"} & set(f.types()):
        return None
    if f.line and (f.at_end or f.kind in OPERATORS):
        compares = {"COMPARATOR", "IN", "AND", "OR"} & {*f.types(), f.kind}
        hint = "write `name = value`, or call a function"
        if compares:
            hint = "write `condition test` to demand that it holds"
        elif f.types() in (["STRING"], ["RAW_STRING"]):
            hint = "a comment begins with #"
        return Finding("no-statement", "this value is not used", f.span(f.first, f.last), hint, f.cut_line())
    if not f.line:
        return Finding("no-statement", f"no statement begins with '{str(f.token)[:20]}'", f.span(),
                       "a comment begins with #" if first in ("STRING", "RAW_STRING") else "write `name = value`",
                       f.cut_line())
    return None


FIRST = (effect_as_call, site_after_comma)
RULES = (colon_after_effect, site, missing_distribution, tilde, equal)
LAST = (not_a_statement,)
