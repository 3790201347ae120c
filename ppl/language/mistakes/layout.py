"""Mistakes with brackets, colons and indentation."""

from __future__ import annotations

from lark import Token

from .failure import CLOSER, HEADERS, Failure, Finding, end_of, line_end, start_of

SIGNS = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}


STATEMENTS = {
    "RETURN", "OBSERVE", "CONDITION", "FACTOR", "TWIST", "BREAK", "CONTINUE", "PASS", "WHILE", "PROGRAM", "DEF",
    "MODEL", "IMPORT", "FROM", "ELIF",
}


def unclosed_bracket(f: Failure) -> Finding | None:
    """The next statement, or the colon of a header, stands inside a bracket."""
    if not f.brackets or f.kind in CLOSER.values():
        return None
    bracket, t, prev = f.brackets[-1], f.token, f.prev
    later = prev is not None and (prev.line or 0) < (t.line or 0)
    outside = later and ((t.column or 0) <= (f.first.column or 0) or f.kind in STATEMENTS)
    swallowed = f.kind in ("EQUAL", "TILDE", "AUGMENT") and prev is not None and _begins_a_line(f, prev)
    header = f.first.type in HEADERS and bracket.type == "LPAR" and (
        (f.kind == "COLON" and f.next is not None and f.next.line != t.line)
        or (later and prev is not None and prev.type == "COLON")
    )
    if not (f.kind == "$END" or outside or swallowed or header):
        return None
    patched = None
    if header:
        patched = f.cut_line(line_end(f.text, start_of(bracket)))
    elif prev is not None and f.kind != "$END":  # all lines before the one that is not the bracket's
        patched = f.cut_line(f.text.rfind("\n", 0, start_of(prev if swallowed else t)))
    return Finding("unclosed-bracket", f"'{SIGNS[bracket.type]}' is never closed", f.span(bracket),
                   f"close it with '{SIGNS[CLOSER[bracket.type]]}'", patched)


def _begins_a_line(f: Failure, t: Token) -> bool:
    """Whether a token stands first in a line after that of the bracket, no deeper than the statement."""
    line = f.text[f.text.rfind("\n", 0, start_of(t)) + 1 : start_of(t)]
    return (t.line or 0) > (f.brackets[-1].line or 0) and not line.strip() and len(line) < (f.first.column or 0)


def stray_bracket(f: Failure) -> Finding | None:
    if f.kind not in CLOSER.values():
        return None
    sign = SIGNS[f.kind]
    if not f.brackets:
        return Finding("stray-bracket", f"'{sign}' closes nothing", f.span(), "remove it, or open a bracket before it",
                       f.cut_tokens(f.token, f.token))
    bracket = f.brackets[-1]
    if CLOSER[bracket.type] == f.kind:
        return None
    right, at = SIGNS[CLOSER[bracket.type]], start_of(f.token)
    if any(CLOSER[outer.type] == f.kind for outer in f.brackets):
        return Finding("unclosed-bracket", f"'{SIGNS[bracket.type]}' is not closed before '{sign}'", f.span(bracket),
                       f"close it with '{right}'", f.text[:at] + right + f.text[at:])
    opened = f"'{SIGNS[bracket.type]}' of line {bracket.line}, column {bracket.column}"
    return Finding("stray-bracket", f"'{sign}' does not close the {opened}", f.span(), f"write '{right}'",
                   f.cut_tokens(f.token, f.token, right))


def tabs(f: Failure) -> Finding | None:
    if f.kind != "BAD_TAB":
        return None
    return Finding("tabs", "tabs and spaces are mixed in the indentation", f.span(),
                   "indent every line with spaces, 4 for each level", None)


def dedent(f: Failure) -> Finding | None:
    if f.kind != "BAD_DEDENT":
        return None
    return Finding("indentation", "this line is indented like none of the blocks around it", f.span(),
                   "indent it exactly as the other lines of its block", None)


def missing_block(f: Failure) -> Finding | None:
    if "_INDENT" not in f.accepts or f.line:
        return None
    head = f.header
    if head is None:
        return None
    at = f.text.rfind(":", start_of(head), start_of(f.token))
    return Finding("missing-block", f"an indented block is missing after the '{head}' of line {head.line}",
                   f.span(head), "indent the lines of the block by 4 spaces more, or write `pass`",
                   f.text[: at + 1] + " pass" + f.text[at + 1 :])


def indentation(f: Failure) -> Finding | None:
    if f.kind != "_INDENT":
        return None
    if f.header is None:
        return Finding("indentation", "the first line is indented", f.span(), "remove the indentation of every line",
                       None)
    return Finding("indentation", "this line is indented more than the line above allows", f.span(),
                   "align it with the line above; only a line that ends in ':' begins a block", None)


def colon(f: Failure) -> Finding | None:
    if "COLON" not in f.accepts or f.first.type not in HEADERS or f.brackets or f.prev is None:
        return None
    at = end_of(f.prev)
    if f.at_end:
        return Finding("missing-colon", f"':' is missing at the end of the '{f.first}' line", f.span(),
                       "end the line with ':'", f.text[:at] + ":" + f.text[at:])
    if str(f.token) in ("then", "do", "{"):
        return Finding("missing-colon", f"':' stands where '{f.token}' is", f.span(), "write ':' and indent the block",
                       f.cut_line())
    return None


RULES = (unclosed_bracket, stray_bracket, tabs, dedent, missing_block, indentation, colon)
