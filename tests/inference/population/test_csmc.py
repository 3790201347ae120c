"""Conditional SMC: invariant for every population, stop and program; its estimates of Z; what a reference costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from counting import CountingLM

from steersman.inference import Enumerate, infer, particle_gibbs
from steersman.inference.chain import Chain
from steersman.inference.chain.target import Joint, Tempered
from steersman.inference.kernels.choices import matches
from steersman.inference.population.csmc import Sweep, WrongTarget, conditional_sweep
from steersman.inference.population.given import Given
from steersman.inference.population.stops import StopSpec, barrier, every
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.testing import (
    OracleModel,
    Tape,
    TapedChain,
    TapedRun,
    bounded_model,
    check_kernel,
    check_transitions,
    crossroads_model,
    exhaust,
    line_model,
    oracle_models,
    small_model,
    stanza_model,
    tiny_models,
    tosses_model,
    word_model,
)
from steersman.inference.testing.chains import exact_law
from steersman.models import TableLM
from steersman.ppl import Particle, Trace, condition, factor, observe, program, sample
from steersman.ppl.errors import ReplayDivergence

STOPS: list[StopSpec] = ["weight", "factor", "token", every(2), ["letters", "taste", "longer"], lambda p, effect: True]


def _stop_name(stop: StopSpec) -> str:
    return "all" if callable(stop) and not isinstance(stop, every) else str(stop)


@pytest.mark.filterwarnings("ignore:resample_at names")
@pytest.mark.parametrize("stop", STOPS, ids=_stop_name)
@pytest.mark.parametrize("model", tiny_models(), ids=lambda m: m.name)
def test_reversible_without_chance(model: OracleModel, stop: StopSpec) -> None:
    """The transition matrix of a sweep of two, over all its random choices: reversible, and everything is reached."""
    report = check_transitions(particle_gibbs(2, resample_at=stop), model)
    assert report.passed, report


@pytest.mark.parametrize("model", [bounded_model(2), small_model("prior")], ids=lambda m: m.name)
def test_three_particles_without_chance(model: OracleModel) -> None:
    """Two others: they may be copies of the reference, of each other, or of neither."""
    report = check_transitions(particle_gibbs(3, resample_at=["longer", "ahead", "final"]), model)
    assert report.passed, report


@pytest.mark.parametrize(("particles", "stop"), [(2, "token"), (4, every(2)), (8, "weight")], ids=str)
@pytest.mark.parametrize("model", [m for m in oracle_models() if m.name != "coins/3"], ids=lambda m: m.name)
@pytest.mark.slow
def test_invariant(model: OracleModel, particles: int, stop: StopSpec) -> None:
    """Many chains from exact draws: after two sweeps they are exact draws still, and flows are balanced."""
    report = check_kernel(particle_gibbs(particles, resample_at=stop), model, steps=2)
    assert report.passed, report


@pytest.mark.parametrize(("model", "stop"), [(crossroads_model(), "weight"), (line_model("proposal"), "token")],
                         ids=["crossroads", "line"])
def test_invariant_quickly(model: OracleModel, stop: StopSpec) -> None:
    """The same, for executions of very different lengths, and for a text under another proposal."""
    report = check_kernel(particle_gibbs(4, resample_at=stop), model, chains=1000, steps=2)
    assert report.passed, report


def _sweep(model: OracleModel, tape: Tape, reference: Trace | None, particles: int, stop: StopSpec) -> Sweep:
    run = TapedRun(model.program, tape)
    chain = TapedChain(run, run.spawn([0])[0], Joint())
    return run_together([conditional_sweep(chain, particles, barrier(stop), reference)])[0]


@pytest.mark.parametrize("model", tiny_models(), ids=lambda m: m.name)
def test_both_estimates_of_the_evidence(model: OracleModel) -> None:
    """E[Zhat] = Z without a reference, E[1 / Zhat] = 1 / Z around a draw from the posterior; without chance."""
    z = math.exp(model.exact.log_evidence)
    plain = sum(p * math.exp(s.log_evidence) for p, s in exhaust(lambda t: _sweep(model, t, None, 2, "factor")))
    assert plain == pytest.approx(z, rel=1e-9)
    traces, pi = exact_law(model, Joint())
    inverse = sum(
        weight * p * math.exp(-s.log_evidence) for trace, weight in zip(traces, pi.tolist(), strict=True)
        for p, s in exhaust(lambda t, trace=trace: _sweep(model, t, trace, 2, "factor"))
    )
    assert inverse == pytest.approx(1 / z, rel=1e-9)


def test_sweep_of_one_is_the_weight_of_the_reference() -> None:
    """N = 1: Zhat is the importance weight of the reference."""
    model = word_model("proposal")
    for trace in exact_law(model, Joint())[0]:
        ((_, sweep),) = exhaust(lambda t, trace=trace: _sweep(model, t, trace, 1, "token"))
        weight = trace.log_joint - sum(s.log_q for s in trace.choice_sites().values())
        assert sweep.log_evidence == pytest.approx(weight, abs=1e-12)
        assert sweep.particles[0].value == trace.value


@program
async def fixed_length(lm: TableLM) -> tuple[Any, ...]:
    text = await sample(lm.text("", max_tokens=3), "text")
    await factor(0.1 * len(text), "length")
    token = await sample(lm.next(lm.context("a") + text), "token")
    await observe(lm.text("b", max_tokens=2), "aa", "judge")
    return text, token


def _chain(model: Any, seed: int = 0) -> Chain:
    run = Run(model, seed)
    return Chain(run, 0, run.spawn([0])[0])


@pytest.mark.parametrize("particles", [1, 2, 5])
def test_the_reference_costs_nothing(particles: int) -> None:
    """N - 1 executions are drawn and observed, nothing of the reference is; the ledger agrees with the model's own."""
    lm = CountingLM(TableLM([0.3, -0.3], eos=None, vocabulary=["a", "b"]))
    chain = _chain(fixed_length(lm))
    first = run_together([conditional_sweep(chain, 1, barrier("weight"), None)])[0]
    assert lm.tokens == chain.run.meter.tokens == 3 + 1 + 2
    lm.tokens = chain.run.meter.tokens = 0
    run_together([conditional_sweep(chain, particles, barrier("weight"), first.particles[0].trace)])
    assert lm.tokens == chain.run.meter.tokens == 6 * (particles - 1)


def test_retained_is_the_slot_not_the_copy() -> None:
    """After a sweep slot 0 holds the reference; copies of it in other slots have gone on to other ends."""
    model = tosses_model()
    reference = max(exact_law(model, Joint())[0], key=lambda t: len(t.value))
    chain = _chain(model.program)
    ends = set()
    for t in range(200):
        chain.begin_step(t)
        sweep = run_together([conditional_sweep(chain, 3, barrier("weight"), reference)])[0]
        assert sweep.particles[0].trace == reference and sweep.retained is reference
        ends |= {p.value for p in sweep.particles[1:] if not p.dead}
    assert len(ends) == 7


def _captured(limit: list[int]) -> Any:
    @program
    async def changing(lm: TableLM) -> int:
        first = await sample(lm.next(""), "first")
        if limit[0] == 1:
            await sample(lm.next("a"), "another")
        elif limit[0] == 2:
            return first
        await condition(limit[0] != 3, "possible")
        return first + await sample(lm.next("b"), "second")

    return changing(TableLM([0.3, -0.3], eos=None, vocabulary=["a", "b"]))


@pytest.mark.parametrize(("now", "message"), [
    (1, r"sample 'another' in .* is asked for, and the recorded execution has no such site"),
    (2, r"the program returns without asking for 'second'"),
    (3, r"it dies at 'possible'"),
])
def test_references_that_cannot_be_replayed(now: int, message: str) -> None:
    """A program that is no function of its choices any more: one error, which names the site."""
    limit = [0]
    chain = _chain(_captured(limit))
    trace = infer(chain.run.model, Enumerate()).traces[0]
    limit[0] = now
    with pytest.raises(ReplayDivergence, match=message):
        run_together([conditional_sweep(chain, 2, barrier("weight"), trace)])


def test_another_kind_of_site() -> None:
    """A site of the recorded name and another kind is named with both kinds."""

    def one(kind: Callable[..., Any]) -> Any:
        @program
        async def single(lm: TableLM) -> int:
            await kind(lm)
            return await sample(lm.next(""), "last")

        return single(TableLM([0.3, -0.3], eos=None, vocabulary=["a", "b"]))

    trace = infer(one(lambda lm: observe(lm.next(""), 1, "x")), Enumerate()).traces[0]
    with pytest.raises(ReplayDivergence, match=r"sample 'x' in .* execution has observe 'x'"):
        run_together([conditional_sweep(_chain(one(lambda lm: sample(lm.next(""), "x"))), 2, barrier("weight"), trace)])


def test_references_that_the_proposal_cannot_draw() -> None:
    """A weight that would be infinite is refused, naming the site."""
    lm = TableLM([0.3, -0.3], eos=None, vocabulary=["a", "b"])

    @program
    async def masked(allowed: list[int]) -> int:
        return await sample(lm.next(""), "x", proposal=lm.next("").masked(allowed))

    start = Given({("x", 0): 1}, lambda a: False)
    run = Run(masked([0]))
    (particle,) = run.spawn([0])

    async def impose() -> None:
        await run.advance([particle], choose=start.choose)

    run_together([impose()])
    assert particle.trace is not None
    with pytest.raises(ReplayDivergence, match=r"the proposal at sample 'x' .* cannot draw the recorded 1"):
        run_together([conditional_sweep(Chain(run, 0, particle), 2, barrier("weight"), particle.trace)])


def test_tempered_chains_are_refused() -> None:
    """A sweep follows the weights of the program, so another target would be missed."""
    model = bounded_model()
    run = Run(model.program)
    trace = next(t for t in model.exact.traces if t is not None)
    chain = Chain(run, 0, Particle.of_trace(trace), Tempered(0.5))
    with pytest.raises(WrongTarget, match="temper the program"):
        run_together([particle_gibbs(2).step(chain)])


@pytest.mark.parametrize("names", [("side",), ("word",), ("count",)])
def test_only_some_choices(names: tuple[str, ...]) -> None:
    """Conditional on the choices of other names, and on which there are: invariant, without chance."""
    for model in (word_model("twist"), tosses_model("unfold")):
        if any(matches(names, a) for a in exact_law(model, Joint())[0][-1].choices()):
            report = check_transitions(particle_gibbs(2, *names), model, irreducible=False)
            assert report.passed, report


def test_given_choices_are_kept() -> None:
    """Every particle with weight makes just the given choices besides free ones."""
    model = stanza_model("sub")
    trace = exact_law(model, Joint())[0][-1]
    given = Given.of(trace, lambda a: "verse" in a and a[1] == 1)
    sweep = run_together([conditional_sweep(_chain(model.program), 64, barrier("weight"), trace, given=given)])[0]
    for p, w in zip(sweep.particles, sweep.log_weights, strict=True):
        if w > -math.inf:
            assert p.value[0] == trace.value[0]
    assert len({p.value for p in sweep.particles}) > 1


def test_json_traces_can_be_references() -> None:
    """A trace that was written and read again is as good a reference, texts included."""
    model = word_model("proposal")
    for trace in exact_law(model, Joint())[0]:
        again = Trace.from_json(trace.to_json(), model.program)
        one, other = (
            run_together([conditional_sweep(_chain(model.program), 3, barrier("token"), t)])[0] for t in (trace, again)
        )
        assert (one.log_weights == other.log_weights).all()
        assert [p.value for p in one.particles] == [p.value for p in other.particles]
