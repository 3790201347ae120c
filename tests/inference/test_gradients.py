"""NUTS, HMC, Gibbs and exact conditionals against quadrature, and what they say to programs that they cannot move."""

from __future__ import annotations

import pytest

from steersman.inference import (
    HMC,
    NUTS,
    Gibbs,
    NeverChanged,
    NotAllContinuous,
    StructureChanged,
    conditional,
    hmc,
    infer,
    nuts,
    random_walk,
    site,
    suffix,
)
from steersman.inference.testing import check_transitions, poem_model
from steersman.inference.testing.continuous import (
    ContinuousModel,
    check_continuous,
    clusters_model,
    judge_model,
    line_fit_model,
)
from steersman.models import TableLM
from steersman.ppl import NotEnumerable, TracedControlFlow, dist, observe, program, sample

LM = TableLM.random(3, seed=31, scale=0.8)


def _agrees(method: object, model: ContinuousModel) -> None:
    report = check_continuous(method, model, seed=1)  # type: ignore[arg-type]
    assert report.passed, report


def test_nuts_agrees_with_the_closed_form() -> None:
    """Means and second moments of a bivariate normal posterior, in standard errors over 64 chains."""
    _agrees(NUTS(64, 60, warmup=150, thin=3), line_fit_model())


@pytest.mark.slow
def test_hmc_agrees_with_the_closed_form() -> None:
    """The same with trajectories of fixed length."""
    _agrees(HMC(128, 100, warmup=200, thin=5, trajectory_length=1.5), line_fit_model())


@pytest.mark.slow
@pytest.mark.parametrize("discrete", [conditional(), site()], ids=lambda k: k.name)
def test_gibbs_of_continuous_and_discrete(discrete: object) -> None:
    """Location, scale and weight by NUTS, indicators exactly or by a move: all expectations by quadrature."""
    kernels = {("m", "s", "w"): nuts(), "z": discrete}
    _agrees(Gibbs(kernels, 128, 100, warmup=150, thin=5), clusters_model())  # type: ignore[arg-type]


@pytest.mark.slow
def test_gibbs_of_numbers_and_a_text() -> None:
    """Slope and bias of a language-model judge, and a latent text, in one posterior."""
    kernels = {("slope", "bias"): hmc(trajectory_length=1.5), "text": suffix()}
    _agrees(Gibbs(kernels, 128, 100, warmup=150, thin=5), judge_model(latent=True))


@pytest.mark.slow
def test_random_walk_agrees_with_the_closed_form() -> None:
    """Metropolis with Gaussian steps, no gradient."""
    from steersman.inference import MH

    _agrees(MH(128, 400, random_walk(scale=0.4), warmup=400, thin=20), line_fit_model())


@program
async def pair(lm: TableLM) -> tuple[int, int, int]:
    """Three tokens, whose number no value changes."""
    a = await sample(lm.next(""), "a")
    b = await sample(dist.Categorical(logits=[0.1 * a, 0.7, -0.4]), "b")
    c = await sample(dist.Categorical(logits=[0.3 * b, 0.2 * a, 0.0]), "c")
    await observe(dist.Bernoulli(logits=0.8 * a - 0.5 * b + 0.3 * c), 1)
    return a, b, c


@pytest.mark.parametrize("scan", ["systematic", "random"])
def test_conditional_leaves_the_target_invariant(scan: str) -> None:
    """pi K = pi by the transition matrix; a random scan is reversible, too, a systematic one is not."""
    report = check_transitions(conditional(scan=scan), pair(LM), reversible=scan == "random")  # type: ignore[arg-type]
    assert report.passed, report


@program
async def mixed(lm: TableLM) -> float:
    x = await sample(dist.Normal(0.0, 1.0), "x")
    await sample(dist.Categorical(probs=[0.5, 0.5]), "z")
    await sample(lm.text("", max_tokens=2), "line")
    return x


@program
async def branching() -> float:
    x = await sample(dist.Normal(0.0, 1.0), "x")
    if x > 0:
        await observe(dist.Normal(x, 1.0), 0.3)
    return x


def test_programs_that_gradients_cannot_move() -> None:
    """One error each, naming the site and the way out."""
    with pytest.raises(NotAllContinuous, match=r"'z', 'line'.*Gibbs\(\{'x': nuts\(\)"):
        infer(mixed(LM), NUTS(2, 4))
    with pytest.raises(TracedControlFlow, match=r"(?s)x.*Gibbs"):
        infer(branching, NUTS(2, 4))
    with pytest.raises(NeverChanged, match="'line'"):
        infer(mixed(LM), Gibbs({"x": nuts(), "z": conditional()}, 2, 4))
    with pytest.raises(NotEnumerable, match=r"'x'.*nuts"):
        infer(mixed(LM), Gibbs({"x": conditional(), "z": site(), "line": suffix()}, 2, 4))
    with pytest.raises(TypeError, match="takes a kernel"):
        Gibbs({"x": "nuts"}, 2, 4)  # type: ignore[dict-item]


def test_gibbs_moves_every_kind_of_site() -> None:
    """Numbers, discrete choices and texts change in one run, each by its kernel."""
    posterior = infer(mixed(LM), Gibbs({"x": nuts(), "z": conditional(), "line": suffix()}, 2, 30, warmup=30), seed=4)
    for name in ("x", "z", "line"):
        assert len({t[name] for t in posterior.traces if t is not None}) > 1, name
    assert posterior.chains is not None and set(posterior.chains.acceptance()) == {
        "nuts('x')", "conditional('z')", "suffix('line')"}


def test_structure_of_a_poem_is_no_conditional() -> None:
    """The number of lines decides which lines there are: the error says so."""
    with pytest.raises(StructureChanged, match="count"):
        infer(poem_model("flat").program, Gibbs({"count": conditional(), "line": suffix()}, 2, 4), seed=1)
