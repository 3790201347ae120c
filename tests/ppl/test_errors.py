"""Errors name the site, the file and line, and the fix (DESIGN section 2, "Errors")."""

from __future__ import annotations

import asyncio
import gc
import inspect
import math
import random
import re
from typing import Any

import numpy as np
import pytest
from exhaustive import Table, coin
from programs import LM

from steersman.ppl import (
    AllParticlesDead,
    InvalidWeight,
    Invocation,
    Key,
    MissingAwait,
    NameReused,
    NotADistribution,
    NotAnEffect,
    NotEnumerable,
    OutsideSupport,
    Particle,
    ProgramError,
    ReplayDivergence,
    SteersmanError,
    TracedControlFlow,
    UnknownAddress,
    assess,
    batched,
    call,
    condition,
    dist,
    enumerate_traces,
    factor,
    generate,
    observe,
    param,
    program,
    regenerate,
    sample,
    simulate,
    twist,
    unfold,
    update,
)


def line_of(model: Invocation[Any], marker: str) -> str:
    """file:line of the line of a program that holds `marker`."""
    lines, first = inspect.getsourcelines(model.fn)
    offset = next(i for i, line in enumerate(lines) if marker in line)
    return f"{__file__}:{first + offset}"


def refused(
    model: Invocation[Any], kind: type[Exception], *words: str, marker: str = "HERE", run: Any = simulate
) -> str:
    """Run a program that must fail: the message is one line with the program, file, line and these words."""
    with pytest.raises(kind) as caught:
        run(model)
    message = str(caught.value)
    assert "\n" not in message
    for word in (*words, model.name, line_of(model, marker)):
        assert str(word) in message, message
    return message


def test_a_name_used_for_two_kinds() -> None:
    """A scope uses a name for one kind of effect."""

    @program
    async def model() -> None:
        await sample(coin(), "x")
        await factor(0.0, "x")  # HERE

    refused(model(), NameReused, "factor 'x'", "already uses the name for a sample", "another name")


def test_a_name_used_for_a_choice_and_a_sub_program() -> None:
    """Sub-programs, loops, parameters and texts claim names as other effects do."""

    @program
    async def sub() -> None: ...

    @program
    async def model() -> None:
        await param("sub", 0.0)
        await sub()  # HERE

    refused(model(), NameReused, "program 'sub'", "already uses the name for a param")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_weights_that_are_no_log_weight(bad: float) -> None:
    """A factor of NaN or +inf nats has no meaning."""

    @program
    async def model() -> None:
        await factor(bad, "f")  # HERE

    refused(model(), InvalidWeight, "factor 'f'", bad, "finite or -inf")


@pytest.mark.parametrize("bad", ["much", None, [1.0, 2.0], np.zeros(2)])
def test_weights_that_are_no_number(bad: Any) -> None:
    """A factor is a number of nats."""

    @program
    async def model() -> None:
        await factor(bad)  # HERE

    refused(model(), InvalidWeight, "factor 'factor'", "number of nats")


def test_a_twist_of_minus_infinity() -> None:
    """A twist steers; it may not remove mass from the target."""

    @program
    async def model() -> None:
        await twist(-math.inf)  # HERE

    refused(model(), InvalidWeight, "twist 'twist'", "condition(False)")


def test_densities_that_are_nan_or_infinite() -> None:
    """A distribution whose density is NaN is reported at the site that asked, drawn or observed."""

    class Broken(Table):
        @staticmethod
        def draw(members: Any, keys: Any) -> Any:
            return ["heads"] * len(members), np.full(len(members), math.nan)

        @staticmethod
        def log_prob(members: Any, values: Any) -> Any:
            return np.full(len(members), math.inf)

    @program
    async def draws() -> None:
        await sample(Broken(heads=1), "x")  # HERE

    @program
    async def observes() -> None:
        await observe(Broken(heads=1), "heads", "y")  # HERE

    refused(draws(), InvalidWeight, "sample 'x'", "heads", "nan")
    refused(observes(), InvalidWeight, "observe 'y'", "heads", "inf")


def test_a_value_that_cannot_be_scored() -> None:
    """A value of the wrong kind names the site that imposed it, also amid good ones."""

    @program
    async def model(value: Any) -> None:
        await observe(LM.text("a", max_tokens=2), value, "line")  # HERE

    refused(model(3), OutsideSupport, "observe 'line'", "a text is a str, got int")
    refused(model("a"), OutsideSupport, "observe 'line'", "got int", run=lambda m: advance_all(m, model(3)))

    @program
    async def shapes() -> None:
        await observe(dist.Normal(0.0, 1.0), np.zeros(3), "y")  # HERE

    refused(shapes(), OutsideSupport, "observe 'y'", "shape")

    @program
    async def free() -> None:
        await sample(LM.text("a", max_tokens=2), "line")  # HERE

    refused(free(), OutsideSupport, "sample 'line'", "got int", run=lambda m: generate(m, {"line": 3}))


def advance_all(*models: Invocation[Any]) -> list[Particle]:
    from steersman.ppl import advance

    particles = [Particle(m, slot) for slot, m in enumerate(models)]
    advance(particles, Key(0))
    return particles


def test_an_impossible_value_kills() -> None:
    """A value outside the support has weight zero, and the particle knows where it died."""

    @program
    async def model() -> None:
        await observe(coin(), "edge", "toss")

    (particle,) = advance_all(model())
    assert particle.dead and particle.killed_by == "toss" and particle.log_weight == -math.inf
    assert particle.trace is None and particle.done
    assert simulate(model()).trace is None


OPERATIONS = {
    "+": lambda e: e + 1, "1 +": lambda e: 1 + e, "'' +": lambda e: "" + e, "*": lambda e: e * 2, "**": lambda e: e**2,
    "%": lambda e: e % 2, "//": lambda e: e // 2, "-": lambda e: -e, "<": lambda e: e < 1, "==": lambda e: e == 1,
    "!=": lambda e: e != 1, "bool": lambda e: not e, "f-string": lambda e: f"{e}", "str": str, "len": len, "iter": list,
    "in": lambda e: 1 in e, "index": lambda e: e[0], "float": float, "int": int, "call": lambda e: e(),
    "method": lambda e: e.strip(), "numpy": np.exp, "list": lambda e: [1, 2][e], "condition": condition,
    "observed": lambda e: observe(coin(), e),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("made", [lambda: sample(coin(), "x"), lambda: LM.score("a", "b"), lambda: param("x", 1.0)])
def test_an_effect_used_as_a_value(operation: str, made: Any) -> None:
    """Whatever is done with an effect instead of awaiting it, the error says `await`."""

    @program
    async def model() -> None:
        x = made()
        OPERATIONS[operation](x)  # HERE

    refused(model(), MissingAwait, "used as a value", "await ")


def test_an_effect_as_a_log_weight() -> None:
    """factor(effect) is found when the factor is answered."""

    @program
    async def model() -> None:
        await factor(sample(coin(), "x"))  # HERE

    refused(model(), MissingAwait, "sample 'x'", "await sample(...)")


def test_outside_a_run_effects_are_ordinary_objects() -> None:
    """A model may be printed, compared and looked at; only a running program must await it."""
    model = sub_of("x")
    assert str(model) == "<program 'sub_of'>" and f"{model}" == str(model)
    assert model == model and model != sub_of("x") and not hasattr(model, "strip")
    with pytest.raises(MissingAwait, match=r"await sub_of\(\.\.\.\)"):
        model + 1


@program
async def sub_of(name: str) -> str:
    return str(await sample(coin(), name))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: factor(-1.0, "f"), "factor('f')"),
        (lambda: sample(coin(), "x"), "sample('x')"),
        (lambda: sub_of("x"), "program('sub_of')"),
        (lambda: sample(LM.text("a", max_tokens=1), "line"), "sample('line')"),
    ],
)
def test_an_effect_dropped_without_await(make: Any, named: str) -> None:
    """An effect that is made and dropped is reported at the next await, or at the end."""

    @program
    async def amid() -> None:
        make()
        await factor(0.0)  # HERE

    @program
    async def at_the_end() -> None:
        await factor(0.0)
        make()

    refused(amid(), MissingAwait, named, "never awaited")
    refused(at_the_end(), MissingAwait, named, "never awaited", marker="@program")


def test_dropped_effects_of_others_are_not_reported() -> None:
    """What another run has dropped, or what was made outside a run, is not held against this one."""

    @program
    async def fails() -> None:
        kept = sample(coin(), "kept")
        raise RuntimeError(kept.__class__)

    @program
    async def collects() -> str:
        gc.collect()
        return str(await sample(coin(), "x"))

    loose = [factor(0.0), sub_of("x")]
    with pytest.raises(RuntimeError) as caught:
        simulate(fails())
    cycle: list[Any] = [caught.value, loose]
    cycle.append(cycle)
    del caught, cycle, loose
    assert simulate(collects()).value in ("heads", "tails")

    @program
    async def bad_argument() -> None:
        await sample(3)

    with pytest.raises(NotADistribution):
        simulate(bad_argument())
    assert simulate(collects()).value in ("heads", "tails")


def test_runs_inside_a_program_hide_nothing() -> None:
    """A program that runs another inference between making an effect and dropping it is still found out."""

    @program
    async def model() -> None:
        factor(0.0, "lost")
        assert simulate(sub_of("x")).trace is not None
        halfway(sub_of_two(), 1).fork()
        await factor(0.0)  # HERE

    refused(model(), MissingAwait, "factor('lost')", "never awaited")


@program
async def sub_of_two() -> None:
    await sample(coin(), "a")
    await sample(coin(), "b")


def test_effects_held_by_a_particle_that_dies_are_not_reported() -> None:
    """Death closes the program in the middle; what it held is nobody's mistake."""

    @program
    async def model() -> None:
        later = sample(coin(), "later")
        await condition(False)
        await later

    assert simulate(model()).trace is None
    assert simulate(sub_of("x")).trace is not None


def test_awaiting_what_is_no_effect() -> None:
    """asyncio, and whatever else is awaitable, has no place in a program."""

    @program
    async def sleeps() -> None:
        await asyncio.sleep(0)  # HERE

    @program
    async def sleeps_longer() -> None:
        await asyncio.sleep(1)  # HERE

    refused(sleeps(), NotAnEffect, "is no effect", "no asyncio")
    refused(sleeps_longer(), NotAnEffect, "asyncio", "call(fn)")


@pytest.mark.parametrize("thing", [lambda: coin(), lambda: dist.Normal(0.0, 1.0), lambda: LM.text("a", max_tokens=1)])
def test_awaiting_a_distribution(thing: Any) -> None:
    """`await dist.Normal(0, 1)` says to sample it."""

    @program
    async def model() -> None:
        await thing()  # HERE

    refused(model(), NotAnEffect, "await sample(d)")


@program
async def plain_sub() -> None: ...


async def coroutine_function() -> None: ...


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (lambda: sample(coin(), "inner"), ["sample 'inner'", "was not awaited", "x = await sample(...)"]),
        (lambda: coin, ["the function 'coin'", "call it first"]),
        (lambda: Table, ["the class Table", "call it"]),
        (lambda: coroutine_function(), ["a coroutine (coroutine_function)", "@program"]),
        (lambda: coroutine_function, ["the function 'coroutine_function'"]),
        (lambda: 3.0, ["float: 3.0"]),
        (lambda: None, ["NoneType"]),
    ],
)
def test_what_is_no_distribution(thing: Any, words: list[str]) -> None:
    """An effect, a function, a class, a coroutine or a number where a distribution was meant."""

    @program
    async def samples() -> None:
        await sample(thing(), "x")  # HERE

    @program
    async def observes() -> None:
        await observe(thing(), 1.0, "y")  # HERE

    @program
    async def proposes() -> None:
        await sample(coin(), "z", proposal=given if (given := thing()) is not None else 0)  # HERE

    refused(samples(), NotADistribution, "sample('x')", *words)
    refused(observes(), NotADistribution, "observe('y')", *words)
    refused(proposes(), NotADistribution, "the proposal of sample('z')")


def test_programs_where_a_distribution_is_needed() -> None:
    """Only sample() takes a program call, and without a proposal."""

    @program
    async def observes() -> None:
        await observe(plain_sub(), 1.0)  # HERE

    @program
    async def proposes() -> None:
        await sample(plain_sub(), "x", proposal=coin())  # HERE

    refused(observes(), NotADistribution, "only sample() takes a program call")
    refused(proposes(), ProgramError, "takes no proposal", "'plain_sub'")


def test_proposals_of_another_kind() -> None:
    """A text is proposed by a text, a plain choice by a plain distribution, over the same tokens."""
    from steersman.models import TableLM

    @program
    async def model() -> None:
        await sample(LM.text("a", max_tokens=1), "line", proposal=coin())  # HERE

    @program
    async def others() -> None:
        await sample(LM.text("a", max_tokens=1), "line", proposal=TableLM.random(5).text("", max_tokens=1))

    refused(model(), NotADistribution, "sample('line')", "over the same tokens")
    with pytest.raises(ValueError, match="over the same tokens") as caught:
        simulate(others())
    assert "sample 'line' in <program 'others'>" in caught.value.__notes__[0]


def test_program_on_a_plain_function() -> None:
    """@program wants `async def`."""
    with pytest.raises(TypeError, match="`async def plain"):

        @program  # type: ignore[arg-type]
        def plain() -> None: ...


def test_models_that_are_no_program_call() -> None:
    """The verbs say what they expect."""

    @program
    async def needs(x: int, *, y: int) -> None: ...

    for bad, words in (
        (needs, r"needs arguments \(x, y\): pass needs\(x, y\)"),
        (coroutine_function, "without @program"),
        (coroutine_function(), "decorate the function with @program"),
        (coin(), "got Table"),
        (None, "got NoneType"),
    ):
        with pytest.raises(TypeError, match=words):
            simulate(bad)


def test_arguments_that_do_not_fit() -> None:
    """A call with wrong arguments names the program and the line that calls it."""

    @program
    async def needs(x: int, y: int) -> None: ...

    @program
    async def outer() -> None:
        await needs(1)  # type: ignore[call-arg]  # HERE

    refused(outer(), ProgramError, "<program 'needs'>", "missing 1 required positional argument: 'y'")
    with pytest.raises(ProgramError, match=r"needs.*missing 1 required"):
        simulate(needs(1))  # type: ignore[call-arg]


def test_a_loop_over_a_plain_function() -> None:
    """The step of unfold is an `async def`."""

    @program
    async def model() -> None:
        await unfold(lambda s: s + 1, 0, lambda s: s > 3)  # HERE

    refused(model(), ProgramError, "<program 'step'>", "must be an `async def`")


def test_replay_divergence_at_a_recorded_site() -> None:
    """A program that is no function of its values is found out by its replay: both sites are named."""
    names = iter(["a", "b", "c"])

    @program
    async def model() -> None:
        await sample(coin(), next(names))  # HERE
        await factor(0.0, "end")

    particle = halfway(model(), 1)
    with pytest.raises(ReplayDivergence) as caught:
        particle.fork()
    message = str(caught.value)
    assert "sample 'a'" in message and "sample 'b'" in message and line_of(model(), "HERE") in message
    assert "no randomness outside sample()" in message


def test_replay_divergence_at_the_pending_site() -> None:
    """The site that the particle waits at is checked too."""
    names = iter(["end", "other"])

    @program
    async def model() -> None:
        await sample(coin(), "a")
        await sample(coin(), next(names))

    with pytest.raises(ReplayDivergence, match=r"expected sample 'end' and the program asked for sample 'other'"):
        halfway(model(), 1).fork()


def test_replay_that_returns_or_goes_on() -> None:
    """A replay that ends before the recorded values do has diverged."""
    lengths = iter([3, 1])

    @program
    async def model() -> None:
        for _ in range(next(lengths)):
            await sample(coin(), "x")

    with pytest.raises(ReplayDivergence, match=r"expected an effect after sample 'x' and .* asked for to return"):
        halfway(model(), 1).fork()


def test_randomness_outside_sample_diverges() -> None:
    """Python's own generator is the usual culprit."""

    @program
    async def model() -> None:
        for i in range(8):
            await sample(coin(), f"{i}-{random.getrandbits(40)}")

    with pytest.raises(ReplayDivergence):
        halfway(model(), 4).fork()


def halfway(model: Invocation[Any], sites: int) -> Particle:
    """A particle that has answered this many sites."""
    from steersman.ppl import advance

    particle = Particle(model)
    seen = iter(range(1, sites + 1))
    advance([particle], Key(0), stop=lambda p, e: next(seen) == sites)
    assert not particle.done
    return particle


def test_control_flow_on_a_traced_value() -> None:
    """Under jax.jit or jax.grad a program may not branch on a traced value."""
    import jax

    @program
    async def branches(x: Any) -> None:
        await factor(0.0)
        if x > 0:  # HERE
            await factor(1.0)

    @program
    async def weighs(x: Any) -> None:
        await factor(x, "f")  # HERE

    refused(branches(1.0), TracedControlFlow, "control flow", "jax.numpy.where", run=lambda m: trace_with(m))
    refused(weighs(1.0), TracedControlFlow, "factor 'f'", run=lambda m: trace_with(m))
    assert jax is not None


def trace_with(model: Invocation[Any]) -> None:
    import jax

    def f(x: Any) -> Any:
        simulate(Invocation(model.fn, (x,)))
        return x

    jax.jit(f)(1.0)


def test_unknown_addresses() -> None:
    """Constraints and selections that no site meets, and sites without a value, are named with what there is."""

    @program
    async def model() -> None:
        await sample(coin(), "x")
        await sub_of("y")

    trace = simulate(model()).trace
    assert trace is not None
    for run, words in (
        (lambda: generate(model(), {"z": 1}), "no sample site z; the program has x, sub_of/y"),
        (lambda: update(trace, {"x#1": 1}), "no sample site x#1"),
        (lambda: regenerate(trace, ["sub_of/z"]), "no choice sub_of/z; it has x, sub_of/y"),
        (lambda: regenerate(trace, ["sub_of"]), "no choice sub_of"),
        (lambda: assess(model(), {"x": "heads", "sub_of/y": "heads", "w": 1}), "no sample site w"),
        (lambda: trace["sub_of/q"], "no site 'sub_of/q'; this scope has: y"),
        (lambda: trace[()], "the empty address"),
    ):
        with pytest.raises(UnknownAddress) as caught:
            run()
        assert words in str(caught.value)
        assert isinstance(caught.value, KeyError)


def test_assess_without_a_value() -> None:
    """assess draws nothing: a site without a value is an error at that site."""

    @program
    async def model() -> None:
        await sample(coin(), "x")
        await sample(LM.text("a", max_tokens=2), "line")  # HERE

    refused(model(), UnknownAddress, "sample 'line'", "has no value", run=lambda m: assess(m, {"x": "heads"}))
    message = refused(
        model(), UnknownAddress, "sample 'line/token#1'", run=lambda m: assess(m, {"x": "heads", "line/token": 1})
    )
    assert "choices name x, line/token" in message


def test_not_enumerable() -> None:
    """Enumeration names the site without a finite support."""

    @program
    async def model() -> None:
        await sample(coin(), "x")
        await sample(dist.Normal(0.0, 1.0), "y")  # HERE

    words = ["sample 'y'", "finite support", "observe it"]
    refused(model(), NotEnumerable, *words, run=lambda m: list(enumerate_traces(m)))


def test_a_trace_without_its_program() -> None:
    """A trace from a file can be read, but only its program can run it."""
    from steersman.ppl import Trace

    trace = simulate(sub_of("x")).trace
    assert trace is not None
    with pytest.raises(ValueError, match=r"Trace\.from_json\(data, program=\.\.\.\)"):
        regenerate(Trace.from_json(trace.to_json()), ["x"])
    assert regenerate(Trace.from_json(trace.to_json(), sub_of("x")), ["x"], 3).trace is not None


def test_all_particles_dead_counts_the_sites() -> None:
    """The histogram of killing sites, most frequent first."""
    error = AllParticlesDead({"a": 2, "line/token#4": 30})
    assert "all 32 particles are dead; killed by: line/token#4 (30), a (2)" in str(error)
    assert error.killed == {"a": 2, "line/token#4": 30}


def test_exceptions_of_user_code_get_a_note() -> None:
    """What a program, a called function or a distribution raises keeps its type and gains the site as a note."""

    @program
    async def raises() -> None:
        await sample(coin(), "x")
        raise KeyError("mine")

    def costly(x: str) -> str:
        raise ZeroDivisionError

    @batched
    def together(xs: list[str]) -> list[str]:
        raise ZeroDivisionError

    @batched
    def too_few(xs: list[str]) -> list[str]:
        return xs[:-1]

    class Raises(Table):
        @staticmethod
        def draw(members: Any, keys: Any) -> Any:
            raise ZeroDivisionError

    @program
    async def calls(fn: Any) -> None:
        await call(fn, "a", name="reward")

    @program
    async def draws() -> None:
        await sample(Raises(heads=1), "x")

    @program
    async def looped() -> None:
        await unfold(sub_of.fn, "x", lambda s: {}[s], "loop")

    for model, kind, note in (
        (raises(), KeyError, "raised by <program 'raises'>"),
        (raises(), KeyError, "after sample 'x'"),
        (calls(costly), ZeroDivisionError, "call 'reward' in <program 'calls'>"),
        (calls(together), ZeroDivisionError, "call 'reward' in <program 'calls'>"),
        (calls(too_few), ValueError, "call 'reward' in <program 'calls'>"),
        (draws(), ZeroDivisionError, "sample 'x' in <program 'draws'>"),
        (looped(), KeyError, "raised by <program 'looped'>"),
    ):
        with pytest.raises(kind) as caught:
            simulate(model)
        assert note in "\n".join(caught.value.__notes__)
        assert re.search(rf"\({re.escape(__file__)}:\d+\)", caught.value.__notes__[0])
    with pytest.raises(ValueError, match="too_few was given 2 inputs and returned 1 results"):
        advance_all(calls(too_few), calls(too_few))


def test_the_right_particle_is_blamed() -> None:
    """A plain function is called for each particle: the note names the one it failed for."""

    @program
    async def model(name: str, x: int) -> None:
        await call(lambda n: 1 / n, x, name=name)

    with pytest.raises(ZeroDivisionError) as caught:
        advance_all(model("good", 1), model("bad", 0), model("fine", 2))
    assert "call 'bad'" in caught.value.__notes__[0]


def test_errors_share_a_base() -> None:
    """One except clause catches all that the language reports, and each is also a kind that Python users expect."""
    for kind, builtin in (
        (MissingAwait, TypeError), (NotAnEffect, TypeError), (NotADistribution, TypeError), (NameReused, ValueError),
        (InvalidWeight, ValueError), (OutsideSupport, ValueError), (UnknownAddress, KeyError),
        (TracedControlFlow, TypeError), (NotEnumerable, ValueError),
    ):
        assert issubclass(kind, SteersmanError) and issubclass(kind, builtin)
