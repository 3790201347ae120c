"""ArviZ: Markov chains keep their shape, and weights can travel along instead of being resampled away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from steersman.inference import MH, Budget, Chains, Enumerate, Importance, Posterior, infer, suffix
from steersman.inference.chain import Tally
from steersman.inference.posterior import Cost
from steersman.models import TableLM
from steersman.ppl import Trace, condition, factor, program, sample

LM = TableLM.random(4, seed=2, eos=None)
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@program
async def walk() -> list[int]:
    drawn: list[int] = []
    for _ in range(3):
        drawn.append(await sample(LM.next(LM.context() + drawn), "step"))
        await factor(0.4 * drawn[-1])
    await condition(drawn[0] != 3)
    return drawn


def test_chains_and_draws() -> None:
    """[chain, draw], one chain a row, in the order of the steps; lp is the log joint density; ArviZ computes the same
    R-hat and ESS from them as `diagnose`."""
    arviz = pytest.importorskip("arviz")
    posterior = infer(walk(), MH(3, 40, suffix()), seed=1)
    data = posterior.to_arviz()
    for k, name in enumerate(("step", "step#1", "step#2")):
        drawn = data.posterior[name]
        assert drawn.dims == ("chain", "draw") and drawn.shape == (3, 40)
        assert np.array_equal(drawn.values.ravel(), [v[k] for v in posterior.values])
    lp = data.sample_stats["lp"]
    assert lp.shape == (3, 40)
    assert lp.values.ravel() == pytest.approx([t.log_joint for t in posterior.traces if t is not None])
    table = posterior.diagnose()
    for name in ("step", "step#1", "step#2"):
        assert float(arviz.rhat(data)[name]) == pytest.approx(table[name].rhat)
        assert float(arviz.ess(data, method="bulk")[name]) == pytest.approx(table[name].ess_bulk)
        assert float(arviz.ess(data, method="tail", prob=(0.05, 0.95))[name]) == pytest.approx(table[name].ess_tail)
        assert float(arviz.mcse(data)[name]) == pytest.approx(table[name].mcse)


def test_arrays_of_chains() -> None:
    """f may give arrays: [chain, draw, ...]."""
    pytest.importorskip("arviz")
    posterior = infer(walk(), MH(2, 10, suffix()), seed=1)
    found = posterior.to_arviz(lambda v: {"all": np.array(v)}).posterior["all"]
    assert found.shape == (2, 10, 3)
    assert np.array_equal(found.values.reshape(20, 3), np.array(posterior.values))


def test_weights_travel_along() -> None:
    """resampled=False: every particle of positive weight once, with its weight; the weighted mean is the posterior's,
    which the unweighted one is not."""
    pytest.importorskip("arviz")
    posterior = infer(walk(), Importance(300), seed=1)
    data = posterior.to_arviz(resampled=False)
    alive = int((posterior.weights > 0).sum())
    assert alive < 300
    weight, first = data.sample_stats["weight"].values, data.posterior["step#1"].values
    assert weight.shape == first.shape == (1, alive) and weight.sum() == pytest.approx(1.0)
    assert (weight * first).sum() == pytest.approx(posterior.expectation(lambda v: v[1]))
    assert first.mean() != pytest.approx(posterior.expectation(lambda v: v[1]), rel=1e-3)
    assert data.sample_stats["lp"].shape == (1, alive)
    exact = infer(walk(), Enumerate()).to_arviz(resampled=False)
    assert exact.posterior["step"].shape == (1, 3 * 4 * 4)


def test_resampled_draws_have_their_density() -> None:
    """The default: n draws by weight; lp belongs to the draw beside it."""
    pytest.importorskip("arviz")
    posterior = infer(walk(), Importance(50), seed=1)
    data = posterior.to_arviz()
    density = {tuple(t.value): t.log_joint for t in posterior.traces if t is not None}
    drawn = np.stack([data.posterior[n].values[0] for n in ("step", "step#1", "step#2")], axis=1)
    assert drawn.shape == (50, 3) and "weight" not in data.sample_stats
    assert data.sample_stats["lp"].values[0] == pytest.approx([density[tuple(row)] for row in drawn.tolist()])


def test_weights_draw_in_arviz() -> None:
    """What the docstring promises: ArviZ 1 resamples by these weights."""
    arviz = pytest.importorskip("arviz", minversion="1")
    data = infer(walk(), Enumerate()).to_arviz(resampled=False)
    weights = data.sample_stats["weight"].values[0]
    drawn = arviz.extract(data, var_names="step", num_samples=4000, weights=weights, random_seed=1)
    mean = infer(walk(), Enumerate()).expectation(lambda v: v[0])
    assert abs(float(drawn.mean()) - mean) < 4 / math.sqrt(4000)  # sd below 1


def annealed() -> Posterior:
    traces = [Trace(None, [], float(i)) for i in range(4)]
    chains = Chains(2, 2, Tally(), "optimisation")
    return Posterior(traces, np.full(4, -math.log(4)), math.nan, math.nan, Cost(0, 0, 0, 0.0), "Anneal", chains=chains)


def test_no_posterior_no_export() -> None:
    """Annealed states are no draws, and a run without draws has none: both are refused with the reason."""
    pytest.importorskip("arviz")
    with pytest.raises(ValueError, match=r"Anneal was annealed.*not draws from a posterior"):
        annealed().to_arviz(lambda v: {"x": v})
    with pytest.raises(ValueError, match="larger budget"):
        infer(walk(), MH(2, 10), budget=Budget(tokens=20)).to_arviz()


def test_a_plot_of_chains() -> None:
    """One line a chain: its log density over the draws; the title tells of chains instead of weights."""
    pytest.importorskip("matplotlib")
    posterior = infer(walk(), MH(3, 20, suffix()), seed=1)
    figure = posterior.plot()
    figure.canvas.draw()
    lines: list[Any] = figure.axes[0].lines
    assert [len(line.get_ydata()) for line in lines] == [20, 20, 20]
    assert np.concatenate([line.get_ydata() for line in lines]) == pytest.approx(
        [t.log_joint for t in posterior.traces if t is not None])
    assert "3 chains x 20 draws" in figure.axes[0].get_title() and "nan" not in figure.axes[0].get_title()
