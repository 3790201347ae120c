"""SMC samplers over whole executions: proper weighting of every schedule, and error bars that are true."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steersman.inference import (
    AllParticlesDead,
    Budget,
    Enumerate,
    Importance,
    NothingToChange,
    Posterior,
    TemperedSMC,
    infer,
    mix,
    site,
    suffix,
)
from steersman.inference.chain.target import log_likelihood
from steersman.inference.resampling import Ancestry
from steersman.inference.resampling.weights import log_mean_exp
from steersman.inference.run.schedule import execute, run_together
from steersman.inference.tempered_smc import TemperedState
from steersman.inference.tempering.temperatures import next_beta
from steersman.inference.testing import (
    OracleModel,
    Tape,
    TapedMultinomial,
    check_equivalences,
    check_method,
    crossroads_model,
    distance,
    exhaust,
    letters_model,
    oracle_models,
    sentence_model,
)
from steersman.inference.testing.taped_run import TapedChain, TapedRun
from steersman.models import TableLM
from steersman.ppl import condition, factor, program, sample
from steersman.ppl.effects import Invocation

LM = TableLM.random(3, seed=2, scale=0.7)
COIN = TableLM([0.3, -0.3], eos=None)
BETAS = [0.2, 0.6, 1.0]


def fixed(particles: int = 8, **settings: Any) -> TemperedSMC:
    """A fixed schedule, resampled at every stage."""
    return TemperedSMC(particles, suffix(), **{"betas": BETAS, "steps": 1, "ess": 1.0, **settings})


WAYS = {
    "every stage": {},
    "when needed": {"ess": 0.7, "steps": 2},
    "waste-free": {"waste_free": True, "steps": 3},
    "waste-free, multinomial": {"waste_free": True, "resample": "multinomial"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", [sentence_model("proposal"), crossroads_model()], ids=str)
def test_fixed_schedules_are_unbiased(model: OracleModel, way: str) -> None:
    """E[Zhat sum_i W_i f(v_i)] = Z E[f] for a schedule that does not adapt; the error bar is calibrated."""
    report = check_method(fixed(**WAYS[way]), model, runs=200)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("way", ["every stage", "waste-free"])
@pytest.mark.parametrize("model", oracle_models(), ids=str)
def test_fixed_schedules_are_unbiased_on_every_oracle_model(model: OracleModel, way: str) -> None:
    """The same on all models."""
    report = check_method(fixed(**WAYS[way]), model, runs=250, seed=1000)
    assert report.passed, report


@program
async def toss() -> int:
    coin = await sample(COIN.next(""), "coin")
    await factor(1.5 * coin - 0.4, "score")
    return coin


@program
async def pick() -> int:
    token = await sample(LM.next(""), "token", proposal=LM.next("").tempered(2.0))
    await condition(token != 0, "not zero")
    await factor(1.5 * token - 2.0, "score")
    return token


class _Taped(TemperedSMC):
    """Every decision of the moves is taken from the tape of the run."""

    def _chain(self, run: Any, slot: int, particle: Any, target: Any) -> Any:
        return TapedChain(run, particle, target)


def exhaustive(
    program: Invocation[Any], particles: int, cls: type[TemperedSMC] = TemperedSMC, **settings: Any
) -> float:
    """The largest error of the expected measure at any value, in units of Z, over all random choices of the method:
    first draws, ancestors, cuts, proposals and acceptances."""
    taped = type(cls.__name__, (_Taped, cls), {})

    def run(tape: Tape) -> Posterior | None:
        method = taped(particles, suffix(), resample=TapedMultinomial(tape), **settings)
        try:
            return run_together([execute(TapedRun(program, tape), method)])[0]
        except AllParticlesDead:
            return None

    exact = infer(program, Enumerate())
    measure = dict.fromkeys(exact.probabilities(), 0.0)
    for probability, posterior in exhaust(run):
        if posterior is not None:
            for value, w in posterior.probabilities().items():
                measure[value] += probability * w * math.exp(posterior.log_evidence)
    return distance(measure, {v: p * math.exp(exact.log_evidence) for v, p in exact.probabilities().items()})


@pytest.mark.parametrize(
    ("program", "particles", "settings"),
    [
        (pick(), 2, {"betas": [0.5, 1.0], "steps": 1, "ess": 1.0}),
        (pick(), 2, {"betas": [0.3, 1.0], "steps": 1, "ess": 0.8}),
        (pick(), 2, {"betas": [0.3, 0.7, 1.0], "steps": 1, "waste_free": True}),
        (toss(), 4, {"betas": [0.5, 1.0], "steps": 1, "waste_free": True}),
        (toss(), 2, {"betas": [0.5, 1.0], "steps": 2, "ess": 1.0}),
    ],
    ids=["every stage", "when needed", "one waste-free chain", "two waste-free chains", "two steps"],
)
def test_exhaustively_proper(program: Invocation[Any], particles: int, settings: dict[str, Any]) -> None:
    """Summed over all choices, with their probabilities, Zhat sum_i W_i f(v_i) is Z E[f] to 1e-12."""
    assert exhaustive(program, particles, **settings) < 1e-12


class WholeLikelihood(TemperedSMC):
    """A mutant: every stage multiplies by L^beta' instead of L^(beta' - beta)."""

    def _weigh(self, state: TemperedState, beta: float) -> Any:
        return state.log_w + beta * state.energy


class WeightsNotReset(TemperedSMC):
    """A mutant: children keep the weight of their parent."""

    async def _move(self, run: Any, state: TemperedState, beta: float, log_w: Any) -> Any:
        population, born, rates = await super()._move(run, state, beta, log_w)
        return population, Ancestry(born.index, np.exp(log_w)[born.index]), rates


class PreviousTarget(TemperedSMC):
    """A mutant: the kernel leaves the previous target invariant."""

    async def _move(self, run: Any, state: TemperedState, beta: float, log_w: Any) -> Any:
        return await super()._move(run, state, state.beta, log_w)


class LastStatesOnly(TemperedSMC):
    """A mutant: waste-free, but only the last state of each chain is kept, with its share of 1 / N."""

    async def _move(self, run: Any, state: TemperedState, beta: float, log_w: Any) -> Any:
        population, born, rates = await super()._move(run, state, beta, log_w)
        P = self.steps + 1
        return population[P - 1 :: P], Ancestry(born.index[P - 1 :: P], born.weights[P - 1 :: P]), rates


@pytest.mark.parametrize("mutant", [WholeLikelihood, WeightsNotReset, PreviousTarget], ids=lambda m: m.__name__)
def test_mutants_are_not_proper(mutant: type[TemperedSMC]) -> None:
    """The exhaustive sum sees each of them, far above rounding."""
    assert exhaustive(toss(), 2, mutant, betas=[0.5, 1.0], steps=1, ess=1.0) > 1e-3


def test_keeping_only_last_states_is_not_proper() -> None:
    """Waste-free chains contribute all their states or weigh more."""
    assert exhaustive(toss(), 4, LastStatesOnly, betas=[0.5, 1.0], steps=1, waste_free=True) > 1e-2


@pytest.mark.slow
def test_a_kernel_at_the_previous_temperature_is_seen_at_large() -> None:
    """The statistical oracle sees it, too; the method with the same settings passes."""
    settings: dict[str, Any] = {"betas": [0.5, 1.0], "steps": 4, "ess": 1.0}
    assert check_method(PreviousTarget(8, suffix(), **settings), sentence_model(), runs=300).z("evidence") > 5.5
    assert check_method(TemperedSMC(8, suffix(), **settings), sentence_model(), runs=300).passed


@pytest.mark.parametrize("waste_free", [False, True])
def test_adaptive_schedules_agree(waste_free: bool) -> None:
    """With the schedule chosen on the way, expectations and log Z agree in standard errors; the error bar is true."""
    report = check_method(TemperedSMC(40, suffix(), waste_free=waste_free), sentence_model(), runs=60, seed=7)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("waste_free", [False, True])
@pytest.mark.parametrize("model", [sentence_model(), letters_model(), crossroads_model()], ids=str)
def test_adaptive_schedules_agree_on_more_models(model: OracleModel, waste_free: bool) -> None:
    """The same with more particles, runs and stages."""
    report = check_method(TemperedSMC(60, suffix(), ess=0.7, waste_free=waste_free), model, runs=100, seed=8)
    assert report.passed, report


def test_conditional_ess_decides_the_next_temperature() -> None:
    """CESS(beta') = ess N at the next temperature; 1 where all of the likelihood leaves more; always a step."""
    rng = np.random.default_rng(1)
    E, W = rng.normal(size=50) * 8.0, rng.dirichlet(np.ones(50))
    W[:20] = 0.0
    W /= W.sum()
    beta = next_beta(0.2, W, E, 0.6)
    g = np.exp((beta - 0.2) * E)
    assert (W @ g) ** 2 / (W @ g**2) == pytest.approx(0.6, rel=1e-4)
    assert next_beta(0.2, W, 0.01 * E, 0.6) == 1.0
    assert 0.3 < next_beta(0.3, W, 1e9 * E, 0.6) < 0.3 + 1e-6
    assert next_beta(0.0, np.eye(50)[3], E, 0.6) == 1.0  # a single particle cannot lose ESS


def test_one_stage_is_importance_sampling() -> None:
    """betas=[1.0]: log Zhat is the log of the mean weight, nothing is moved, the error is that of `Importance`."""
    posterior = infer(pick(), TemperedSMC(200, suffix(), betas=[1.0]), seed=3)
    weighed = [-math.inf if t is None else t.log_joint - t.site("token").log_q for t in posterior.traces]
    assert posterior.log_evidence == pytest.approx(log_mean_exp(weighed))
    same = infer(pick(), Importance(200), seed=3)
    assert posterior.log_evidence_error == pytest.approx(same.log_evidence_error, rel=0.2)
    assert [s["acceptance"] for s in posterior.info["stages"]] == [{}]


@program
async def tosses(n: int) -> tuple[int, ...]:
    """What scores is rare: e^(2.5 n) for all heads, which have a probability of .35^n."""
    heads = tuple([await sample(COIN.next(""), f"toss {i}") for i in range(n)])
    await factor(2.5 * sum(heads), "score")
    return heads


def test_what_the_result_reports(tmp_path: Path) -> None:
    """Stages with their temperatures, ESS and acceptance; a generation for each; N particles, none dead."""
    posterior = infer(tosses(6), TemperedSMC(64, mix(suffix(), site()), steps=2, ess=0.8), seed=2)
    stages = posterior.info["stages"]
    betas = [s["beta"] for s in stages]
    assert len(stages) >= 4 and betas == sorted(betas) and betas[-1] == 1.0
    assert all(s["ess"] == pytest.approx(0.8 * 64, rel=0.001) for s in stages[:-1])
    assert stages[0]["acceptance"] == {} and stages[1]["acceptance"].keys() == {"suffix()", "site()"}
    assert posterior.genealogy is not None and len(posterior.genealogy) == len(stages)
    assert len(posterior) == 64 and all(t is not None for t in posterior.traces)
    posterior.save(tmp_path / "tempered.json")
    assert Posterior.load(tmp_path / "tempered.json").info == posterior.info


def test_waste_free_keeps_every_state() -> None:
    """N states in M = N / (steps + 1) chains: consecutive ones differ by one step, all have a parent."""
    posterior = infer(sentence_model().program, TemperedSMC(60, suffix(), steps=5, waste_free=True), seed=2)
    genealogy = posterior.genealogy
    assert genealogy is not None and set(genealogy.sizes) == {60}
    for t in range(1, len(genealogy)):
        assert (genealogy.parents(t).reshape(10, 6) == genealogy.parents(t)[::6, None]).all()
    chains = [posterior.values[i : i + 6] for i in range(0, 60, 6)]
    assert max(len(set(c)) for c in chains) > 1


@pytest.mark.slow
def test_tempering_finds_what_importance_sampling_misses() -> None:
    """Over 8 runs log Zhat varies much less around log Z than that of as many unmoved particles."""
    log_z = 10 * math.log(math.fsum(math.exp(lp + 2.5 * k) for k, lp in enumerate(COIN.next("").log_probs())))
    off = {
        method.name: math.hypot(*(infer(tosses(10), method, seed=s).log_evidence - log_z for s in range(8)))
        for method in (TemperedSMC(48, site(), steps=15, ess=0.7), Importance(48))
    }
    tempered, plain = off.values()
    assert tempered < 0.4 * plain


def test_only_named_factors_are_tempered() -> None:
    """The others weigh from the start: the first generation has them, the last is the posterior."""

    @program
    async def two() -> int:
        coin = await sample(COIN.next(""), "coin")
        await factor(1.0 * coin, "early")
        await factor(-3.0 * coin, "late")
        return coin

    posterior = infer(two(), TemperedSMC(40, site(), names=["late"], betas=[0.5, 1.0]), seed=1)
    assert posterior.genealogy is not None
    first = posterior.genealogy.log_weights(0) + math.log(40)
    assert set(first.round(9)) == {0.0, -0.5}  # 1.0 - 0.5 * 3.0 for heads
    report = check_method(TemperedSMC(8, site(), names=["late"], betas=[0.5, 1.0], steps=1), OracleModel.of(two()))
    assert report.passed, report


def test_stopped_early_it_is_weighted_for_the_posterior() -> None:
    """A budget that ends between or within stages leaves the last whole population, weighted up to beta = 1."""
    model = sentence_model()
    for tokens in (150, 200, 260, 320):
        stopped = infer(model.program, fixed(32, steps=3), budget=Budget(tokens=tokens), seed=4)
        assert stopped.stopped is not None and stopped.cost.tokens <= tokens and len(stopped) == 32
        assert math.isnan(stopped.log_evidence_error)
        if stopped.info["stages"]:
            assert abs(stopped.log_evidence - model.exact.log_evidence) < 1.5
            energies = {t.value: log_likelihood(t) for t in stopped.traces if t is not None}
            weights = {v: w for v, w in zip(stopped.values, stopped.log_weights.tolist(), strict=True) if v is not None}
            left = 1.0 - stopped.info["stages"][-1]["beta"]
            base = [weights[v] - left * e for v, e in energies.items()]
            assert base == pytest.approx([base[0]] * len(base))  # equal weights at the last temperature


def test_runs_are_functions_of_their_seeds() -> None:
    """Same seed, same particles; alone or in company."""
    report = check_equivalences(letters_model().program, TemperedSMC(12, suffix(), steps=2))
    assert report.passed, report


def test_all_dead() -> None:
    """Executions that all die are counted by site."""

    @program
    async def impossible() -> None:
        await sample(COIN.next(""), "coin")
        await condition(False, "never")

    with pytest.raises(AllParticlesDead, match=r"never \(6\)"):
        infer(impossible(), TemperedSMC(6, site()))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"particles": 0}, "particles=0"), ({"steps": 0}, "steps=0"), ({"ess": 1.0}, "ess=1.0"), ({"ess": 0.0}, "ess="),
        ({"betas": [0.5]}, "exactly 1.0"), ({"betas": [0.5, 0.4, 1.0]}, "rises"), ({"betas": []}, "exactly 1.0"),
        ({"particles": 10, "steps": 3, "waste_free": True}, "multiple of steps"), ({"resample": "best"}, "unknown"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TemperedSMC(**{"particles": 8, **settings})


def test_a_move_that_finds_nothing_is_refused() -> None:
    with pytest.raises(NothingToChange, match="topic"):
        infer(toss(), TemperedSMC(8, site("topic"), betas=[0.5, 1.0]))
    with pytest.raises(TypeError, match="expected a move"):
        TemperedSMC(8, "site")  # type: ignore[arg-type]
