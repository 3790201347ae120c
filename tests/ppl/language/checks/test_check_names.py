"""Names that nothing defines, that have no value yet, that are taken, and that nobody uses."""

import pytest
from marked import assert_only, body

BODIES = [
    ("unknown-name", "x ~ «Gaussian»(0, 1)", "unknown name 'Gaussian'", "did you mean 'Normal'?"),
    ("unknown-name", "x ~ «Normall»(0, 1)", "unknown name 'Normall'", "did you mean 'Normal'?"),
    ("unknown-name", "condition «syllable»(s) == 3", "unknown name 'syllable'", "did you mean 'syllables'?"),
    ("unknown-name", "condition «drwn» > 0", "unknown name 'drwn'", "did you mean 'drawn'?"),
    ("unknown-name", "condition «qq» > 0\ncondition qq + qq < 3", "unknown name 'qq'", None),
    ("unknown-name", "factor «length»(s)", "unknown name 'length'", "did you mean 'len'?"),
    ("unknown-name", 'condition "a {«drwan»}" == s', "unknown name 'drwan'", "did you mean 'drawn'?"),
    ("unknown-name", "x ~ «llm».text(s, max_tokens=3)", "unknown name 'llm'", "did you mean 'lm'?"),
    ("unknown-name", "condition [k for k in a if «j» > 0] == []", "unknown name 'j'", None),
    ("unassigned", "y = «z» + 1\nz = y\nfactor z", "'z' is used before it is assigned", "assign 'z' before this line"),
    ("unassigned", "«found» += 1", "'found' is used before it is assigned", None),
    ("unassigned", "if a:\n    factor «k»\nk = 1\nfactor k", "'k' is used before it is assigned", None),
    ("maybe-unassigned", "if a:\n    k = 1\nfactor «k»", "'k' may not be assigned here",
     "assign 'k' before, on every path"),
    ("maybe-unassigned", "for w in a:\n    k = 1\nfactor «k» + k", "'k' may not be assigned here", None),
    ("maybe-unassigned", "while a > 1:\n    if n:\n        break\n    k = 1\n    a -= k\nfactor «k»",
     "'k' may not be assigned here", None),
    ("maybe-unassigned", "for w in a:\n    if w:\n        factor «last»\n    last = 1",
     "'last' may not be assigned here",
     None),
    ("unused-variable", "«k» = 1", "'k' is never used", "remove it, or call it _"),
    ("unused-variable", "if a:\n    «k» = len(s)\nelse:\n    k = 3", "'k' is never used", None),
    ("shadows", "«lm» = 3\nfactor lm", "'lm' is a model", "choose another name, such as lm_"),
    ("shadows", "for «Normal» in a:\n    pass", "'Normal' is a distribution", None),
    ("shadows", "«main» ~ Normal(0, 1)", "'main' is a program of this file", None),
    ("unknown-member", "factor len(s.«uper»())", "a string has no member 'uper'", "did you mean 'upper'?"),
    ("unknown-member", "t ~ lm.text(s, max_tokens=3)\ncondition t.«finsh» == 'stop'", "a string has no member 'finsh'",
     "did you mean 'finish'?"),
    ("unknown-member", "t ~ lm.«generate»(s, max_tokens=3)", "a model has no member 'generate'",
     "did you mean 'text'?"),
    ("unknown-member", "xs = [1]\nxs.«append»(2)", "a list has no member 'append'",
     "values never change: write xs = xs + [x]"),
    ("unknown-member", "condition lm.text(s, max_tokens=3).«finish» == 'stop'",
     "the distribution of a text has no member 'finish'", "draw from it first: x ~ ..."),
    ("unknown-member", "for _ in range(3):\n    t ~ lm.text(s, max_tokens=3)\n    condition t.«lenght» > 3",
     "a string has no member 'lenght'", None),
    ("private-member", "factor s.«__class__»", "'__class__' cannot be reached", "no member begins with an underscore"),
    ("private-member", "factor a.«_hidden»", "'_hidden' cannot be reached", None),
]
FILES = [
    ("shadows", "«len» = 3\n", "'len' is a built-in", "choose another name, such as len_"),
    ("shadows", "def «Normal»(x):\n    return x\n", "'Normal' is a distribution", None),
    ("shadows", "def f(«lm»):\n    return lm\n", "'lm' is a model", None),
    ("duplicate-definition", "X = 1\n«X» = 2\n", "'X' is defined twice: here and in line 1", "rename one of them"),
    ("duplicate-definition", "def f(x):\n    return x\nmodel «f»\n", "'f' is defined twice: here and in line 1", None),
    ("unassigned", "X = «Y»\nY = 1\n", "'Y' is used before it is defined", "define 'Y' further up"),
    ("unassigned", "X = «f»(1)\ndef f(x):\n    return x\n", "'f' is used before it is defined", None),
    ("unassigned", "def f(x=«Y»):\n    return x\nY = 1\n", "'Y' is used before it is defined", None),
    ("unknown-name", "def f(x=«y»):\n    return x\n", "unknown name 'y'", None),
]


@pytest.mark.parametrize(("code", "text", "message", "hint"), BODIES)
def test_a_mistake_in_a_body_is_found_where_it_stands_and_once(
    code: str, text: str, message: str, hint: str | None
) -> None:
    """One mistake is one diagnostic, with the place of the name; what depends on it is left alone."""
    assert_only(code, body(text), message, hint)


@pytest.mark.parametrize(("code", "text", "message", "hint"), FILES)
def test_a_mistake_at_the_top_level_is_found_where_it_stands_and_once(
    code: str, text: str, message: str, hint: str | None
) -> None:
    """The same of constants, definitions and models."""
    assert_only(code, text, message, hint)


def test_models_that_the_runner_lacks() -> None:
    """Those it has are listed; without a list none is checked."""
    text = "model planner, «critc»\n" + body("x ~ critc.text(s, max_tokens=3)\ny ~ planner.text(s, max_tokens=3)")
    assert_only("unknown-model", text, "there is no model 'critc'", "did you mean 'critic'?", models=("planner",
                "critic"))
    assert_only("unknown-model", text, "there is no model 'critc'", "the models are 'lm' and 'planner'",
                models=("planner", "lm"))


def test_models_that_are_not_declared() -> None:
    """The hint is the declaration."""
    assert_only("unknown-name", body("x ~ «planner».text(s, max_tokens=3)"), "unknown name 'planner'",
                "declare the model at the beginning of the file: model planner", models=("lm", "planner"))


def test_rewards_that_are_not_registered() -> None:
    """Those there are, are listed; None checks nothing."""
    text = body("factor reward(«'hapy'», s)")
    assert_only("unknown-reward", text, "unknown reward 'hapy'", "did you mean 'happy'?", rewards=("happy", "sad"))
    assert_only("unknown-reward", text, "unknown reward 'hapy'", "there are no rewards", rewards=())


def test_imports() -> None:
    """Modules and names that are not there, names that nobody uses, files that import themselves."""
    helpers = {"helpers": "LIMIT = 3\ndef plain(text):\n    return text\n"}
    use = body("factor plain(a)")
    assert_only("unknown-import", "«import nowhere»\n" + body("factor nowhere.x"), "there is no nowhere.steer",
                "is it beside this file?", files=helpers)
    assert_only("unknown-import", "from helpers import «plan»\n" + body("factor plan(a)"),
                "helpers does not define 'plan'", "did you mean 'plain'?", files=helpers)
    assert_only("unknown-import", "import helpers as h\n" + body("factor h.«plan»(a)"),
                "helpers does not define 'plan'", "did you mean 'plain'?", files=helpers)
    assert_only("unused-import", "from helpers import plain, «LIMIT»\n" + use, "'LIMIT' is imported and never used",
                "remove the import", files=helpers)
    assert_only("unused-import", "«import helpers»\n" + body(""), "'helpers' is imported and never used", files=helpers)
    assert_only("missing-argument", "from helpers import plain\n" + body("factor «plain()»"), "plain needs 'text'",
                files=helpers)
    assert_only("circular-import", "«import one»\n" + body("factor one.x"),
                "a file cannot import itself: one -> two -> one", files={"one": "import two\nx = two.y\n",
                "two": "import one\ny = one.x\n"})
