"""NUTS and HMC sample what they claim, compile once, leave correct executions behind, and say what they cannot do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steersman.inference import (
    HMC,
    NUTS,
    DensityMismatch,
    Gibbs,
    NotAllContinuous,
    NothingToChange,
    ParallelTempering,
    conditional,
    hmc,
    infer,
    mix,
    nuts,
    site,
    suffix,
)
from steersman.inference.chain import Chain
from steersman.inference.chain.target import Tempered
from steersman.inference.kernels.leapfrog import Transition
from steersman.inference.kernels.nuts import Hamiltonian
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing.continuous import (
    ContinuousModel,
    check_continuous,
    clusters_model,
    continuous_models,
    judge_model,
    line_fit_model,
)
from steersman.inference.testing.equivalence import replays
from steersman.inference.testing.mutants.gradients import GradientMutant, StaleArguments, gradient_mutants
from steersman.models import TableLM
from steersman.ppl import ReplayDivergence, TracedControlFlow, dist, factor, observe, program, sample, tempered
from steersman.ppl.density import NotContinuous

LINE = line_fit_model()
CLUSTERS = ("m", "s", "w")
MUTANTS = gradient_mutants()


@pytest.mark.parametrize(
    "method",
    [
        NUTS(100, 60, warmup=60, thin=3), NUTS(100, 60, warmup=60, thin=3, dense_mass=True),
        HMC(100, 60, warmup=60, thin=3, trajectory_length=1.2), HMC(100, 60, warmup=60, thin=3, num_steps=5),
    ],
    ids=["nuts", "dense", "length", "steps"],
)
def test_a_conjugate_model(method: Algorithm[Any]) -> None:
    """Means over chains agree with the closed form, in standard errors."""
    report = check_continuous(method, LINE)
    assert report.passed, report


def _methods(model: ContinuousModel) -> list[Algorithm[Any]]:
    given: dict[str, Any] = {"warmup": 80, "thin": 5}
    exact = Gibbs({CLUSTERS: nuts(), "z": conditional()}, 100, 100, **given)
    if model.name == "clusters/list":
        return [
            exact, Gibbs({CLUSTERS: nuts(), "z": site()}, 100, 300, warmup=200, thin=10),
            Gibbs({("m", "w"): hmc(trajectory_length=1.5), "s": nuts(), "z": conditional(scan="random")}, 100, 200,
                  warmup=150, thin=10),
        ]
    if model.name.startswith("clusters"):
        return [exact]
    if model.name == "judge/latent":
        return [Gibbs({("slope", "bias"): nuts(), "text": suffix()}, 100, 100, **given),
                Gibbs({("slope", "bias"): hmc(trajectory_length=1.5), "text": site()}, 100, 100, **given)]
    return [NUTS(200, 150, **given), HMC(200, 150, trajectory_length=1.5, **given)]


@pytest.mark.slow
@pytest.mark.parametrize("model", continuous_models(), ids=lambda m: m.name)
def test_every_model(model: ContinuousModel) -> None:
    """NUTS, HMC and Gibbs with conditional updates, single-site moves and suffix moves agree with quadrature."""
    for method in _methods(model):
        report = check_continuous(method, model, seed=3)
        assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_gradient_mutants_are_caught(mutant: GradientMutant) -> None:
    """A planted bug fails by a wide margin, the original passes with the same settings."""
    report = check_continuous(mutant.planted, mutant.model)
    assert abs(report.worst.z) > report.limit + 1.0, f"{mutant.name}: {report}"
    original = check_continuous(mutant.correct, mutant.model)
    assert original.passed, original


@pytest.mark.slow
def test_the_guard_sees_stale_arguments() -> None:
    """Every step compares the change of the log density with the program's own."""

    class Guarded(StaleArguments):
        rounding = Hamiltonian.rounding

    kernel = Guarded("nuts", (), nuts().settings)
    with pytest.raises(DensityMismatch, match=r"JAX computed changed by .* that of the program by"):
        infer(clusters_model("number").program, Gibbs({CLUSTERS: kernel, "z": conditional()}, 10, 20), progress=False)


@pytest.mark.parametrize("how", ["kernel", "program"])
def test_tempered_targets(how: str) -> None:
    """A likelihood to the power beta is one of noise / sqrt(beta), for a tempered target and a tempered program."""
    beta, expected = 0.3, line_fit_model(noise=0.7 / 0.3**0.5)

    class Hot(NUTS):
        def _chain(self, run: Any, slot: int, particle: Any) -> Chain:
            return Chain(run, slot, particle, Tempered(beta))

    model = LINE.program if how == "kernel" else tempered(LINE.program, beta)
    method = (Hot if how == "kernel" else NUTS)(100, 60, warmup=60, thin=3)
    report = check_continuous(method, ContinuousModel("tempered", model, expected.statistics, expected.expected))
    assert report.passed, report


@pytest.mark.slow
def test_as_the_move_of_other_methods() -> None:
    """In a ladder of temperatures (executions are swapped between chains), and in a mixture (not all chains move)."""
    for method in (
        ParallelTempering([0.3, 1.0], 80, nuts(), chains=80, warmup=60),
        Gibbs({("intercept", "slope"): mix(nuts(), site(), weights=[2, 1])}, 80, 120, warmup=60, thin=3),
    ):
        report = check_continuous(method, LINE)
        assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "method"),
    [
        (clusters_model("sub"), Gibbs({CLUSTERS: nuts(), "z": conditional()}, 3, 8)),
        (judge_model(latent=True), Gibbs({("slope", "bias"): nuts(), "text": suffix()}, 3, 8)),
        (LINE, NUTS(3, 12, thin=4)),
    ],
    ids=["clusters", "judge", "line"],
)
def test_executions_are_those_of_the_program(model: ContinuousModel, method: Algorithm[Any]) -> None:
    """Assessed from its choices every kept execution has the recorded value and density, to 1e-12."""
    posterior = infer(model.program, method, seed=2, progress=False)
    checks = replays(posterior, model.program)
    assert all(c.z == 0.0 for c in checks), checks
    assert len({tuple(map(str, t.choices().values())) for t in posterior.traces if t is not None}) > 3


class Counted:
    """How often transitions are traced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.traces = 0
        original: Callable[..., Any] = Transition._one

        def one(transition: Transition, *args: Any) -> Any:
            self.traces += 1
            return original(transition, *args)

        monkeypatch.setattr(Transition, "_one", one)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "most"), [("number", 1), ("list", 2), pytest.param("branch", 9, marks=pytest.mark.slow)]
)
def test_what_is_compiled(how: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discrete values that enter as numbers or choose between places share one compiled transition; control flow that
    changes the arithmetic has one for each kind. Later steps and runs compile nothing."""
    counted = Counted(monkeypatch)
    model = clusters_model(how).program
    method = Gibbs({CLUSTERS: nuts(max_tree_depth=3), "z": site()}, 6, 30)
    infer(model, method, progress=False)
    first = counted.traces
    assert 1 <= first <= most
    infer(model, method, seed=0 if how == "branch" else 1, progress=False)
    assert counted.traces == first


def test_seeds_and_company() -> None:
    """The same seed gives the same run; a chain does not depend on the others, but for rounding."""

    def draws(chains: int, **given: Any) -> Any:
        values = infer(LINE.program, NUTS(chains, 4, warmup=0, step_size=0.3, **given), seed=5, progress=False).values
        return np.array(values).reshape(chains, -1, 2)

    together = draws(4)
    np.testing.assert_array_equal(together, draws(4))
    np.testing.assert_allclose(together[0, :2], draws(1)[0, :2], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(together[:, 1::2], draws(4, thin=2))


def test_adaptation() -> None:
    """Step sizes and mass matrices are adapted in the warm-up and then stay; without one they are as given."""
    posterior = infer(LINE.program, NUTS(20, 40, warmup=100), progress=False)
    assert len(set(posterior.info["step_size"])) == 20
    assert 0.02 < np.mean(posterior.info["inverse_mass"]) < 0.5  # the posterior variances are .14 and .09
    longer = infer(LINE.program, NUTS(20, 60, warmup=100), progress=False)
    assert longer.info["step_size"] == posterior.info["step_size"]
    assert posterior.info["divergences"] == [0] * 20
    still = infer(LINE.program, NUTS(2, 10, warmup=0), progress=False)
    assert still.info["step_size"] == [] and len(still.traces) == 20
    fixed = infer(LINE.program, NUTS(2, 10, step_size=0.2, adapt_step_size=False, adapt_mass_matrix=False),
                  progress=False)
    assert fixed.info["step_size"] == pytest.approx([0.2, 0.2]) and fixed.info["inverse_mass"] == [1.0, 1.0]


def test_divergences_are_counted() -> None:
    """Steps that are far too long are rejected, and told."""
    posterior = infer(LINE.program, NUTS(2, 10, warmup=0, step_size=500.0), progress=False)
    assert sum(posterior.info["divergences"]) == 20
    assert len(set(posterior.values)) == 2


def test_language_models_are_not_asked_again() -> None:
    """Scores that do not depend on what moves are recalled: steps cost no token."""
    costs = [infer(judge_model().program, NUTS(2, n, warmup=0), progress=False).cost.tokens for n in (4, 12)]
    assert costs[0] == costs[1] > 0


def test_scores_of_texts_that_others_change() -> None:
    """Only what the other kernel draws is paid for."""
    model = judge_model(latent=True).program
    paid = infer(model, Gibbs({("slope", "bias"): nuts(), "text": suffix()}, 2, 12), progress=False).cost.tokens
    free = infer(model, Gibbs({("slope", "bias"): site(), "text": suffix()}, 2, 12), progress=False).cost.tokens
    assert paid <= 1.5 * free


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nuts(step_size=0.0), "nuts: step_size=0.0 must be positive"),
        (lambda: hmc(step_size=-1.0), "hmc: step_size=-1.0 must be positive"),
        (lambda: nuts(target_accept_prob=1.0), "target_accept_prob=1.0 must lie between 0 and 1"),
        (lambda: nuts(max_tree_depth=0), "nuts: max_tree_depth=0 must be a whole number"),
        (lambda: hmc(num_steps=0), "hmc: num_steps=0 must be a whole number"),
        (lambda: hmc(num_steps=3, trajectory_length=1.0), "trajectory_length or num_steps, not both"),
        (lambda: HMC(2, 2, trajectory_length=float("inf")), "trajectory_length=inf must be positive and finite"),
        (lambda: NUTS(0, 10), "NUTS: chains=0 must be a whole number"),
    ],
)
def test_bad_settings(make: Callable[[], Any], message: str) -> None:
    """Named by argument, before anything runs."""
    with pytest.raises(ValueError, match=message):
        make()


@program
async def with_others(how: str) -> Any:
    x = await sample(dist.Normal(0.0, 1.0), "x")
    y = await sample(dist.Normal(0.0, 1.0), "y")
    if how == "discrete":
        await sample(dist.Bernoulli(0.5), "coin")
        await sample(TableLM.random(3, seed=1).text("", max_tokens=2), "line")
    if how == "branch":
        await factor(1.0 if y > 0 else 0.0)
    if how == "random":
        await factor(x * NOISE.normal())
    if how == "dimension":
        for _ in range(2 if str(x).startswith("-") else 1):
            await sample(dist.Normal(0.0, 1.0), "more")
    await observe(dist.Normal(x, 1.0), 0.3)
    return x


NOISE = np.random.default_rng(0)


def refuse(how: str, method: Algorithm[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        infer(with_others(how), method, progress=False)


def test_other_choices() -> None:
    """NUTS as a method refuses a program with other choices, names them and writes the Gibbs sampler."""
    written = re.escape("Gibbs({('x', 'y'): nuts(), 'coin': site(), 'line': site()}, 2, 4)")
    refuse("discrete", NUTS(2, 4), NotAllContinuous, f"also chooses 'coin', 'line': use {written}")
    refuse("discrete", Gibbs({("x", "coin"): nuts(), ("y", "line"): site()}, 2, 4), NotContinuous,
           r"sample 'coin' in .*no gradient moves Bernoulli.*discrete. Move it by site\(\)")
    refuse("discrete", Gibbs({"line": nuts(), ("x", "y", "coin"): site()}, 2, 4), NotContinuous, "sample 'line'")


def test_control_flow_on_a_traced_site() -> None:
    """The message names the site and the line and suggests Gibbs, which works."""
    refuse("branch", NUTS(2, 4), TracedControlFlow, r"test_nuts.py:.*control flow.*on 'y': .*Gibbs\(\{'y': site\(\)")
    posterior = infer(with_others("branch"), Gibbs({"x": nuts(), "y": site()}, 2, 4), progress=False)
    assert len(posterior.traces) == 8


def test_a_program_that_is_no_function_of_its_choices() -> None:
    """Randomness outside sample() is found at the first step that moves."""
    refuse("random", NUTS(4, 20), DensityMismatch, "use no randomness outside sample")


def test_a_program_that_changes_dimension() -> None:
    """A number of choices that depends on a traced site, through a text, so that tracing cannot see it."""
    refuse("dimension", NUTS(8, 40), ReplayDivergence, "'more.*the program makes other choices when nuts")


def test_nothing_to_move() -> None:
    """No site of that name; no continuous choice."""
    with pytest.raises(NothingToChange, match="no choice is named 'nowhere'"):
        infer(with_others("none"), Gibbs({"nowhere": nuts()}, 2, 4), progress=False)

    @program
    async def coin() -> None:
        await sample(dist.Bernoulli(0.5), "coin")

    with pytest.raises(NothingToChange, match="makes no continuous choice"):
        infer(coin(), NUTS(2, 4), progress=False)
