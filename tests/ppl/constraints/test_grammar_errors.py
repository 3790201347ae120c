"""Mistakes in grammars: one clear error each, with line, column, and what to do."""

from __future__ import annotations

import pytest

from steersman.ppl.constraints import BadSource, ConstraintError, grammar

SYNTAX = [
    ('start: ("a"\n', 1, 12, r"unexpected end of the line; expected \)"),
    ('start: "a"\nother "b"\n', 2, 7, r"unexpected '\"b\"'; expected \., :, \{"),
    ('start: "a"? ?', 1, 13, "misplaced operator"),
    ('start: "a" -> B', 1, 15, r"expected a rule \(lower case\)"),
    ('start: "a" ~ 3..', 1, 17, "expected a number"),
    ('start: "a" b\nb: /x', 2, 4, "This / has no partner"),
    ('start: "a', 1, 8, 'This " has no partner'),
    ("start: 'a'", 1, 8, "double quotes"),
    ("start ::= \"a\"", 1, 8, "name: expansion"),
    ('start = "a"', 1, 7, "name: expansion"),
    ('start: "a"\n%foo bar', 2, 1, "expected %declare, %extend, %ignore, %import"),
    ('__x: "a"\nstart: __x', 1, 1, "unexpected '__x:'"),
]  # fmt: skip

NAMES = [
    ('start: "a"\n  | other', 2, 5, "the rule other is used but not defined\n.*\n.*\nDefined are: start"),
    ('start: A\nB: "x"', 1, 8, "the terminal A is used but not defined\n.*\n.*\nDefined are: B"),
    ('start: A\nA: "x" B', 2, 8, "the terminal B is used but not defined"),
    ('start: "x"\n%ignore SPACES', 2, 9, "the terminal SPACES is used but not defined"),
    ('start: F\n%import common.F', 1, 8, "the terminal F is used but not defined"),
    ('start: F\n%import nowhere.F', 2, 9, "no grammar 'nowhere.lark' to import"),
    ('start: "a"\nstart: "b"', 2, 1, "defined more than once"),
    ('start: p{"x"}\np{a, b}: a b', 1, 8, r"expected 2, got 1"),
    ('start: q{"x"}', 1, 8, "Template 'q' used but not defined"),
    ('start: A\n%declare A', 1, 8, "A is declared, but nothing says what it matches"),
    ('start: "b" x\n%declare x', 1, 12, "x is declared, but nothing says"),
    ('start: A\nA: B\n%declare B', 2, 4, "B is declared, but nothing says"),
    ('x: "a"\ny: "b"', None, None, r"no rule 'start' to start with\nName one as grammar\(source, start=...\): x, y"),
    ("", None, None, "It has no rule at all"),
    ("start{x}: x", 1, 1, "start is a template"),
    ('start: "a"\n%extend b: "c"', 2, 9, "Can't extend rule b"),
    ('start: A\nA: b\nb: "x"', 2, 1, "Rules aren't allowed inside terminals"),
    ('start: A\nA: "x" A', 2, 1, "Recursion in terminal 'A'"),
    ('start: _x\n_x: "a" -> b', 2, 1, "isn't allowed to have aliases"),
]  # fmt: skip

LANGUAGES = [
    ('start: "a" start', 1, 1, "the rule start can never finish: .*\n.*\n.*\nAdd an alternative that ends"),
    ('start: x | "y"\nx: "a" x', 2, 1, "the rule x can never finish"),
    ('start: x\nx: y "a"\ny: x "b" | y', 2, 1, "the rule x can never finish"),
    ('start: x+\nx: "(" x ")"', 2, 1, "the rule x can never finish"),
    ('start: p{"a"}\np{x}: x p{x}', 2, 1, "the rule p can never finish"),
    (r'start: "b" | /[^\s\S]/', 1, 14, "matches no text at all"),
    ('start: "b" /a*/', 1, 12, r"the terminal /a\*/ can match the empty text\n.*\n.*\nLet it match at least one"),
    ('start: "b" X\nX: "a"?', 2, 1, "the terminal X can match the empty text"),
    ('start: "b"\n%ignore / */', 2, 9, r"the terminal / \*/ can match the empty text"),
    ('start: ""', 1, 8, "Empty terminals"),
    ('start: B\nB:', 2, 1, "Terminals cannot be empty"),
]  # fmt: skip

PATTERNS = [
    ('start: "x"\n | /[/', 2, 5, "bad regular expression: unterminated character set"),
    ('start: "x" /a(b/', 1, 14, "bad regular expression"),
    (r"start: /\p{L}/", 1, 9, r"Python's re does not know \\p"),
    ("start: /a(?=b)/", 1, 8, "uses a lookahead\n.*\n.*\nA terminal is read by itself"),
    ("start: X\nX: /(?!if)[a-z]+/", 2, 1, "the terminal X cannot be used: it uses a lookahead"),
    ("start: /(?<=a)b/", 1, 8, "looks at what comes before the terminal"),
    ("start: /a(?<=xa)b/", 1, 8, "it uses a lookbehind"),
    (r"start: /\bif\b/", 1, 8, r"it uses an anchor\n.*\n.*\n.*leave out \^, \$"),
    ("start: /^a$/", 1, 8, "it uses an anchor"),
    (r"start: /(a|b)\1/", 1, 8, "it uses a backreference\n.*\n.*\nSpell out the alternatives"),
    ("start: /(a)?(?(1)b|c)/", 1, 8, "it uses a backreference"),
    ("start: /a++b/", 1, 8, "possessive quantifier\n.*\n.*\nWrite an ordinary group"),
    ("start: /(?>a|ab)c/", 1, 8, "atomic group"),
    ("start: /(a{200}){200}/", 1, 8, "its automaton is too large\n.*\n.*\nUse smaller counts"),
    ("start: /a/l", 1, 8, "bad regular expression"),
    ('start: "ab".."z"', 1, 8, "from one character to another"),
    ('start: "b" "a"~3..2', 1, 16, "from the smaller number to the larger"),
    ('start: "\\"', 1, 8, "Literal ended unexpectedly"),
]  # fmt: skip

FOREIGN = [
    ('start: a[max_tokens=3]\na: "x"', 1, 20, r"max_tokens=, stop= and temperature= belong to lm\.text"),
    ('start: a\na[max_tokens=3]: /x+/', 2, 2, r"belong to lm\.text"),
    ('start: a\na[stop="x"]: /x+/', 2, 2, r"belong to lm\.text"),
    ('start: a\na[capture]: "x"', 2, 2, r"belong to lm\.text"),
    ("start: A & B", 1, 10, r"grammar\(\.\.\.\) & regex\(\.\.\.\)"),
    ('start: %json {"type": "string"}', 1, 8, "another grammar engine"),
    ('%llguidance {"no_forcing": false}\nstart: "a"', 1, 1, "another grammar engine"),
    ("start: <|end|>", 1, 8, "Special tokens are no text"),
    ("start: <think>", 1, 8, "Special tokens are no text"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "column", "message"), [*SYNTAX, *NAMES, *LANGUAGES, *PATTERNS, *FOREIGN])
def test_mistakes(source: str, line: int | None, column: int | None, message: str) -> None:
    """Each mistake is a BadSource that says where, shows the line, and what to do, whatever Lark or `re` raise."""
    with pytest.raises(BadSource, match=message) as caught:
        grammar(source)
    error = caught.value
    assert (error.line, error.column) == (line, column), error
    assert isinstance(error, ConstraintError) and str(error).startswith("grammar")
    if line is not None and column is not None:
        shown = source.splitlines()[line - 1]
        assert f"\n    {shown}\n    {' ' * (column - 1)}^" in str(error)
    assert error.__cause__ is None


def test_the_same_mistake_is_reported_again() -> None:
    """Errors are not kept, and a grammar that is put right is read."""
    for _ in range(2):
        with pytest.raises(BadSource, match="used but not defined"):
            grammar("start: x")
    assert grammar('start: x\nx: "a"').matches("a")
