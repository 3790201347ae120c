"""What is written in another way than in Python: types, imports, ranges, parentheses."""

from __future__ import annotations

from .failure import HEADERS, Failure, Finding, end_of, line_end, start_of


def parentheses(f: Failure) -> Finding | None:
    """`program main:`."""
    if f.kind != "COLON" or f.types() not in (["PROGRAM", "NAME"], ["DEF", "NAME"]):
        return None
    at = start_of(f.token)
    return Finding("missing-parentheses", f"parentheses are missing after '{f.prev}'", f.span(),
                   f"write `{f.first} {f.prev}():`", f.text[:at] + "()" + f.text[at:])


def argument(f: Failure) -> Finding | None:
    """`lm.text(context, stop: ".")`."""
    if f.kind != "COLON" or not f.brackets or f.brackets[-1].type != "LPAR" or f.first.type in HEADERS:
        return None
    if f.prev is None or f.prev.type != "NAME" or f.line[-2].type not in ("LPAR", "COMMA"):
        return None
    return Finding("argument", "':' does not give an argument its value", f.span(), f"write `{f.prev}=value`",
                   f.cut_tokens(f.token, f.token, "="))


def annotation(f: Failure) -> Finding | None:
    """`x: int = 3`, and parameters such as `xs: list[str]`."""
    if f.kind == "COLON" and f.types() == ["NAME"] and "EQUAL" in f.accepts:
        sign = next((t for t in f.rest if t.type in ("EQUAL", "TILDE")), None)
        patched = f.cut_line() if sign is None else f.cut(start_of(f.token), start_of(sign))
        return Finding("annotation", "variables have no types", f.span(), f"write `{f.first} = value`", patched)
    if f.first.type not in ("PROGRAM", "DEF") or f.kind not in ("LSQB", "BAR", "DOT") or "EQUAL" not in f.accepts:
        return None
    depth, stop = 0, end_of(f.token)
    for t in [f.token, *f.rest]:
        if depth == 0 and t.type in ("COMMA", "RPAR", "EQUAL"):
            break
        depth += (t.type in ("LSQB", "LPAR")) - (t.type in ("RSQB", "RPAR"))
        stop = end_of(t)
    return Finding("annotation", "types of parameters have no parts", f.span(),
                   "write one of str, int, float, bool, list, dict, or leave the type out",
                   f.cut(start_of(f.token), stop))


def imports(f: Failure) -> Finding | None:
    if f.first.type not in ("IMPORT", "FROM") or not f.line:
        return None
    end = line_end(f.text, start_of(f.token))
    if f.kind == "DOT":
        return Finding("import", "a module is one .steer file beside this one", f.span(),
                       "write `import name` or `from name import one, another`; nothing of Python can be imported",
                       f.cut_line())
    if f.kind == "STAR":
        return Finding("import", "every name is imported by itself", f.span(), "write `from name import one, another`",
                       f.cut_tokens(f.token, f.token, "_"))
    if f.first.type == "IMPORT" and f.kind == "COMMA":
        return Finding("import", "one module is imported on a line", f.span(), "write each import on a line of its own",
                       f.cut(start_of(f.token), end))
    return None


def ranges(f: Failure) -> Finding | None:
    """`for i in 0..5`."""
    prev = f.prev
    if f.kind not in ("NUMBER", "DOT") or prev is None or prev.type != "NUMBER" or end_of(prev) != start_of(f.token):
        return None
    if not str(prev).endswith("."):
        return None
    return Finding("foreign-operator", "there is no '..'", f.span(prev, f.token), "write range(first, end)",
                   f.cut_line())


def ellipsis(f: Failure) -> Finding | None:
    if f.kind != "DOT" or [t.type for t in f.rest[:2]] != ["DOT", "DOT"]:
        return None
    return Finding("foreign-operator", "'...' is no value", f.span(f.token, f.rest[1]),
                   "write `pass`, or what is meant", f.cut_tokens(f.token, f.rest[1], "pass" if not f.line else "0"))


def for_parentheses(f: Failure) -> Finding | None:
    if f.kind != "LPAR" or f.prev is None or f.prev.type != "FOR":
        return None
    close = next((t for t in f.rest if t.type == "RPAR"), None)
    patched = f.cut_line()
    if close is not None:
        opened = f.cut_tokens(f.token, f.token)
        patched = opened[: start_of(close)] + " " + opened[end_of(close) :]
    return Finding("tuple", "the names after 'for' stand without parentheses", f.span(), "write `for a, b in pairs:`",
                   patched)


FIRST = (imports,)
RULES = (parentheses, argument, for_parentheses, annotation, ranges, ellipsis)
