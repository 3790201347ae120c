"""The built-ins: every example of the table is true, and what they compute is right."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
from unchecked import LM, evaluate, failure, unchecked

from steersman.ppl.language.kinds import kind_of
from steersman.ppl.language.library import DISTRIBUTIONS, FUNCTIONS, MEMBERS, Builtin
from steersman.ppl.language.library.masks import KEPT
from steersman.ppl.language.library.syllables import syllables_of


def every() -> Iterator[tuple[str, Builtin]]:
    for name, builtin in FUNCTIONS.items():
        yield name, builtin
    for kind, members in MEMBERS.items():
        for name, builtin in members.items():
            yield f"{kind}.{name}", builtin


@pytest.mark.parametrize(("name", "builtin"), list(every()), ids=lambda x: x if isinstance(x, str) else "")
def test_the_table_is_true(name: str, builtin: Builtin) -> None:
    """Each has one line of doc; each example evaluates to a value of the promised kind, and is about its built-in."""
    assert builtin.doc
    assert builtin.doc.endswith(".")
    assert "\n" not in builtin.doc
    if builtin.example is None:
        return
    assert f"{builtin.name}(" in builtin.example
    kind = kind_of(evaluate(builtin.example))
    assert builtin.returns in ("any", kind) or (builtin.returns == "float" and kind == "int")


@pytest.mark.parametrize(("expression", "value"), [
    ("len([1, [2, 3]])", 2), ('len("été")', 3), ('len({"a": 1})', 1), ('len(lm.context("ab"))', 2),
    ("range(2, 9, 3)", [2, 5, 8]), ("range(3, 0, -1)", [3, 2, 1]), ("range(-2)", []),
    ("min([3, 1, 2])", 1), ('max("a", "b")', "b"), ("max([[1, 2], [1, 3]])", [1, 3]), ("sum([])", 0),
    ("sum([True, False, True])", 2), ("round(2.5)", 2), ("round(1234, -2)", 1200), ("int(-2.7)", -2),
    ("floor(-2.1)", -3),
    ("ceil(-2.9)", -2), ("abs(-3.5)", 3.5), ("exp(1.0)", math.e), ("log(exp(2.0))", 2.0), ("sqrt(2.0)", math.sqrt(2)),
    ("sorted([3, 1, 2], reverse=True)", [3, 2, 1]), ("sorted([[2, 1], [1, 2]])", [[1, 2], [2, 1]]),
    ('sorted(["bb", "a"], key=size)', ["a", "bb"]), ("reversed([1, 2])", [2, 1]),
    ('list({"a": 1, "b": 2})', ["a", "b"]),
    ('enumerate(["x"], 1)', [[1, "x"]]), ("zip([1, 2, 3], [4, 5])", [[1, 4], [2, 5]]), ("any([])", False),
    ("all([])", True),
    ('contains_any("abc", ["zz", "bc"])', True), ('contains_any("abc", "")', False), ('count("aaaa", "aa")', 2),
    ('"a,b,,c".split(",")', ["a", "b", "", "c"]), ('" a  b ".split()', ["a", "b"]), ('"-".join(["a", "b"])', "a-b"),
    ('"Hello".replace("l", "L")', "HeLLo"), ('"abc".endswith(["x", "bc"])', True), ('"aXb".lower().title()', "Axb"),
    ('"abc"[::-1] + "abc"[1] + "abc"[-1]', "cbabc"), ('"b" in {"b": 1}', True), ("2 in [1, 2]", True),
    ("[1, 2] == [1, 2.0]", True), ("[1] == (1)", False), ('{"a": [1]} == {"a": [1]}', True), ("1 < 2 < 3 < 3", False),
    ("1 if [] else 2", 2), ("0 or 5", 5), ("1 and 0", 0), ("not 3", False), ("-7 // 2", -4), ("-7 % 3", 2),
    ("2 ** -1", 0.5),
    ("2 ** 0.5", 2**0.5), ("7 / 2", 3.5), ("[1] * 3", [1, 1, 1]), ('3 * "ab"', "ababab"), ("[1, 2, 3][1:]", [2, 3]),
    ('"{1.5:.2f} {3:03d} {0.25:.0%} {True} {None}"', "1.50 003 25% True None"), ("\"{[1, 'x']}\"", "[1, 'x']"),
    ("[x * y for x in range(3) if x for y in [10, 100]]", [10, 100, 20, 200]),
    ("[a for a, b in [[1, 2], [3, 4]]]", [1, 3]),
    ('{"a": 1}.get("b")', None), ('{"a": 1}.items()', [["a", 1]]), ('words_of("It\'s a well-known, old hill.")',
     ["It's", "a", "well-known", "old", "hill"]),
     ('sentences_of("Go! \\"Stop.\\" Why? so")', ["Go!", '"Stop."', "Why?", "so"]),
    ('syllables("An old silent pond")', 5), ('syllables("")', 0), ('matches("aab", r"a*b")', True),
    ('matches("aabc", r"a*b")', False), ('find("one 12 two 345", r"[0-9]+")', "12"), ('find("abc", r"x+")', None),
    ('find("the été 5", r"[a-zé]+ [0-9]")', "été 5"), ('find("aaa", r"a{2}|aaa")', "aaa"),
    ('parse_json("[1, 2.5, true, null, \\"x\\"]")', [1, 2.5, True, None, "x"]),
    ('to_json([1, {"a": "é"}])', '[1, {"a": "é"}]'),
    ('str(lm.context("ab"))', "ab"), ('lm.encode("ab")', [1, 2]), ("lm.eos", [0]),
    ('(lm.context("a") + 2).tokens', [1, 2]),
    ('regex("a+").then(regex("b")).matches("aab")', True), ('(regex("a") | regex("b")).matches("b")', True),
    ('(regex("a.") & regex(".b")).matches("ab")', True), ("lm.tokens_in([1, 3])[3]", True),
    ("(lm.tokens_in([1]) | lm.tokens_in([2]))[2]", True), ("(lm.tokens_in([1]) & lm.tokens_in([2]))[2]", False),
])
def test_values(expression: str, value: object) -> None:
    """As Python would have it, where Python has it; lists in place of tuples."""
    found = evaluate(expression, before="def size(x):\n    return len(x)\n")
    assert found == value
    assert type(found) is type(value) or isinstance(found, (list, dict))


@pytest.mark.parametrize(("expression", "code", "words"), [
    ("1 / 0", "value", "zero"), ("[1][1]", "value", "item 1"), ('{"a": 1}["b"]', "value", "'b'"),
    ('int("x")', "value", "'x'"),
    (r"""parse_json(r'["\ud800"]')""", "value", "half a character"),
    ('lm.context("a").next_token()', "unknown-member", ".next_token"),
    ("log(0)", "value", "log"), ("sqrt(-1)", "value", "negative"), ("(-8) ** 0.5", "value", "real"),
    ('1 + "a"', "kind", "join"),
    ('"%d" % 3', "kind", "%"), ('len(1)', "kind", "len"), ("len()", "arguments", "needs"),
    ("len(1, 2)", "arguments", "at most"),
    ("round(1.5, digit=2)", "arguments", "'digit'"), ('"a".uper()', "unknown-member", ".uper"),
    ("max([])", "value", "empty"),
    ('lm.next("a").masked([])', "value", "masked"), ('lm.next("a").masked(["a"])', "kind", "token"),
    ("1.5 in 2", "kind", "in"),
    ('lm.text("a", max_tokens=0)', "value", "max_tokens"), ('lm.text("zz", max_tokens=1)', "value", "vocabulary"),
    ('"a".finish', "kind", "drawn"), ("not lm", "kind", "true nor false"), ('regex("(a")', "value", "missing )"),
    ("Normal(0, 1, 2)", "arguments", "Normal"), ('Normal("a", 1)', "kind", "loc"),
    ("Categorical([0.5, f])", "kind", "numbers"),
    ("f(1, 2)", "arguments", "takes 1"), ("f()", "arguments", "'x'"), ("f(y=1)", "arguments", "'y'"),
    ("lm(1)", "kind", "called"),
    ("[a for a, b in [[1, 2, 3]]]", "value", "2 names"), ("[a for a in 5]", "kind", "loop"),
    ("lm.context(1)", "kind", "text"),
    ('lm.context("a") + 77', "value", "77"), ('lm.tokens_in([9])', "value", "9"), ("lm * 2", "kind", "*"),
])
def test_failures(expression: str, code: str, words: str) -> None:
    """Each mistake has a code, words that name it, its line and columns, a hint, and no address of Python's."""
    found = failure(expression)
    assert found.code == code
    assert words in found.message
    assert found.hint
    assert found.span.line == 6
    assert 12 <= found.span.column < found.span.end_column <= len(found.line) + 1
    assert not re.search(r"0x[0-9a-f]{6}|Traceback|<function|object at", str(found))


def test_distributions_have_numpyros_names() -> None:
    """The usual ones without NumPyro; arguments by their names there; lists become arrays."""
    normal = DISTRIBUTIONS["Normal"]
    assert [a.name for a in normal.arguments] == ["loc", "scale"]
    assert not any(a.required for a in normal.arguments)
    assert "StudentT" in DISTRIBUTIONS
    assert "TransformedDistribution" not in DISTRIBUTIONS
    assert "numpyro" not in DISTRIBUTIONS
    assert repr(evaluate("StudentT(3, loc=1)")) == "StudentT(3, 1)"
    assert evaluate("Categorical([0.5, 0.5])").args[0].tolist() == [0.5, 0.5]
    mixture = evaluate("MixtureSameFamily(Categorical([0.5, 0.5]), Normal([0.0, 1.0], 1.0))")
    assert mixture.numpyro().log_prob(0.0) < 0
    assert all(builtin.returns == "distribution" for builtin in DISTRIBUTIONS.values())


def test_a_mask_is_made_once() -> None:
    """`tokens_where` asks a def about each token once, whatever the arguments are called; others make other masks."""
    arguments = ["'a'", "'a'", "'a', 0", "'a', 0.0", "'a', False"]
    source = ("def has(piece, c, n=1):\n    return piece.count(c) == n\n\n"
              f"def masks():\n    return [{', '.join(f'lm.tokens_where(has, {a})' for a in arguments)}]\n")
    one, again, other, *same = unchecked(source).functions["masks"]()
    assert one is again
    assert one.tolist() == LM.tokens_where(lambda piece: piece.count("a") == 1).tolist()
    assert other.tolist() == (~one).tolist() == same[0].tolist()
    assert not one.flags.writeable


def test_masks_are_forgotten() -> None:
    """The masks of a file are bounded; the least recently used goes first and is made again."""
    source = ("def has(piece, n):\n    return len(piece) == n\n\n"
              "def mask(n):\n    return lm.tokens_where(has, n)\n")
    module = unchecked(source)
    first, second = (module.functions["mask"](n) for n in (0, 1))
    for n in range(2, KEPT):
        module.functions["mask"](n)
    assert module.functions["mask"](0) is first
    module.functions["mask"](KEPT)
    assert module.functions["mask"](0) is first
    assert module.functions["mask"](1) is not second
    assert len(module.functions["has"].masks.kept) == KEPT


# Counted by hand; not the list of exceptions.
SYLLABLES = {
    1: "cat stone bridge house smile walked jumped cakes makes lives strength school through thought caught laughed "
       "played "
       "clouds leaves dance danced worlds knife wives shade hoped looked stopped breeze true tied cried blue",
    2: "water mountain garden window little table simple purple gentle rabbit sunset summer silence whisper wanted "
       "needed "
       "horses houses bridges voices watches boxes running lonely hopeless sometimes yellow money tonight began "
       "ocean quiet "
       "lion poem over teacher brother castle pocket kitchen puddle wooden wished-for river cookie bottle",
    3: "beautiful family animal elephant butterfly umbrella banana tomato quietly suddenly yesterday tomorrow december "
       "imagine created radio piano idea cinema energy melody mystery wonderful waterfall hospital computer completely",
    4: "january february watermelon alligator information education everybody impossible particular experience society",
    5: "imagination university immediately opportunity vocabulary",
}


def test_syllables() -> None:
    """At least nineteen words of twenty are counted right, none by more than one syllable wrong."""
    words = [(word, k) for k, some in SYLLABLES.items() for word in some.split() if "-" not in word]
    wrong = [(word, k, syllables_of(word)) for word, k in words if syllables_of(word) != k]
    assert len(words) > 120
    assert len(wrong) <= len(words) // 20, wrong
    assert all(abs(k - found) <= 1 for _, k, found in wrong)
    assert syllables_of("hmm") == 1
    assert syllables_of("42") == 2
