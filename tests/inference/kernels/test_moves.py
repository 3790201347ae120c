"""Oracle 3, by sampling: every move from exact starts, on programs too large for a transition matrix."""

from __future__ import annotations

import pytest

from steersman.inference import Kernel, block, cycle, edit, mix, site, subprogram, suffix
from steersman.inference.chain.target import Tempered
from steersman.inference.testing import (
    OracleModel,
    check_kernel,
    crossroads_model,
    letters_model,
    line_model,
    oracle_models,
    poem_model,
    sentence_model,
)
from steersman.inference.testing.mutants.moves import Skewed, averaged, inverted, lengths_forgotten

LETTERS, SENTENCE, CROSSROADS = letters_model(), sentence_model("proposal"), crossroads_model()


@pytest.mark.parametrize(
    ("move", "model"),
    [
        (suffix(), LETTERS), (site(), LETTERS), (site(tokens=True), LETTERS), (block(length=2), LETTERS),
        (edit(insert=2, length=2), LETTERS), (suffix(), SENTENCE), (suffix(), CROSSROADS),
        (suffix(at=lambda trace: range(1, 1 + len(trace.choices()))), CROSSROADS),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_exact_starts(move: Kernel, model: OracleModel) -> None:
    """After some steps from exact draws no statistic has changed, values have their law, flows are balanced."""
    report = check_kernel(move, model, chains=600, steps=2, seed=1)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("model", [*oracle_models(), poem_model("unfold")], ids=lambda m: m.name)
@pytest.mark.parametrize(
    "move", [site(), site(tokens=True), suffix(), block(length=2), edit(insert=2), subprogram(),
             mix(suffix(), site(tokens=True), weights=[1, 3])], ids=lambda k: k.name,
)
def test_every_move_on_every_model(move: Kernel, model: OracleModel) -> None:
    """The same for all of them, at the budget of the design."""
    report = check_kernel(move, model, chains=2000, steps=3)
    assert report.passed, report


def test_cycles_and_targets() -> None:
    """Kernels that claim no reversibility, and a tempered target."""
    report = check_kernel(cycle(suffix("first"), edit("second")), LETTERS, chains=600, steps=2, reversible=False)
    assert report.passed, report
    assert report.z("reversible") == 0.0
    report = check_kernel(suffix(), poem_model(), chains=600, steps=2, target=Tempered(0.4))
    assert report.passed, report


@pytest.mark.parametrize("skew", [averaged, inverted, lengths_forgotten], ids=lambda f: f.__name__)
def test_bugs_are_seen(skew: object) -> None:
    """The same oracle sees what a wrong acceptance ratio does, also where no matrix can be computed."""
    assert not check_kernel(Skewed(suffix(), skew), CROSSROADS, chains=600, steps=4).passed  # type: ignore[arg-type]


@pytest.mark.slow
def test_flows_alone_see_a_bug() -> None:
    """Detailed balance is broken between executions before any statistic of the values tells."""
    report = check_kernel(Skewed(suffix(), averaged), line_model(), chains=4000, steps=1)
    assert report.z("reversible") > report.limit
