"""Statements where they may not stand."""

from __future__ import annotations

from .failure import Failure, Finding

INSIDE = {"IF", "FOR", "WHILE", "RETURN", "OBSERVE", "CONDITION", "FACTOR", "TWIST", "BREAK", "CONTINUE", "PASS"}
OUTSIDE = {"PROGRAM", "DEF", "MODEL", "IMPORT", "FROM"}


def outside_program(f: Failure) -> Finding | None:
    if not f.top or (f.header is not None and "_DEDENT" in f.accepts):
        return None
    alone = f.kind in INSIDE and not f.line
    begun = bool(f.line) and f.first.type == "NAME" and f.kind in ("TILDE", "LPAR", "AUGMENT", "DOT", "LSQB")
    if not (alone or begun) or (begun and len(f.line) != 1):
        return None
    if f.kind == "IF" and f.next is not None and f.next == "__name__":
        return Finding("outside-program", "there is no __name__", f.span(),
                       "leave this block out: the program named main, or else the last, is run", None)
    if str(f.first) == "print":
        return None
    what = {"TILDE": "a draw", "LPAR": "a call", "AUGMENT": "an assignment with an operator"}.get(f.kind)
    what = f"'{f.token}'" if alone else what or "an expression"
    return Finding("outside-program", f"{what} stands outside a program", f.span(f.first, f.token),
                   "put it inside `program main():`, indented by 4 spaces", None)


def inside_block(f: Failure) -> Finding | None:
    if f.kind not in OUTSIDE or f.line or f.top:
        return None
    return Finding("nested-definition", f"'{f.token}' stands inside a block", f.span(),
                   "put it at the beginning of a line, before or after the program", f.cut_line())


def without_if(f: Failure) -> Finding | None:
    if f.kind not in ("ELIF", "ELSE") or f.line:
        return None
    if f.next is not None and f.next.type == "IF":
        return Finding("foreign-word", "there is no 'else if'", f.span(f.token, f.next), "write `elif`", f.cut_line())
    return Finding("else-without-if", f"'{f.token}' follows no 'if' of the same indentation", f.span(),
                   "align it with its `if`; loops have no else",
                   f.cut_tokens(f.token, f.token, "if 0" if f.kind == "ELSE" else "if"))


RULES = (outside_program, inside_block, without_if)
