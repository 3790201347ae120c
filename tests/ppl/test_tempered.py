"""`tempered`: the target prior x likelihood^beta, and everything else as it was."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Hashable
from typing import Any

import pytest

from steersman.inference import SMC, AllParticlesDead, Enumerate, Importance, Posterior, infer, posterior_of
from steersman.inference.testing import (
    OracleModel,
    assert_exact,
    check_equivalences,
    differences,
    letters_model,
    same_particles,
    sentence_model,
    stanza_model,
)
from steersman.models import TableLM
from steersman.ppl import (
    InvalidWeight,
    Invocation,
    MissingAwait,
    ProgramError,
    Trace,
    assess,
    call,
    condition,
    dist,
    factor,
    observe,
    program,
    regenerate,
    sample,
    simulate,
    tempered,
    twist,
    unfold,
    update,
)

MODELS = [
    *(sentence_model(how) for how in ("prior", "proposal", "twist")),
    *(stanza_model(form) for form in ("flat", "sub", "unfold")), letters_model("prior"), letters_model("proposal"),
]
Names = tuple[Hashable, ...] | None


def choices_of(trace: Trace) -> tuple[Any, ...]:
    """What was drawn, texts as their tokens (two texts may read alike)."""
    return tuple(getattr(value, "tokens", value) for value in trace.choices().values())


def measure(posterior: Posterior) -> dict[tuple[Any, ...], float]:
    """choices -> mass, for every trace of an enumeration."""
    weighted = zip(posterior.traces, posterior.log_weights, strict=True)
    return {choices_of(t): math.exp(w) for t, w in weighted if t is not None}


def reweighted(posterior: Posterior, beta: float, names: Names = None) -> dict[tuple[Any, ...], float]:
    """The same from the enumeration of the program itself: every trace's samples times its likelihoods^beta."""
    out = {}
    for trace in posterior.traces:
        assert trace is not None
        powers = [
            beta if s.kind in ("factor", "observe") and (names is None or s.name in names) else 1.0
            for _, s in trace.outer_sites()
        ]
        log_p = math.fsum(a * s.log_p for a, (_, s) in zip(powers, trace.outer_sites(), strict=True))
        out[choices_of(trace)] = math.exp(log_p)
    return out


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_every_trace_is_reweighted(model: OracleModel, beta: float) -> None:
    """Enumerated: prior(x) likelihood(x)^beta for every trace, in flat programs, sub-programs, unfolds and texts."""
    exact = infer(tempered(model.program, beta), Enumerate())
    expected = reweighted(model.exact, beta)
    assert measure(exact) == pytest.approx(expected, rel=1e-12)
    assert exact.log_evidence == pytest.approx(math.log(math.fsum(expected.values())), abs=1e-12)


@pytest.mark.parametrize(("model", "names"), [
    (sentence_model(), "final"), (sentence_model(), ["step", "final"]), (stanza_model("sub"), {"beat"}),
    (stanza_model("unfold"), ("rhyme",)), (letters_model(), ["critic"]), (letters_model(), ["critic", "echo"]),
], ids=str)
def test_only_the_named_likelihoods(model: OracleModel, names: Any) -> None:
    """names: these factors and observations alone, also inside sub-programs and unfolds; one name, or several."""
    chosen = (names,) if isinstance(names, str) else tuple(names)
    expected = reweighted(model.exact, 0.4, chosen)
    assert measure(infer(tempered(model.program, 0.4, names), Enumerate())) == pytest.approx(expected, rel=1e-12)
    assert measure(infer(tempered(model.program, 0.4, ()), Enumerate())) == measure(model.exact)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_power_one_is_the_program_itself(model: OracleModel) -> None:
    """beta = 1: the same particles bit for bit, with the same addresses and records."""
    for method in (Importance(12), SMC(12, ess_threshold=1.0)):
        plain, raised = (infer(p, method, seed=3) for p in (model.program, tempered(model.program, 1)))
        assert not differences(plain, raised)
        assert [t.to_json() for t in plain.traces if t] == [t.to_json() for t in raised.traces if t]


@pytest.mark.parametrize("method", [Importance(16), SMC(16, ess_threshold=1.0)], ids=["importance", "smc"])
@pytest.mark.parametrize("model", [sentence_model("twist"), stanza_model("unfold")], ids=lambda m: m.name)
def test_backends_are_unbiased(model: OracleModel, method: Any) -> None:
    """Any method runs on a tempered program: properly weighted for the tempered target."""
    target = OracleModel(model.name, lambda wrap: tempered(model.build(wrap), 0.5), model.statistics)
    assert_exact(method, target, runs=150)


def test_runs_are_functions_of_the_seed() -> None:
    """Forks, replays, batches: equal bit for bit; and the three forms of the stanza still are one."""
    for model in (sentence_model("twist"), stanza_model("unfold"), letters_model()):
        report = check_equivalences(tempered(model.program, 0.5), SMC(8, ess_threshold=1.0))
        assert report.passed, report
    forms = [tempered(stanza_model(form).program, 0.7) for form in ("flat", "sub", "unfold")]
    assert all(check.z == 0.0 for check in same_particles(forms, SMC(8, ess_threshold=1.0)))


LM = TableLM.random(3, seed=2)


@program
async def noted(words: tuple[float, ...] = (0.3, -0.7)) -> int:
    x: int = await sample(dist.Categorical([0.2, 0.8]), "x")
    await observe(dist.Categorical([[0.9, 0.1], [0.4, 0.6]][x]), 1, "seen")
    await factor(words[x], "word")
    return x


def test_the_trace_records_the_tempered_density() -> None:
    """log_joint is log prior + beta log likelihood, under every verb."""
    model = tempered(noted(), 0.25)

    def log_joint(x: int) -> float:
        return math.log([0.2, 0.8][x]) + 0.25 * (math.log([0.1, 0.6][x]) + [0.3, -0.7][x])

    for x in (0, 1):
        done = assess(model, {"x": x})
        assert done.trace is not None and done.log_weight == pytest.approx(log_joint(x))
        assert done.trace.log_joint == pytest.approx(log_joint(x))
        assert done.trace.site("seen").log_p == pytest.approx(0.25 * math.log([0.1, 0.6][x]))
        flipped = update(done.trace, {"x": 1 - x})
        assert flipped.log_weight == pytest.approx(log_joint(1 - x) - log_joint(x))
        again = regenerate(done.trace, ["x"], 1)
        assert again.trace is not None
        prior = math.log([0.2, 0.8][again.value] / [0.2, 0.8][x])
        assert again.log_weight == pytest.approx(log_joint(again.value) - log_joint(x) - prior)


def test_impossible_stays_impossible() -> None:
    """Conditions, and factors and observations of probability zero, kill at every power, 0 included; twists, whose
    sum is 0, stay as they are."""

    @program
    async def walls(kind: str) -> int:
        x: int = await sample(dist.Categorical([0.25, 0.75]), "x")
        await twist(2.0 * x, "ahead")
        if kind == "condition":
            await condition(x == 0, "wall")
        elif kind == "factor":
            await factor(0.0 if x == 0 else -math.inf, "wall")
        else:
            await observe(dist.Categorical([[0.5, 0.5], [1.0, 0.0]][x]), 1, "wall")
        return x

    for kind, log_w in (("condition", 0.0), ("factor", 0.0), ("observe", math.log(0.5))):
        for beta in (0.0, 0.5, 2.0):
            exact = infer(tempered(walls(kind), beta), Enumerate())
            assert exact.values == [0] and exact.log_evidence == pytest.approx(math.log(0.25) + beta * log_w)
    with pytest.raises(AllParticlesDead) as error:
        infer(tempered(walls("condition"), 0.0), Importance(5, proposal=as_guide()))
    assert error.value.killed == {"wall": 5}


@program
async def as_guide() -> int:
    x: int = await sample(dist.Categorical([0.0, 1.0]), "x")
    return x


def test_as_a_sub_program() -> None:
    """Awaited inside another program it keeps its name, can be named, and powers multiply; the rest is not raised."""

    @program
    async def outer(inner: Callable[[], Invocation[int]], name: str | None) -> int:
        await factor(0.5, "own")
        return await (inner() if name is None else sample(inner(), name))

    def log_z(beta: float) -> float:
        return infer(tempered(noted(), beta), Enumerate()).log_evidence

    for name in (None, "part"):
        exact = infer(outer(lambda: tempered(noted(), 0.4), name), Enumerate())
        assert exact.log_evidence == pytest.approx(0.5 + log_z(0.4))
        assert exact.traces[0] is not None and f"{name or 'noted'}/seen" in exact.traces[0]
        twice = infer(tempered(outer(lambda: tempered(noted(), 0.4), name), 0.5), Enumerate())
        assert twice.log_evidence == pytest.approx(0.25 + log_z(0.2))
    assert infer(tempered(tempered(noted, 0.5), 3.0), Enumerate()).log_evidence == pytest.approx(log_z(1.5))
    assert repr(tempered(noted, 0.5)) == repr(noted())


def test_methods_and_undecorated_steps() -> None:
    """An unfold over a plain `async def`, a decorated step, and helpers awaited directly are all tempered."""

    async def helper(x: int) -> None:
        await factor(0.2 * x, "helped")

    async def step(state: tuple[int, int]) -> tuple[int, int]:
        n, total = state
        x: int = await sample(dist.Categorical([0.5, 0.5]), "x")
        await helper(x)
        return n + 1, total + x

    for made in (step, program(step)):

        @program
        async def loop(made: Any = made) -> int:
            return (await unfold(made, (0, 0), lambda s: s[0] == 3))[1]

        exact = infer(tempered(loop(), 2.0), Enumerate())
        by_hand = [math.comb(3, k) / 8 * math.exp(0.4 * k) for k in range(4)]
        assert exact.log_evidence == pytest.approx(math.log(sum(by_hand)))
        assert exact.probabilities()[3] == pytest.approx(by_hand[3] / sum(by_hand))


def line(fn: Any, text: str) -> int:
    lines, first = inspect.getsourcelines(fn.fn)
    return first + next(i for i, code in enumerate(lines) if text in code)


def test_errors_name_the_lines_of_the_program_itself() -> None:
    """What goes wrong inside is reported at the site and the source line where it was written."""

    @program
    async def bad(how: str) -> None:
        await sample(dist.Categorical([0.5, 0.5]), "x")
        if how == "nan":
            await factor(math.nan, "w")  # nan
        if how == "word":
            await factor("heavy", "w")  # word
        if how == "dropped":
            factor(1.0, "w")
            await sample(dist.Categorical([0.5, 0.5]), "y")  # dropped
        if how == "unawaited":
            await factor(call(len, "abc"), "w")  # unawaited
        if how == "raises":
            raise ZeroDivisionError("by zero")  # raises

    @program
    async def around(how: str) -> None:
        await bad(how)

    messages: dict[str, tuple[type[Exception], str]] = {
        "nan": (InvalidWeight, "factor 'bad/w'.*log-weight is nan"),
        "word": (InvalidWeight, "factor 'bad/w'.*takes a number of nats, got 'heavy'"),
        "dropped": (MissingAwait, r"factor\('w'\) was made but never awaited"),
        "unawaited": (MissingAwait, "factor 'bad/w'.*was used as a value"),
        "raises": (ZeroDivisionError, "by zero"),
    }
    for how, (kind, message) in messages.items():
        with pytest.raises(kind, match=message) as error:
            simulate(tempered(around(how), 0.5))
        text = str(error.value) + "".join(getattr(error.value, "__notes__", []))
        assert f"{__file__}:{line(bad, '# ' + how)}" in text
    with pytest.raises(ProgramError, match="cannot be called like this"):
        simulate(tempered(bad(), 0.5))  # type: ignore[call-arg]
    with pytest.raises(ProgramError, match="must be an `async def`"):
        simulate(tempered(Invocation(lambda: 3, name="three"), 0.5))


def test_powers_of_estimates_are_refused() -> None:
    """An observation whose density is a Monte Carlo estimate: its power would be biased. Exact ones, power 1 and
    other names are fine."""

    @program
    async def outer(method: Any) -> None:
        await observe(posterior_of(noted(), method), 1, "inner")

    with pytest.raises(ProgramError, match=r"observe\('inner'\).*power of an unbiased estimate is biased"):
        simulate(tempered(outer(Importance(4)), 0.5))
    exact = infer(noted(), Enumerate()).probabilities()[1]
    assert simulate(tempered(outer(Enumerate()), 0.5)).log_weight == pytest.approx(0.5 * math.log(exact))
    for fine in (tempered(outer(Importance(4)), 1.0), tempered(outer(Importance(4)), 0.5, names="other")):
        assert simulate(fine).log_weight == simulate(outer(Importance(4))).log_weight


@pytest.mark.parametrize("beta", [-0.1, math.inf, math.nan])
def test_bad_powers(beta: float) -> None:
    """beta is finite and at least 0."""
    with pytest.raises(ValueError, match=r"tempered\(beta=.*at least 0"):
        tempered(noted(), beta)


def test_what_cannot_be_tempered() -> None:
    """Only programs and their calls."""
    for thing in (3, lambda: None, LM):
        with pytest.raises(TypeError, match="expected a program"):
            tempered(thing, 0.5)  # type: ignore[arg-type]
