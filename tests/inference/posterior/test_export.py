"""ArviZ and matplotlib: real objects of theirs where they are installed, one clear error where they are not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from steersman.inference import SMC, Budget, Enumerate, Importance, Posterior, infer
from steersman.models import TableLM
from steersman.ppl import factor, program, sample

LM = TableLM.random(4, seed=2, eos=None)


@program
async def walk() -> list[int]:
    drawn: list[int] = []
    for _ in range(3):
        drawn.append(await sample(LM.next(LM.context() + drawn), "step"))
        await factor(0.4 * drawn[-1])
    return drawn


@program
async def words() -> str:
    return str(await sample(LM.text("", max_tokens=2), "text"))


def unfinished() -> Posterior:
    return infer(walk(), SMC(8), budget=Budget(tokens=10))


def group(data: object) -> object:
    return data.posterior  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_arviz_draws_follow_the_weights() -> None:
    """Every numeric choice under its address, one chain of n draws; their mean is that of the posterior."""
    arviz = pytest.importorskip("arviz")
    exact = infer(walk(), Enumerate())
    data = infer(walk(), Importance(4000), seed=1).to_arviz()
    steps = group(data)
    assert set(steps.data_vars) == {"step", "step#1", "step#2"}  # type: ignore[attr-defined]
    for k, name in enumerate(("step", "step#1", "step#2")):
        drawn = steps[name]  # type: ignore[index]
        assert drawn.dims == ("chain", "draw") and drawn.shape == (1, 4000)
        mean = exact.expectation(lambda v, k=k: v[k])
        spread = exact.expectation(lambda v, k=k, mean=mean: (v[k] - mean) ** 2) ** 0.5
        assert abs(float(drawn.mean()) - mean) < 4 * spread / 1000**0.5  # weights leave far more than 1000 draws' worth
    assert len(arviz.summary(data)) == 3


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_arviz_of_a_function() -> None:
    """f names the variables and may return arrays."""
    pytest.importorskip("arviz")
    found = group(infer(walk(), SMC(20)).to_arviz(lambda v: {"all": np.array(v), "last": v[-1]}))
    assert found["all"].shape == (1, 20, 3) and found["last"].shape == (1, 20)  # type: ignore[index]
    assert np.array_equal(found["all"][..., -1], found["last"])  # type: ignore[index]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_arviz_without_numbers_or_particles() -> None:
    """What to do is said where there is nothing to export."""
    pytest.importorskip("arviz")
    with pytest.raises(ValueError, match="pass f"):
        infer(words(), Importance(5)).to_arviz()
    with pytest.raises(ValueError, match="no finished particle"):
        unfinished().to_arviz()


def test_plots_are_figures() -> None:
    """Weights or a histogram on the left, ancestors on the right where there is a genealogy; drawn for real."""
    pytest.importorskip("matplotlib")
    for posterior, panels in ((infer(walk(), SMC(12)), 2), (infer(walk(), Importance(12)), 1), (unfinished(), 2)):
        figure = posterior.plot()
        figure.canvas.draw()
        assert len(figure.axes) == panels
        assert len(figure.axes[0].patches) == len(posterior)
    weights = [bar.get_height() for bar in infer(walk(), SMC(12)).plot().axes[0].patches]
    assert weights == sorted(weights, reverse=True) and sum(weights) == pytest.approx(1)
    bars = infer(walk(), SMC(12)).plot(lambda v: v[0]).axes[0].patches
    assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
    with pytest.raises(ValueError, match="no finished particle"):
        unfinished().plot(lambda v: v[0])


@pytest.mark.parametrize(("package", "method"), [("arviz", "to_arviz"), ("matplotlib.figure", "plot")])
def test_missing_packages(package: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra: one line with the command that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"pip install 'steersman\[plots\]'"):
        getattr(infer(walk(), Importance(3)), method)()


def test_the_summary_of_a_posterior_without_particles() -> None:
    """Says so, and why, instead of an empty table."""
    text = unfinished().summary()
    assert "no particle has finished" in text and "stopped: budget" in text


@pytest.mark.parametrize("ask", ["best", "mode", "sample", "probabilities"])
def test_questions_to_a_posterior_without_particles(ask: str) -> None:
    """Stopped before any particle finished: every question is answered by the same clear error."""
    with pytest.raises(ValueError, match=r"no finished particle.*stopped: budget.*larger budget"):
        getattr(unfinished(), ask)()
