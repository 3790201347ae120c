"""A fit that goes on from a checkpoint is the fit that was never stopped, bit for bit, whatever it meets afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from short_walk import family, guide, walk

from steersman.inference.variational import (
    AutoMultivariateNormal,
    AutoNormal,
    BadParameters,
    Family,
    Fit,
    Guide,
    fit,
)
from steersman.ppl import dist, observe, param, program, sample

RARE = dist.Bernoulli(0.06)


@program
async def branching() -> float:
    """Its choices "late" and "early" (the address sorts after the other) exist in a few executions only."""
    x = await sample(dist.Normal(0.0, 1.0), "x")
    late = 0.0
    if await sample(RARE, "rare"):
        late = await sample(dist.Gamma(2.0, 1.0), "early")
        late += await sample(dist.Normal(x, 1.0), "late")
    await observe(dist.Normal(x + late, 0.5), 1.5)
    return x


@program
async def learnt() -> None:
    loc = await param("loc", 0.0)
    scale = await param("scale", 1.0, constraint=dist.constraints.positive)
    await sample(dist.Normal(loc, scale), "x")
    if await sample(RARE, "rare"):
        rate = await param("rate", 1.0, constraint=dist.constraints.positive)
        await sample(dist.Gamma(2.0, rate), "early")
        await sample(dist.Normal(await param("late", 0.5), 1.0), "late")


GUIDES: dict[str, Callable[[], Guide]] = {
    "AutoNormal": lambda: Guide(AutoNormal(branching())),
    "AutoMultivariateNormal": lambda: Guide(AutoMultivariateNormal(branching())),
    "params": lambda: Guide(learnt()),
}


def leaves(g: Guide) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): np.asarray(x) for path, x in jax.tree_util.tree_leaves_with_path(g.params)}


def same(one: Fit, other: Fit) -> None:
    np.testing.assert_array_equal(one.losses, other.losses)
    first, second = leaves(one.guide), leaves(other.guide)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize("name", ["AutoNormal", *[pytest.param(n, marks=pytest.mark.slow) for n in list(GUIDES)[1:]]])
def test_parameters_met_after_the_checkpoint(name: str, tmp_path: Path) -> None:
    """The first steps meet no rare execution; the checkpoint does not know its parameters. Resumed there by a new
    guide, the fit meets and moves them as the uninterrupted one does; so it does from a checkpoint that knows them."""
    about: dict[str, Any] = {"draws": 2, "optimiser": 0.05, "seed": 1}
    whole = fit(branching(), GUIDES[name](), steps=16, **about)
    assert any("late" in path for path in leaves(whole.guide))
    early = fit(branching(), GUIDES[name](), steps=3, checkpoint=tmp_path, **about)
    assert not any("late" in path for path in leaves(early.guide))
    middle = fit(branching(), GUIDES[name](), steps=13, checkpoint=tmp_path, **about)
    assert len(middle.losses) == 13 and any("late" in path for path in leaves(middle.guide))
    same(whole, fit(branching(), GUIDES[name](), steps=16, checkpoint=tmp_path, **about))


def test_parameters_that_the_optimiser_has_not_seen(tmp_path: Path) -> None:
    """Parameters that were met, but not moved, before the checkpoint: their optimiser state begins afresh."""
    about: dict[str, Any] = {"draws": 2, "optimiser": 0.05, "seed": 1}
    first = fit(branching(), GUIDES["AutoNormal"](), steps=3, checkpoint=tmp_path, **about)
    first.guide.proposer.meet(("late", 0), dist.Normal(0.0, 1.0))
    first.guide.save(tmp_path)
    again = fit(branching(), GUIDES["AutoNormal"](), steps=5, checkpoint=tmp_path, **about)
    assert len(again.losses) == 5 and any("late" in path for path in leaves(again.guide))


def test_a_table_of_logits_at_every_checkpoint(tmp_path: Path) -> None:
    """Wherever a fit on a table is cut, the rest is the same: losses and parameters, bit for bit."""
    whole = fit(walk(), guide(family()), steps=6, seed=4)
    for cut in (1, 5):
        fit(walk(), guide(family()), steps=cut, seed=4, checkpoint=tmp_path / str(cut))
        same(whole, fit(walk(), guide(family(0.1)), steps=6, seed=4, checkpoint=tmp_path / str(cut)))


def test_patience_is_resumed(tmp_path: Path) -> None:
    """Steps without a rise count across the checkpoint: both fits stop at the same step."""
    about: dict[str, Any] = {"draws": 4, "optimiser": 1e-6, "patience": 5, "seed": 4}
    whole = fit(walk(), guide(family()), steps=300, **about)
    assert whole.stopped is not None and len(whole.losses) > 22
    fit(walk(), guide(family()), steps=len(whole.losses) - 2, checkpoint=tmp_path, **about)
    same(whole, fit(walk(), guide(family()), steps=300, checkpoint=tmp_path, **about))


def test_what_is_learnt_must_be_known(tmp_path: Path) -> None:
    """Proposals inside a program are met by running it; a fit that is resumed is told of them by Guide(None, q)."""
    q = Family("level", {"loc": 2.0}, lambda t: dist.Normal(t["loc"], 1.0))

    @program
    async def level() -> None:
        await observe(dist.Normal(await sample(dist.Normal(0.0, 1.0), "x", proposal=q()), 0.5), 1.0)

    fit(level(), None, steps=2, checkpoint=tmp_path)
    with pytest.raises(BadParameters, match="also has 'level/loc'") as error:
        fit(level(), None, steps=4, checkpoint=tmp_path)
    assert "Guide(proposer, *trainables)" in error.value.__notes__[0]
    assert len(fit(level(), Guide(None, q), steps=4, checkpoint=tmp_path).losses) == 4
