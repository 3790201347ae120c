"""Particle-marginal Metropolis-Hastings: exact for any population, whatever proposes the parameters."""

from __future__ import annotations

import math
from typing import Any

import pytest
from counting import CountingLM

from steersman.inference import (
    MH,
    SMC,
    ImpossibleStart,
    Kernel,
    Move,
    NothingToChange,
    ParticleMarginalMH,
    cycle,
    infer,
    propose,
    random_walk,
    site,
    suffix,
)
from steersman.inference.kernels.parameters import ParameterOutOfPlace
from steersman.inference.kernels.particle_marginal import particle_marginal
from steersman.inference.testing import (
    OracleModel,
    bounded_model,
    check_chain,
    check_joint,
    check_kernel,
    check_transitions,
    crossroads_model,
    letters_model,
    sentence_model,
    tosses_model,
    word_model,
)
from steersman.models import TableLM
from steersman.ppl import Trace, condition, dist, factor, observe, program, sample

COIN = TableLM([0.3, -0.3], eos=None, vocabulary=["t", "h"])


@program
async def biased(coin: TableLM) -> tuple[int, ...]:
    """A parameter that decides whether there is another one, then one or two tosses; all are judged."""
    theta = await sample(coin.next(""), "theta")
    extra = await sample(coin.next("t"), "extra") if theta == 1 else 0
    await factor(0.4 * extra - 0.7 * theta, "parameters")
    out = [theta, extra]
    for _ in range(1 + (extra != theta)):
        out.append(await sample(coin.next("h" * (theta + extra)), "toss"))
        await factor(1.1 if out[-1] == theta else -0.4, "agrees")
    return tuple(out)


def biased_model() -> OracleModel:
    return OracleModel.of(biased(COIN), theta=lambda v: float(v[0]), tosses=lambda v: float(sum(v[2:])))


@program
async def other_theta(coin: TableLM) -> None:
    await sample(coin.next("h"), "theta")


def guide(trace: Trace) -> Any:
    return other_theta(COIN)


MOVES: list[Move] = [site(), suffix(), site("extra"), propose(guide)]


TWO = [pytest.param(move, 2, id=f"{move}-2", marks=pytest.mark.slow) for move in (site(), propose(guide))]


@pytest.mark.parametrize(("move", "particles"), [*(pytest.param(move, 1, id=f"{move}-1") for move in MOVES), *TWO])
def test_without_chance(move: Move, particles: int) -> None:
    """The transition matrix over all random choices of a step, the sweep for the first Zhat included: invariant; the
    number of parameters changes."""
    kernel = particle_marginal(particles, "theta", "extra", move=move)
    report = check_transitions(kernel, biased_model(), reversible=False, irreducible=move.name != "site('extra')")
    assert report.passed, report


@pytest.mark.parametrize("kernel", [
    cycle(*[particle_marginal(1, "theta", "extra")] * 2),
    cycle(*[particle_marginal(1)] * 3),
], ids=["marginal", "independent"])
def test_remembered_evidence_without_chance(kernel: Kernel) -> None:
    """Steps that start from the Zhat of the one before: invariant."""
    for part in kernel.parts():
        assert part is kernel.parts()[0]
    report = check_transitions(kernel, biased_model() if "theta" in kernel.name else bounded_model(2), reversible=False)
    assert report.passed, report


@pytest.mark.slow
def test_after_another_kernel_without_chance() -> None:
    """When another kernel has moved the execution, its Zhat is that of a conditional sweep: invariant."""
    once = particle_marginal(1, "theta", "extra")
    report = check_transitions(cycle(once, site("toss"), once), biased_model(), reversible=False)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("how", ["prior", "proposal", "twist"])
def test_a_text_as_parameter(how: str) -> None:
    """The text is proposed, the coin is left to two particles: invariant, without chance."""
    kernel = particle_marginal(2, "word", resample_at=["letters"])
    report = check_transitions(kernel, word_model(how), reversible=False)
    assert report.passed, report


@pytest.mark.parametrize("model", [bounded_model(2), tosses_model(), word_model("proposal")], ids=lambda m: m.name)
def test_particle_independent(model: OracleModel) -> None:
    """No parameters: a whole execution by a sweep in each step: invariant and irreducible, without chance."""
    report = check_transitions(particle_marginal(1), model, reversible=False)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("particles", [1, 4, 8])
@pytest.mark.parametrize(("model", "names"), [
    (sentence_model("twist"), ()), (crossroads_model(), ("first",)), (letters_model(), ("first",)),
    (tosses_model("unfold"), ("count",)),
], ids=lambda x: getattr(x, "name", None))
def test_invariant(model: OracleModel, names: tuple[str, ...], particles: int) -> None:
    """Many chains from exact draws, several remembered steps: exact draws still."""
    kernel = particle_marginal(particles, *names)
    report = check_kernel(kernel, model, chains=2000, steps=4, reversible=False)
    assert report.passed, report


def test_invariant_quickly() -> None:
    """The same, once."""
    report = check_kernel(particle_marginal(3, "first"), crossroads_model(), chains=800, steps=3, reversible=False)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [(), "count"])
def test_its_own_start(parameters: Any) -> None:
    """Independent chains from plain sweeps, after a warm-up: means and the law of the last state."""
    method = ParticleMarginalMH(4, 2, parameters=parameters, chains=300, warmup=8)
    report = check_chain(method, tosses_model())
    assert report.passed, report


@program
async def panel(data: tuple[float, ...] | None = None) -> Any:
    """Scores that share an unknown mean and scale, each shifted or not by a coin: numbers, coins and data."""
    mu = await sample(dist.Normal(0.0, 1.0), "mu")
    sigma = await sample(dist.Gamma(3.0, 4.0), "sigma")
    scores, shifts = [], []
    for t in range(3):
        shifts.append(await sample(dist.Bernoulli(0.4), "shift"))
        law = dist.Normal(mu + 1.5 * shifts[-1], sigma)
        if data is None:
            scores.append(await sample(law, "score"))
        else:
            await observe(law, data[t], "score")
    return (mu, sigma, tuple(shifts)), tuple(scores) if data is None else data


PANEL = {
    "mu": lambda v: v[0][0], "mu squared": lambda v: v[0][0] ** 2, "sigma": lambda v: v[0][1],
    "shifts": lambda v: float(sum(v[0][2])), "first shift": lambda v: float(v[0][2][0]),
    "mu times data": lambda v: v[0][0] * sum(v[1]), "residual": lambda v: abs(v[1][0] - v[0][0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("move", [random_walk(scale=0.5), site()], ids=str)
def test_continuous_parameters(move: Move) -> None:
    """Geweke's joint test of the whole step: random walk or independence proposals, coins by four particles."""
    report = check_joint(particle_marginal(4, "mu", "sigma", move=move), panel, PANEL, runs=250, cycles=2, steps=3)
    assert report.passed, report


@pytest.mark.slow
def test_the_joint_test_sees_a_missing_prior() -> None:
    """The oracle above is able to fail: random-walk proposals judged as if they came from the prior."""

    class AsIfFromPrior(type(random_walk(scale=1.0))):  # type: ignore[misc]
        async def propose(self, chain: Any) -> Any:
            proposal = await super().propose(chain)
            if proposal is not None and not proposal.particle.dead:
                proposal.log_ratio = chain.log_target(chain.particle) - chain.log_target(proposal.particle)
            return proposal

    kernel = particle_marginal(4, "mu", "sigma", move=AsIfFromPrior((), 0.5))
    assert not check_joint(kernel, panel, PANEL, runs=250, cycles=2, steps=3).passed


def test_cost() -> None:
    """A step costs one sweep of N executions, and the first one a conditional sweep of N - 1 besides; parameters that
    language models do not draw cost nothing."""

    @program
    async def sway(lm: TableLM) -> tuple[float, str]:
        bias = await sample(dist.Normal(0.0, 1.0), "bias")
        text = await sample(lm.text("", max_tokens=5), "text")
        await factor(bias * text.count("a"), "taste")
        return bias, text

    lm = CountingLM(TableLM([0.3, -0.3], eos=None, vocabulary=["a", "b"]))
    method = ParticleMarginalMH(4, 3, parameters="bias", move=random_walk(scale=0.5), warmup=0, init=SMC(1))
    posterior = infer(sway(lm), method)
    assert posterior.cost.tokens == lm.tokens == 5 + 3 * 5 + 3 * 4 * 5


def test_results() -> None:
    """Names, acceptance, no evidence."""
    posterior = infer(tosses_model().program, ParticleMarginalMH(4, 40, parameters=["count"], chains=2))
    assert posterior.method == "ParticleMarginalMH(4, 40)" and len(posterior) == 80
    assert posterior.chains is not None and math.isnan(posterior.log_evidence)
    assert 0 < posterior.chains.acceptance()["particle_marginal(4, 'count')"] < 1


@program
async def out_of_order(coin: TableLM) -> None:
    await sample(coin.next(""), "latent")
    await sample(coin.next(""), "theta")


@program
async def sometimes_late(coin: TableLM) -> None:
    await sample(coin.next(""), "theta")
    if await sample(coin.next(""), "latent"):
        await sample(coin.next(""), "theta")


@program
async def impossible(coin: TableLM) -> None:
    await condition(await sample(coin.next(""), "theta") == 5, "five")


@pytest.mark.parametrize(("call", "options", "error", "message"), [
    (out_of_order, {"parameters": "theta"}, ParameterOutOfPlace, "'theta' is chosen after a choice"),
    (sometimes_late, {"parameters": "theta"}, ParameterOutOfPlace, "'theta#1' is chosen after"),
    (biased, {"parameters": ["beta"]}, NothingToChange, "beta"),
    (impossible, {}, ImpossibleStart, "five"),
])
def test_programs_it_cannot_sample(call: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    """Parameters come first, and exist; one clear error where they do not."""
    with pytest.raises(error, match=message):
        infer(call(COIN), ParticleMarginalMH(3, 20, **options))


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: ParticleMarginalMH(0, 5), ValueError, "particles=0"),
    (lambda: ParticleMarginalMH(4, 0), ValueError, "steps=0"),
    (lambda: ParticleMarginalMH(4, 5, move=cycle(site(), site())), TypeError, "one move"),
    (lambda: MH(1, 2, particle_marginal(2, "x").on(("y",))), TypeError, "cannot be restricted"),
])
def test_bad_input(make: Any, error: type[Exception], message: str) -> None:
    """One clear error, which names the argument."""
    with pytest.raises(error, match=message):
        make()
