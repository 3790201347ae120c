"""Options of methods, parameters of programs and other `name=value` arguments of the command."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import typer

import steersman.inference
from steersman.cli.catalogue import NAMES, POPULATION, all_methods, find
from steersman.cli.expression import evaluate
from steersman.cli.option import build, find_method, read
from steersman.cli.pairs import pairs
from steersman.cli.settings import read_settings, read_value
from steersman.inference import SMC, every, suffix
from steersman.ppl import dist, program, sample
from steersman.ppl.language.nodes import Definition
from steersman.ppl.language.parse import parse


@program
async def coin() -> Any:
    return await sample(dist.Bernoulli(0.5), "x")


def _make(name: str, population: int | None = None, **given: str) -> Any:
    return build(find_method(name), given, population, {"coin": coin}, coin())


def _definition(source: str) -> Definition:
    [definition] = parse(source).statements
    assert isinstance(definition, Definition)
    return definition


def test_the_catalogue_holds_every_method() -> None:
    """Every public class with the shape of a method is listed, and nothing else is."""
    def shaped(value: Any) -> bool:
        return inspect.isclass(value) and all(hasattr(value, a) for a in ("init", "step", "done", "result"))

    public = {n for n in steersman.inference.__all__ if shaped(getattr(steersman.inference, n))} - {"Algorithm"}
    assert set(NAMES) == public


@pytest.mark.parametrize("method", all_methods(), ids=lambda m: m.name)
def test_every_method_can_be_made(method: Any) -> None:
    """With the defaults of the command a method is one that `infer` accepts; Gibbs alone, and MCMC, need an option."""
    given = {"gibbs": {"kernels": "{'x': site()}"}, "mcmc": {"kernel": "mix(suffix(), site('x'))"}}.get(method.name, {})
    made = _make(method.name, None, **given)
    assert type(made).__name__ == method.python and isinstance(made.name, str)
    assert method.line and method.options


@pytest.mark.parametrize("method", [m for m in all_methods() if m.population], ids=lambda m: m.name)
def test_particles_sets_the_population(method: Any) -> None:
    """--particles is the size of the population of every method that has one."""
    given = {"gibbs": {"kernels": "{'x': site()}"}, "mcmc": {"kernel": "site"}}.get(method.name, {})
    values = read(method, given, 7)
    assert values[next(p for p in POPULATION if p in method.options)] == 7


def test_names_of_methods() -> None:
    """A name counts in any case, with or without hyphens."""
    for name in ("particle-gibbs", "ParticleGibbs", "particle_gibbs", "PARTICLEGIBBS"):
        found = find(name)
        assert found is not None and found.python == "ParticleGibbs"
    assert [m.name for m in all_methods()][:3] == ["smc", "importance", "enumerate"]


def test_values_of_options() -> None:
    """Numbers, words, lists, dicts and calls of moves, and nothing else that Python knows."""
    assert evaluate("0.5") == 0.5 and evaluate("-3") == -3 and evaluate("true") is True and evaluate("None") is None
    assert evaluate("factor") == "factor" and evaluate("end-of-line") == "end-of-line"
    assert evaluate("a site, with spaces") == "a site, with spaces"
    assert evaluate('["token", every(8)]') == ["token", every(8)]
    assert repr(evaluate("suffix('x')")) == repr(suffix("x"))
    assert isinstance(evaluate("SMC(16)"), SMC)


@pytest.mark.parametrize("text", [
    "__import__('os')", "open('x')", "(lambda: 1)()", "suffix().__class__()", "[x for x in (1,)]", "eval('1')",
    "site(*'ab')",
])
def test_options_run_no_python(text: str) -> None:
    """What is no literal and no call of a known maker is refused."""
    with pytest.raises(ValueError, match=r"cannot be called|no number, word, list or call"):
        evaluate(text)


def test_options_reach_the_method() -> None:
    """Values arrive as the constructor takes them."""
    smc = _make("smc", 8, resample_at="factor", ess_threshold="1", rejuvenate="suffix", rejuvenation_steps="2")
    assert smc.particles == 8 and smc.rejuvenation_steps == 2 and repr(smc.rejuvenate) == repr(suffix())
    assert _make("importance", 8, proposal="coin").proposed is not None


@pytest.mark.parametrize(("name", "given", "message"), [
    ("smc", {"temperature": "1"}, r"(?s)no such option.*resample_at"),
    ("smc", {"ess_threshold": "high"}, "takes a number"),
    ("smc", {"expand": "2.5"}, "takes a whole number"),
    ("smc", {"expand": "true"}, "takes a whole number"),
    ("smc", {"expand": "0"}, "expand"),
    ("smc", {"resample": "stochastic"}, "stochastic"),
    ("smc", {"rejuvenate": "jump"}, "suffix"),
    ("smc", {"proposal": "dice"}, "no program of this name"),
    ("gibbs", {}, "needs --option kernels"),
    ("mh", {"move": "run('ls')"}, "cannot be called"),
    ("smcc", {}, "did you mean 'smc'"),
    ("magic", {}, "known are smc"),
])
def test_wrong_options(name: str, given: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One error that names the option, and status 2."""
    import re

    with pytest.raises(typer.Exit) as left:
        _make(name, None, **given)
    assert left.value.exit_code == 2
    assert re.search(message, capsys.readouterr().err)


def test_enumeration_has_no_population(capsys: pytest.CaptureFixture[str]) -> None:
    """--particles for a method without one is an error, not ignored."""
    with pytest.raises(typer.Exit):
        _make("enumerate", 64)
    assert "no population" in capsys.readouterr().err


@pytest.mark.parametrize(("declared", "text", "value"), [
    ("str", "5", "5"), ("int", "5", 5), ("float", "5", 5.0), ("float", "1e-3", 1e-3), ("bool", "Yes", True),
    ("bool", "0", False), ("list", '["a", 1]', ["a", 1]), ("dict", '{"a": [1]}', {"a": [1]}), (None, "5", 5),
    (None, "five", "five"), (None, '"5"', "5"), (None, "null", None), (None, "NaN", "NaN"), ("str", "", ""),
])
def test_values_by_declared_type(declared: str | None, text: str, value: Any) -> None:
    """A value is read by the type that the program declares; without one as JSON, else as text."""
    found = read_value(declared, text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("declared", "text"), [
    ("int", "5.5"), ("int", "true"), ("int", "five"), ("float", "NaN"), ("float", "Infinity"), ("bool", "maybe"),
    ("list", "a,b"), ("dict", "[1]"), ("list", "{}"), ("int", ""),
])
def test_values_of_another_type(declared: str, text: str) -> None:
    """What is not of the declared type is refused."""
    with pytest.raises(ValueError, match="expected"):
        read_value(declared, text)


def test_all_mistakes_of_parameters_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown, missing and ill-typed parameters are named in one error that shows the signature."""
    definition = _definition("program p(words: list, n: int, title='x'):\n    return title\n")
    assert read_settings(definition, {"words": "[]", "n": "2"}) == {"words": [], "n": 2}
    with pytest.raises(typer.Exit) as left:
        read_settings(definition, {"n": "two", "tiltle": "y"})
    said = capsys.readouterr().err
    assert left.value.exit_code == 2 and said.count("\n") == 1
    assert all(s in said for s in ("words: list", "'tiltle'", "--set words=...", "a whole number"))


def test_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    """name=value; only the first "=" counts, and a name counts once."""
    assert pairs("--set", ["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    for bad in (["a"], ["=b"], ["a=1", "a=2"]):
        with pytest.raises(typer.Exit):
            pairs("--set", bad)
    assert "--set a: given twice" in capsys.readouterr().err
