"""Effects where they may not stand, and what runs never, always or for ever."""

import pytest
from marked import assert_only, body

EFFECTS = [
    ("misplaced-effect", "condition a and «lm.score(s, s)» > 1", "lm.score cannot stand on the right of 'and'",
     "assign it before: x = lm.score(...)"),
    ("misplaced-effect", "factor 1 if a else «reward('r', s)»",
     "reward cannot stand in a branch of a conditional expression",
     None),
    ("misplaced-effect", "condition [«lm.score(s, w)» for w in a] == []", "lm.score cannot stand in a comprehension",
     None),
    ("misplaced-effect", "condition 1 < n < «lm.score(s, s)»",
     "lm.score cannot stand after the first comparison of a chain", None),
    ("misplaced-effect", "condition a as \"{«lm.score(s, s)»}\"", "lm.score cannot stand in the name of a site", None),
    ("outside-loop", "«break»", "'break' outside a loop", "write return to end the program"),
    ("outside-loop", "if a:\n    «continue»", "'continue' outside a loop", None),
]
DEFS = [
    ("effect-in-def", "«x ~ Normal(0, 1)»", "'~' cannot stand in a def", "make it a program: program f(...)"),
    ("effect-in-def", "x = 1\n    «observe x ~ Normal(0, 1)»", "'observe' cannot stand in a def", None),
    ("effect-in-def", "«condition a»", "'condition' cannot stand in a def", None),
    ("effect-in-def", "«twist 3»", "'twist' cannot stand in a def", None),
    ("effect-in-def", "x = «lm.score(a, a)»", "a def cannot call lm.score", None),
    ("effect-in-def", "x = «draws()»", "a def cannot call the program draws", "make it a program"),
]
FLOW = [
    ("unreachable", "return drawn\n«factor 1»\nfactor 2", "no run comes here",
     "remove it, or what ends the run before"),
    ("unreachable", "for w in a:\n    break\n    «factor 1»", "no run comes here", None),
    ("unreachable", "if a:\n    return 1\nelse:\n    return 2\n«factor 1»", "no run comes here", None),
    ("unreachable", "if a:\n    condition False\n    «factor 1»", "no run comes here", None),
    ("unreachable", "for w in [1, 2]:\n    return w\n«factor 1»", "no run comes here", None),
    ("unreachable", "while True:\n    if a:\n        return 1\n«factor 1»", "no run comes here", None),
    ("endless-loop", "while «True»:\n    n += 1",
     "this loop cannot end once it has begun: it has no break and no return",
     "add a break, or write for _ in range(n): to bound it"),
    ("endless-loop", "k = 0\nwhile «k < 3»:\n    n += 1\n    factor n",
     "this loop cannot end once it has begun: nothing in it changes 'k'", None),
    ("endless-loop", "while «True»:\n    for w in a:\n        break",
     "this loop cannot end once it has begun: it has no break and no return", None),
    ("constant-condition", "if «1 > 2»:\n    factor 1", "this is always false", None),
    ("constant-condition", "if len([a]) != «lm.eos»:\n    factor 1",
     "'!=' between a whole number and a list is always true", "write x in xs, or x not in xs"),
    ("constant-condition", "if a:\n    factor 2\nelif «True»:\n    factor 1", "this is always true", None),
    ("constant-condition", "while «False»:\n    factor 1", "this is always false", None),
    ("never-met", "«condition False»", "this condition is never met: every run ends here", None),
    ("never-met", "k = 3\n«condition k > 4»", "this condition is never met: every run ends here", None),
    ("unused-value", "«s.upper()»", "the value of this call is not used", "assign it: x = ..."),
    ("unused-value", "«lm.text(s, max_tokens=3)»", "nothing is drawn here", "draw from it: x ~ ..."),
]


@pytest.mark.parametrize(("code", "text", "message", "hint"), [*EFFECTS, *FLOW])
def test_what_a_program_cannot_do_is_found_where_it_stands_and_once(
    code: str, text: str, message: str, hint: str | None
) -> None:
    """The place is that of the statement, the test or the call."""
    source = body(text)
    if (text.endswith("factor 1»") and "return 2" in text) or "for w in [1" in text or "while True:\n    if" in text \
            or text.startswith("return"):
        source = source.removesuffix("    return drawn\n")
    assert_only(code, source, message, hint)


@pytest.mark.parametrize(("code", "text", "message", "hint"), DEFS)
def test_a_def_has_no_effects(code: str, text: str, message: str, hint: str | None) -> None:
    """It neither draws nor weighs nor scores, nor calls what does."""
    draws = "program draws():\n    x ~ Normal(0, 1)\n    return x\n\n"
    after = "\n    return x\n" if "x " in text else "\n    return a\n"
    assert_only(code, f"{draws}def f(a):\n    {text}{after}", message, hint)


def test_constants_and_defaults_have_no_effects() -> None:
    """They are evaluated before anything runs."""
    assert_only("misplaced-effect", "X = «lm.score('a', 'b')»\n", "lm.score cannot stand in a constant")
    assert_only("misplaced-effect", "def f(x=«reward('a', 'b')»):\n    return x\n",
                "reward cannot stand in a default value")


def test_a_program_that_does_nothing() -> None:
    """A program without choices and weights is probably meant to be a def."""
    assert_only("no-effect", "program «f»(a):\n    return a\n", "the program f makes no choices and weighs nothing",
                "draw something (x ~ ...), or make it a def")
