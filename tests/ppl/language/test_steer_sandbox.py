"""Known ways out of sandboxes of Python's, tried on the interpreter with and without the checks before it."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest
from unchecked import LM, evaluate, failure, unchecked

from steersman.inference import Importance, infer
from steersman.ppl.language import SteerError, compile_source, load
from steersman.ppl.language.library import FUNCTIONS, MEMBERS

REACHING = [
    '"".__class__', '"".__class__.__mro__[1].__subclasses__()', "[].__class__", "{}.__class__", "(1).__class__",
    "lm.__class__", "lm.__init__.__globals__", "lm.tokenizer", "lm._score_texts", "lm.draw_next", "lm.decoder",
    "lm.next_log_probs([], None, None)", 'lm.context("a").lm', 'lm.context("a").__class__', "f.__globals__",
    "f.__code__", "f.definition", "f.masks", "f.call", "f.body", "Normal(0, 1).maker", "Normal(0, 1).numpyro()",
    "Normal(0, 1).__reduce__()", 'regex("a").pattern', 'regex("a").__class__', "predicate(f).fn",
    "canonical().start(lm)",
    'lm.text("a", max_tokens=2).lm', 'lm.text("a", max_tokens=2).begin(None)', 'lm.next("a").lm', 'lm.next("a").draw',
    "lm.tokens_in([1]).dtype", "lm.tokens_in([1]).tofile", "lm.tokens_in([1]).__array__()", '"a".encode()',
    '"{x}".format(x=1)', '"a".format_map({})', '"a".translate({})', '"a".maketrans("a", "b")', "len.__self__",
    "[1].append(2)", "[1].sort()", "{1: 2}.update({3: 4})", "{1: 2}.setdefault(3, 4)", "lm.eos.__class__",
    "f.gi_frame", "f.__traceback__", "f.__wrapped__", "f.__signature__", "f.__call__", "f.limits",
]
NAMES = [
    "getattr", "setattr", "eval", "exec", "compile", "open", "globals", "locals", "vars", "dir", "type", "object",
    "__import__", "__builtins__", "__file__", "input", "memoryview", "breakpoint", "help", "id", "hash", "repr",
    "isinstance", "issubclass", "callable", "classmethod", "chr", "bytes", "frozenset", "map", "filter", "iter", "next",
    "np", "jax", "os", "sys", "steersman",
]


@pytest.mark.parametrize("expression", REACHING)
def test_no_attribute_outside_the_tables(expression: str) -> None:
    """Every member that is no built-in is refused, at its place."""
    assert failure(expression).span.line == 6
    with pytest.raises(SteerError):
        source = f"def f(x):\n    return True\n\ndef g():\n    return {expression}\n"
        compile_source(source, models={"lm": LM}).functions["g"]()


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_python(name: str) -> None:
    """Python's own built-ins and modules are unknown names, called or not."""
    assert failure(name).code == failure(f"{name}(lm)").code == "unknown-name"


def test_the_tables_have_no_private_names() -> None:
    """No built-in begins with an underscore, and no member is an attribute that happens to exist."""
    for table in (FUNCTIONS, *MEMBERS.values()):
        assert all(name.isidentifier() and not name.startswith("_") for name in table)


@pytest.mark.parametrize("spec", ["{x.__class__}", "{x!r}", "{x!a}", "{x:{y}}", "{x:>999999999}", "{x:.999999999f}",
                                  "{0.__class__}", "{x[0].__class__}", "{lm}", "{f}", "{lm.context}"])
def test_formats_reach_nothing(spec: str) -> None:
    """Interpolation writes numbers, texts, lists and contexts under narrow formats, and nothing else."""
    with pytest.raises(SteerError):
        unchecked(f'def f(x):\n    y = 1\n    return "{spec}"\n').functions["f"](1)


@pytest.mark.parametrize("text", ["{0.__class__}", "{lm.__class__}", "%(x)s", "{}", "{x}"])
def test_texts_from_outside_are_not_formats(text: str) -> None:
    """What an argument or a model writes is never interpolated again."""
    module = unchecked('def f(x):\n    return "<{x}>" + x\n')
    assert module.functions["f"](text) == f"<{text}>{text}"


def test_identifiers_are_not_normalised() -> None:
    """Letters that Python would fold to ASCII name nothing: no way round the tables by look-alikes."""
    for name in ("ｌen", "𝐥𝐞𝐧", "ｅval"):
        with pytest.raises(SteerError):
            unchecked(f'def f():\n    return {name}("a")\n')


@pytest.mark.parametrize("module", ["os", "sys", "steersman", "..secret", "../secret", "/etc/passwd", "secret.txt", ".",
                                    "sub.secret", "sub/secret", "link", "folder", "C:secret"])
def test_imports_stay_in_the_folder(module: str, tmp_path: Path) -> None:
    """Only regular .steer files directly beside the program can be imported; links out of the folder cannot."""
    (tmp_path / "secret.steer").write_text("def f():\n    return 1\n")
    inner = tmp_path / "inner"
    (inner / "folder.steer").mkdir(parents=True)
    (inner / "sub").mkdir()
    (inner / "sub" / "secret.steer").write_text("def f():\n    return 1\n")
    (inner / "link.steer").symlink_to(tmp_path / "secret.steer")
    (inner / "main.steer").write_text(f"import {module}\n\ndef g():\n    return {module}.f()\n")
    with pytest.raises(SteerError):
        load(inner / "main.steer", models={})


def test_imports_of_python_syntax() -> None:
    """`from os import path`, `import os as x`: there is no such file."""
    for line in ("from os import path", "import os as x", "from os.path import join", "import os.path"):
        with pytest.raises(SteerError):
            compile_source(f"{line}\n\ndef f():\n    return 1\n", models={})


def test_circles_of_imports(tmp_path: Path) -> None:
    """Files that import one another, or themselves, are refused rather than followed."""
    (tmp_path / "a.steer").write_text("import b\n\ndef f():\n    return b.g()\n")
    (tmp_path / "b.steer").write_text("import a\n\ndef g():\n    return a.f()\n")
    (tmp_path / "c.steer").write_text("import c\n\ndef g():\n    return c.g()\n")
    for name in ("a", "b", "c"):
        with pytest.raises(SteerError):
            load(tmp_path / f"{name}.steer", models={})


def test_what_leaves_the_language_is_plain() -> None:
    """Returned lists and dicts pickle as Python's own, and no pickle holds a closure of the interpreter."""
    module = unchecked('program p():\n    x ~ Bernoulli(0.5)\n    return [x, {"a": [1, "b"]}, None]\n')
    values = infer(module.main(), Importance(3), seed=0).values
    for value in values:
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert type(again) is list
        assert type(again[1]) is dict


def test_mutating_arguments_changes_nothing() -> None:
    """A list given to a program is copied: changing it afterwards does not reach a run."""
    module = unchecked("def f(xs):\n    return xs\n\nprogram p(xs: list):\n    return xs\n")
    given = [1, [2]]
    kept = module.functions["f"](given)
    given[1].append(3)  # type: ignore[attr-defined]
    assert kept == [1, [2]]


BOMBS = [
    '"a" * 10 ** 9', "[0] * 10 ** 9", "10 ** 10 ** 10", "9 ** 9 ** 9", "range(10 ** 9)", "range(10 ** 40)", "2 ** 4000",
    'list("a" * 900000)', '"a" * 900000 + "b" * 900000', '("b" * 900000).join(["a", "b", "c"])',
    '("a" * 900000).replace("a", "bbb")', '("a" * 900000).replace("", "bbb")', "[[0] * 1000] * 1000",
    "[x for x in range(1000) for y in range(1000)]", '["a" * 900000 for x in range(1000)]', 'int("9" * 5000)',
    "[range(900) for x in range(900)]", 'zip(range(90000), range(90000), range(90000))', "enumerate(range(90000))",
    "[x for a in range(9999) for b in range(9999) for c in range(9999) if False]", 'parse_json("[" * 100000)',
    '[["a" * 900000] * 2] * 2', 'to_json(["\\"" * 900000])', 'matches("a" * 200000, r"a")', 'matches("a", "a" * 2000)',
    "LKJ(10000)", "GaussianRandomWalk(1.0, 10 ** 9)",
    "ZeroSumNormal(1.0, [10000, 10000])", "Multinomial(10 ** 9, [0.5, 0.5])",
    "Normal([[x * 1.0] for x in range(9000)], range(1, 9000))", 'lm.text("a", max_tokens=10 ** 9)',
    'words(["a"], max=10 ** 9)', 'regex("a").repeat(10 ** 9)', 'regex("a" * 30000)', 'lm.context("a" * 900000)',
    "{x: 1 for x in range(3)}", "max(range(10 ** 9))", 'sorted(range(10 ** 9))', "sum([10 ** 999] * 90000)",
]


@pytest.mark.parametrize("expression", BOMBS)
def test_nothing_huge_is_made(expression: str) -> None:
    """Refused before it is computed: in a few seconds of a busy machine, however large it would be."""
    begun = time.process_time()
    with pytest.raises(SteerError):
        evaluate(expression)
    assert time.process_time() - begun < 10
