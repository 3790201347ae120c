"""Particle Gibbs, with and without ancestor sampling: exact for every program, alone and among other kernels."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from counting import CountingLM

from steersman.inference import (
    MH,
    SMC,
    Budget,
    ImpossibleStart,
    NothingToChange,
    ParticleGibbs,
    cycle,
    infer,
    mix,
    particle_gibbs,
    posterior_of,
    site,
    suffix,
)
from steersman.inference.population.stops import StopSpec, every
from steersman.inference.testing import (
    OracleModel,
    assert_exact,
    bounded_model,
    check_chain,
    check_kernel,
    check_transitions,
    coins_model,
    crossroads_model,
    differences,
    line_model,
    oracle_models,
    sentence_model,
    stanza_model,
    telegram_model,
    tiny_models,
    tosses_model,
    word_model,
)
from steersman.inference.testing.chi_square import fit
from steersman.models import TableLM
from steersman.ppl import condition, factor, observe, program, sample

STOPS: list[StopSpec] = ["weight", "factor", every(2)]


@pytest.mark.filterwarnings("ignore:resample_at names")
@pytest.mark.parametrize("stop", STOPS, ids=str)
@pytest.mark.parametrize("model", tiny_models(), ids=lambda m: m.name)
def test_ancestor_sampling_without_chance(model: OracleModel, stop: StopSpec) -> None:
    """The transition matrix of a sweep of two whose reference may get another past: invariant, everything reached."""
    if (model.name, stop) == ("word/proposal", "weight"):
        pytest.skip("left to the slow tier")
    report = check_transitions(particle_gibbs(2, resample_at=stop, ancestor_sampling=True), model, reversible=False)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["weight", "token"])
@pytest.mark.parametrize("how", ["prior", "proposal", "twist"])
def test_ancestors_inside_texts_without_chance(how: str, stop: StopSpec) -> None:
    """The same where stops cut texts: the rest of a half-drawn text is imposed on others that stand as far in it."""
    kernel = particle_gibbs(2, resample_at=stop, ancestor_sampling=True)
    report = check_transitions(kernel, word_model(how), reversible=False)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize(("particles", "stop"), [(2, "weight"), (4, "token"), (8, every(2))], ids=str)
@pytest.mark.parametrize("model", [m for m in oracle_models() if m.name != "coins/3"], ids=lambda m: m.name)
def test_ancestor_sampling_is_invariant(model: OracleModel, particles: int, stop: StopSpec) -> None:
    """Many chains from exact draws stay exact draws, for the programs that are too large for a matrix."""
    kernel = particle_gibbs(particles, resample_at=stop, ancestor_sampling=True)
    report = check_kernel(kernel, model, chains=1000, steps=2, reversible=False)
    assert report.passed, report


@pytest.mark.parametrize(("model", "stop"), [(sentence_model("proposal"), "step"), (line_model("proposal"), "token")],
                         ids=["sentence", "line"])
def test_ancestor_sampling_is_invariant_quickly(model: OracleModel, stop: str) -> None:
    """The same with few chains, on a program with masked proposals and on a text."""
    kernel = particle_gibbs(3, resample_at=[stop], ancestor_sampling=True)
    report = check_kernel(kernel, model, chains=600, steps=2, reversible=False)
    assert report.passed, report


@pytest.mark.parametrize("ancestor_sampling", [False, True])
@pytest.mark.parametrize("model", [crossroads_model(), stanza_model("unfold")], ids=lambda m: m.name)
def test_one_long_run(model: OracleModel, ancestor_sampling: bool) -> None:
    """Its own start, its own warm-up, one chain: every statistic by batch means."""
    method = ParticleGibbs(4, 1500, warmup=20, resample_at="factor", ancestor_sampling=ancestor_sampling)
    report = check_chain(method, model)
    assert report.passed, report


def test_many_chains() -> None:
    """The last states of 500 chains, started by plain sweeps, fit the posterior (chi-square)."""
    report = check_chain(ParticleGibbs(3, 1, chains=500, warmup=8), word_model("twist"))
    assert report.passed, report


@pytest.mark.slow
def test_every_model_from_a_sweep() -> None:
    """Means over independent runs, on every oracle model; no evidence is claimed."""
    assert_exact(ParticleGibbs(6, 4, warmup=12), runs=300, evidence=False, error_bars=False)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["emission", "telescoping"])
@pytest.mark.parametrize("ancestor_sampling", [False, True])
def test_process_rewards(mode: str, ancestor_sampling: bool) -> None:
    """S011: a process reward as factors or as a twist are two posteriors; particle Gibbs samples each of them."""
    kernel = particle_gibbs(2, resample_at=["reward"], ancestor_sampling=ancestor_sampling)
    report = check_kernel(kernel, telegram_model(mode), chains=500, steps=2, reversible=not ancestor_sampling)
    assert report.passed, report
    method = ParticleGibbs(4, 1, chains=300, warmup=5, ancestor_sampling=ancestor_sampling)
    report = check_chain(method, telegram_model(mode))
    assert report.passed, report
    other = telegram_model("telescoping" if mode == "emission" else "emission")
    mistaken = OracleModel(other.name, telegram_model(mode).build, other.statistics)
    object.__setattr__(mistaken, "exact", other.exact)
    assert not check_chain(method, mistaken).passed


def test_forms_are_one_chain() -> None:
    """Flat, sub-program and unfold: the same chain, bit for bit; and each alone or in company."""
    programs = [stanza_model(form).program for form in ("flat", "sub", "unfold")]
    for ancestor_sampling in (False, True):
        method = ParticleGibbs(3, 6, chains=3, ancestor_sampling=ancestor_sampling)
        alone = [infer(p, method, seed=4) for p in programs]
        together = infer(programs, method, seed=4)
        for posterior in (*alone[1:], *together):
            assert posterior.values == alone[0].values
        assert not differences(alone[0], infer(programs[0], method, seed=4))


def test_chains_do_not_depend_on_their_number() -> None:
    """What a chain draws depends on its slot, not on its company."""
    few, many = (infer(sentence_model().program, ParticleGibbs(3, 5, chains=n, warmup=0), seed=2) for n in (2, 5))
    assert few.values == many.values[:10]


@program
async def chain_of_words(lm: TableLM, length: int) -> tuple[int, ...]:
    """A hidden chain whose beginning matters to nobody but its neighbour."""
    out: list[int] = []
    for _ in range(length):
        token = await sample(lm.next(lm.context() + out[-1:]), "word")
        out.append(token)
        await factor(0.9 * token, "taste")
    return tuple(out)


def test_ancestor_sampling_renews_the_past() -> None:
    """Over two dozen stops all particles come to share the reference's beginning; ancestor sampling keeps changing
    it."""
    lm = TableLM.random(3, seed=4, scale=0.3, eos=None)
    call = chain_of_words(lm, 24)
    changes = {}
    for ancestor_sampling in (False, True):
        method = ParticleGibbs(3, 60, warmup=0, ancestor_sampling=ancestor_sampling)
        firsts = [v[0] for v in infer(call, method, seed=1).values]
        changes[ancestor_sampling] = sum(a != b for a, b in pairwise(firsts))
    assert changes[False] <= 3 and changes[True] >= 15


def test_cost_of_ancestor_sampling() -> None:
    """A sweep costs N - 1 executions; with ancestor sampling what is left of the reference is scored, N - 1 times, at
    every stop."""
    length, N = 6, 4
    tokens = {}
    for ancestor_sampling in (False, True):
        lm = CountingLM(TableLM.random(3, seed=4, scale=0.3, eos=None))
        method = ParticleGibbs(N, 1, warmup=0, ancestor_sampling=ancestor_sampling, init=SMC(1))
        posterior = infer(chain_of_words(lm, length), method, seed=1)
        assert lm.tokens == posterior.cost.tokens
        tokens[ancestor_sampling] = lm.tokens - length
    assert tokens[False] == (N - 1) * length
    assert tokens[True] == (N - 1) * (length + sum(range(length)))


@pytest.mark.parametrize("where", ["sample", "observe"])
def test_what_cannot_be_scored_keeps_its_past(where: str) -> None:
    """A choice or observation whose density is an estimate is never imposed: the reference keeps its own past, and the
    chain is right all the same."""
    lm = TableLM([0.5, -0.5], eos=None, vocabulary=["a", "b"])

    @program
    async def inner() -> int:
        value = await sample(lm.next(""), "value")
        await factor(0.7 * value, "liked")
        return value

    @program
    async def outer(lm: TableLM) -> tuple[int, int]:
        first = await sample(lm.next(""), "first")
        await factor(0.4 * first, "taste")
        nested = posterior_of(inner(), SMC(1))
        if where == "sample":
            second = await sample(nested, "second")
        else:
            second = await sample(lm.next(""), "second")
            await observe(nested, second, "judge")
        await factor(1.2 if first == second else -0.3, "same")
        return first, second

    posterior = infer(outer(lm), ParticleGibbs(3, 1, chains=250, warmup=4, ancestor_sampling=True), seed=3)
    p = 1 / (1 + math.e)  # of the value 1: the prior's, and the law of a draw from a nested run of one particle
    second = {1: p, 0: 1 - p} if where == "sample" else {1: p * p, 0: (1 - p) * (1 - p)}
    mass = {
        (a, b): (p if a else 1 - p) * math.exp(0.4 * a) * second[b] * math.exp(1.2 if a == b else -0.3)
        for a in (0, 1) for b in (0, 1)
    }
    expected = {value: m / sum(mass.values()) for value, m in mass.items()}
    check = fit("law", "values", Counter(posterior.values), expected)
    assert check.z < 4, check


def test_among_other_kernels() -> None:
    """In cycles and mixtures, on some names only, in a cycle with itself: invariant, without chance."""
    for kernel, model in (
        (cycle(particle_gibbs(2, "word"), site("side")), word_model("twist")),
        (mix(particle_gibbs(2, resample_at="factor"), suffix()), tosses_model()),
        (cycle(particle_gibbs(2).on(("side",)), particle_gibbs(2, "word")), word_model()),
    ):
        report = check_transitions(kernel, model, reversible=False)
        assert report.passed, report


def test_starts() -> None:
    """Each chain starts at a draw of a sweep, where the prior finds nothing; the error says who died and what to do."""
    model = coins_model(12)
    with pytest.raises(ImpossibleStart, match="die"):
        infer(model.program, ParticleGibbs(4, 2, init="prior"))
    posterior = infer(model.program, ParticleGibbs(24, 2, chains=3), seed=1)
    assert set(posterior.values) == {(1,) * 12}

    @program
    async def never(lm: TableLM) -> None:
        await condition(await sample(lm.next(""), "x") == 7, "seven")

    with pytest.raises(ImpossibleStart, match=r"2 of 2 chains .* all particles of 10 sweeps .* seven \(80\)") as caught:
        infer(never(TableLM([0.0, 0.0], eos=None)), ParticleGibbs(4, 2, chains=2))
    assert caught.value.killed == {"seven": 80}


def test_results() -> None:
    """Equal weights, chains that say how they lie, how often the execution changed, and what was asked in vain."""
    posterior = infer(bounded_model().program, ParticleGibbs(4, 20, chains=2, thin=2), seed=1)
    assert posterior.chains is not None and (posterior.chains.chains, posterior.chains.draws) == (2, 10)
    assert len(posterior) == 20 and math.isnan(posterior.log_evidence)
    assert 0 < posterior.chains.acceptance()["particle_gibbs(4)"] < 1
    assert posterior.method == "ParticleGibbs(4, 20)"
    with pytest.warns(UserWarning, match="resample_at names \\['nowhere'\\]"):
        infer(bounded_model().program, ParticleGibbs(4, 2, resample_at=["nowhere"]))
    stopped = infer(sentence_model().program, ParticleGibbs(8, 1000, warmup=0), budget=Budget(tokens=600))
    assert stopped.stopped is not None and len(stopped) > 0 and stopped.cost.tokens <= 600


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: ParticleGibbs(1, 10), ValueError, "at least 2"),
    (lambda: ParticleGibbs(0, 10), ValueError, "particles=0"),
    (lambda: ParticleGibbs(4, 0), ValueError, "sweeps=0"),
    (lambda: ParticleGibbs(4, 10, resample_at=7), ValueError, "resample_at"),
    (lambda: infer(word_model().program, MH(1, 2, particle_gibbs(2, "nothing"))), NothingToChange, "nothing"),
])
def test_bad_input(make: Any, error: type[Exception], message: str) -> None:
    """One clear error, which names the argument."""
    with pytest.raises(error, match=message):
        make()
