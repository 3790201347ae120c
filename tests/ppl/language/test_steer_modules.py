"""Modules: what compiling a file gives, how its programs are called, and what its mistakes say as it runs."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from unchecked import LM, unchecked

from steersman.inference import MH, SMC, Importance, hmc, infer
from steersman.models import Reward, TableLM
from steersman.ppl import InvalidWeight, NameReused, Program, ProgramError, TracedControlFlow
from steersman.ppl.language import Module, SteerError, compile_source, load

SOURCE = '''"""Haiku of a sort.

Longer doc."""
LINES = [1, 2]
SECOND = LINES[1] * 2.0

def total(xs: list, scale: float = SECOND):
    """Scaled sum."""
    return sum(xs) * scale

program first(words: list, n: int = 3, rate: float = 1.0, title: str = None):
    """The first.

    Second."""
    x ~ Normal(rate, 1)
    return [words, n, rate, title]

program last():
    return total(LINES)
'''


def module(source: str = SOURCE, path: str = "m.steer") -> Module:
    return compile_source(source, path, models={"lm": LM})


def value(invocation: object) -> object:
    return infer(invocation, Importance(1), seed=0).values[0]  # type: ignore[arg-type]


def test_what_a_module_holds() -> None:
    """Ordinary programs with docs, names and signatures; pure functions that Python can call; the doc of the file."""
    m = module()
    assert m.doc == "Haiku of a sort.\n\nLonger doc."
    assert list(m.programs) == ["first", "last"]
    assert all(isinstance(p, Program) for p in m.programs.values())
    first = m.programs["first"]
    assert first.__name__ == "first"
    assert first.__doc__ == "The first.\n\nSecond."
    assert str(inspect.signature(first)) == "(words: list, n: int = 3, rate: float = 1.0, title: str = None)"
    assert m.main is m.programs["last"]
    assert m.functions["total"]([1, 2]) == 12.0
    assert m.functions["total"]([1, 2], scale=1) == 3.0
    assert m.functions["total"].__doc__ == "Scaled sum."


def test_main() -> None:
    """The program called main, wherever it stands; a file of functions has none, and says so."""
    source = "program main():\n    return 1\n\nprogram z():\n    return 2\n"
    assert compile_source(source, models={}).main.__name__ == "main"
    with pytest.raises(ValueError, match=r"f.steer defines no program"):
        _ = compile_source("def f():\n    return 1\n", "f.steer", models={}).main


def test_arguments_are_converted() -> None:
    """Tuples become lists, NumPy's scalars numbers, and an int a float where the parameter says so."""
    import numpy as np

    first = module().programs["first"]
    assert value(first(("a", ("b",)), np.int64(2), rate=2)) == [["a", ["b"]], 2, 2.0, None]
    assert value(first([], title="t")) == [[], 3, 1.0, "t"]


@pytest.mark.parametrize(("args", "kwargs", "words"), [
    ((), {}, "needs 'words'"), (("a",), {}, "words must be a list, not a text"), (([], 1.5), {}, "n must be an int"),
    (([],), {"m": 1}, "no argument 'm'"), (([], 1), {"n": 2}, "'n' twice"),
    (([], 1, 1.0, "", 5), {}, "takes 4 arguments"),
    ((object(),), {}, "no value of the language"), (([object()],), {}, "no value of the language"),
    (([open],), {}, "no value of the language"),
])
def test_arguments_that_do_not_fit(args: tuple[object, ...], kwargs: dict[str, object], words: str) -> None:
    """The error of a wrong call names the program, the argument and what it should be."""
    with pytest.raises(ProgramError, match=words):
        infer(module().programs["first"](*args, **kwargs), Importance(1), seed=0)


def test_a_program_without_its_arguments() -> None:
    """`infer(program)` says what is missing, as for Python programs."""
    with pytest.raises(TypeError, match=r"needs arguments \(words\)"):
        infer(module().programs["first"], Importance(1))


def test_imports(tmp_path: Path) -> None:
    """Functions, constants and programs of files beside it, under their own or other names; each file is read once."""
    (tmp_path / "helpers.steer").write_text(
        "import deeper\n\nN = deeper.BASE + 1\n\ndef double(x):\n    return 2 * x\n\n"
        "program draw(p: float = 0.5):\n    b ~ Bernoulli(p)\n    return b\n")
    (tmp_path / "deeper.steer").write_text("BASE = 4\n")
    main = tmp_path / "main.steer"
    main.write_text(
        "import helpers\nimport deeper as d\nfrom helpers import double as twice, draw\n\nM = helpers.N + d.BASE\n\n"
        "program p():\n    x ~ draw(1.0)\n    y = helpers.draw(p=1.0)\n    z ~ helpers.draw(0.0)\n"
        "    return [x, y, z, twice(M), helpers.double(1)]\n")
    m = load(main, models={})
    (trace,) = infer(m.main(), Importance(1), seed=0).traces
    assert trace is not None
    assert trace.value == [1, 1, 0, 18, 2]
    assert [site["name"] for site in trace.to_json()["sites"]] == ["x", "draw", "z"]
    main.write_text("import helpers\n\nprogram p():\n    return helpers.nothing\n")
    with pytest.raises(SteerError, match="nothing"):
        load(main, models={})
    with pytest.raises(SteerError, match=r"nowhere"):
        compile_source("import nowhere\n\nprogram p():\n    return nowhere.x\n", models={})


def test_errors_of_imported_files_name_them(tmp_path: Path) -> None:
    """A mistake inside an imported function is placed in its own file."""
    (tmp_path / "helpers.steer").write_text("def half(x):\n    return 1 / x\n")
    (tmp_path / "main.steer").write_text("import helpers\n\nprogram p(n: int):\n    return helpers.half(n)\n")
    with pytest.raises(SteerError) as caught:
        infer(load(tmp_path / "main.steer", models={}).main(n=0), Importance(1), seed=0)
    (found,) = caught.value.diagnostics
    assert (Path(found.path).name, found.span.line, found.span.column) == ("helpers.steer", 2, 12)
    assert found.line == "    return 1 / x"


def run(source: str, method: object = None, **models: TableLM) -> object:
    m = unchecked(source) if not models else compile_source(source, "t.steer", models=models)
    return infer(m.main(), method or SMC(4), seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("body", "error", "words"), [
    ("x ~ Normal(0, 1)\n    observe 1 ~ Normal(0, 1) as 'x'", NameReused, "observe 'x'"),
    ("x ~ Normal(0, 1)\n    factor float('nan')", InvalidWeight, "factor"),
    ("x ~ Normal(0, 1)\n    twist -float('inf')", InvalidWeight, "twist"),
])
def test_errors_of_the_driver_name_the_line(body: str, error: type[Exception], words: str) -> None:
    """What the driver finds is told with the file and line of the program, not with those of the interpreter."""
    with pytest.raises(error, match=rf"{words}.*t.steer:3") as caught:
        run(f"program p():\n    {body}\n")
    assert "interpreter" not in str(caught.value)


@pytest.mark.parametrize(("body", "words"), [
    ("factor float('nan')", "log-weight is nan"), ("x ~ Normal(0, n)", "Normal"),
    ("x ~ Gamma([1.0, 2.0], [1.0, 2.0, 3.0])", "Gamma"),
    ("observe 'a' ~ Normal(0, 1)", "Normal"), ("observe 1 ~ lm.text('a', max_tokens=2)", "a text is a str"),
])
def test_errors_of_the_driver_become_diagnostics(body: str, words: str) -> None:
    """`module.explained(error)` places what a run has raised: line, caret, hint; what names no line stays as it is."""
    m = unchecked(f"program p(n: int = -1):\n    a = 1\n    {body}\n")
    with pytest.raises(Exception, match=words) as caught:
        infer(m.main(), Importance(2), seed=0)
    explained = m.explained(caught.value)
    assert isinstance(explained, SteerError)
    (found,) = explained.diagnostics
    assert (found.span.line, found.span.column, found.line) == (3, 5, f"    {body}")
    assert words in found.message
    assert found.hint
    assert "t.steer:3)" not in found.message
    other = ValueError("elsewhere")
    assert m.explained(other) is other
    assert m.explained(explained) is explained


@pytest.mark.parametrize(("body", "line", "words"), [
    ("x ~ 3", 2, "~ needs a distribution"), ("x ~ lm", 2, "a model is no distribution"),
    ("x ~ 'abc'", 2, "distribution"),
    ("observe 1 ~ 2", 2, "distribution"), ("factor 'a'", 2, "takes a number"), ("twist [1]", 2, "takes a number"),
    ("condition lm", 2, "true nor false"), ("a, b = [1, 2, 3]", 2, "2 names"), ("return q", 2, "no value yet"),
    ("x ~ Normal(0, 1)\n    for i in x:\n        pass", 3, "loop"), ("y = 1\n    x ~ Normal(y, 'a')", 3, "scale"),
    ("x ~ lm.next('a') using lm.text('a', max_tokens=2)", 2, "proposal"), ("x = [1][3]", 2, "item 3"),
    ("factor lm.score('a', 3)", 2, "must be a text"), ("factor reward('none', 'a')", 2, "no reward 'none'"),
    ("x ~ Normal(0, 1) using Bernoulli('p')", 2, "probs"), ("c = lm.context()\n    c = c + [1, 'b']", 3, "token"),
])
def test_errors_of_programs(body: str, line: int, words: str) -> None:
    """One diagnostic with the line, a caret and a hint for whatever fails as a program runs."""
    tail = "" if "return" in body else "\n    q = 1"
    source = f"program p():\n    {body}{tail}\n    q = 2\n"
    with pytest.raises(SteerError) as caught:
        run(source)
    (found,) = caught.value.diagnostics
    assert words in found.message
    assert (found.path, found.span.line) == ("t.steer", line)
    assert found.hint
    assert "^" in str(found)
    assert "Traceback" not in str(found)
    assert caught.value.__cause__ is None


def test_predicates_are_blamed_where_they_stand() -> None:
    """A predicate is asked while no line of the program runs: what is wrong with it is placed at the `def`."""
    source = ("def test(text):\n    return {}\n\nprogram p():\n"
              "    x ~ lm.text('a', max_tokens=2, where=predicate(test))\n    return x\n")
    for answer, line, words in (("1 / len(text)", 2, "division"), ("[1]", 1, "True, False or None")):
        with pytest.raises(SteerError) as caught:
            run(source.format(answer))
        (found,) = caught.value.diagnostics
        assert found.span.line == line
        assert words in found.message
    with pytest.raises(SteerError, match=r"t.steer:5:.*takes 0 arguments"):
        run(source.format("True").replace("test(text)", "test()"))
    assert set(run(source.format("None if len(text) < 2 else 'a' in text")).values) <= {"ab", "ba", "aa", "ac", "ca"}


def test_the_line_of_a_subprogram() -> None:
    """An error inside a sub-program is placed there, in every method."""
    source = ("program inner(x):\n    y ~ Normal(0, 1)\n    return 1 / x\n\n"
              "program p():\n    b ~ Bernoulli(0.5)\n    z = inner(b)\n")
    for method in (Importance(20), SMC(20), MH(4, 20)):
        with pytest.raises(SteerError, match=r"t.steer:3:12: error: division by zero"):
            run(source, method)


def test_gradients() -> None:
    """Numbers that JAX traces go through arithmetic and functions; a branch on one is refused with its line."""
    smooth = ("program p():\n    x ~ Normal(0, 1)\n    y = exp(x / 2) + x ** 2 * 0.1 + abs(x)\n"
              "    observe 1.5 ~ Normal(y, 0.5)\n    return x\n")
    posterior = infer(unchecked(smooth).main(), MH(2, 5, hmc("x")), seed=0)
    assert all(isinstance(v, float) for v in posterior.values)
    branch = "program p():\n    x ~ Normal(0, 1)\n    y = 1.0 if x > 0 else 2.0\n    observe y ~ Normal(x, 1)\n"
    with pytest.raises(TracedControlFlow, match=r"t.steer:3"):
        infer(unchecked(branch).main(), MH(2, 5, hmc("x")), seed=0)


def test_models_and_rewards_are_named() -> None:
    """A model or reward that the runner does not provide is an error before anything runs."""
    with pytest.raises(SteerError, match="planner"):
        compile_source("model planner\n\nprogram p():\n    x ~ planner.next('a')\n", models={"lm": LM})
    with pytest.raises(SteerError, match="'lm'"):
        compile_source("program p():\n    x ~ lm.next('a')\n", models={"planner": LM})
    one = Reward(lambda items: [1.0] * len(items))
    with pytest.raises(SteerError, match="helpful"):
        compile_source("program p():\n    factor reward('helpful', 'a')\n", models={}, rewards={"happy": one})


def test_every_mistake_is_reported() -> None:
    """Mistakes of several definitions come together, in the order of their lines."""
    with pytest.raises(SteerError) as caught:
        unchecked("def f():\n    return nope\n\ndef g():\n    return 1\n\nprogram p():\n    x = also_nope(1)\n")
    assert [d.span.line for d in caught.value.diagnostics] == [2, 8]
