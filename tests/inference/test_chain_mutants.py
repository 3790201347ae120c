"""Oracle 9 for Markov chains: every planted bug fails an oracle; the original passes with the same settings."""

from __future__ import annotations

import pytest

from steersman.inference.testing import ChainMutant, chain_mutants

MUTANTS = chain_mutants()
SAMPLED = [m for m in MUTANTS if m.sampled is not None]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_caught(mutant: ChainMutant) -> None:
    """The oracle that is built for the bug sees it: without chance in a transition matrix, or by a wide margin."""
    report = mutant.report()
    assert not report.passed
    assert report.z(mutant.oracle) > report.limit + 1.0, f"{mutant.name}: {report}"


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_the_original_passes(mutant: ChainMutant) -> None:
    """No false alarm: same model, same settings, same seed, no bug."""
    report = mutant.original()
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SAMPLED, ids=lambda m: m.name)
def test_caught_by_sampling(mutant: ChainMutant) -> None:
    """What the matrix says, sampling sees too, where no matrix can be computed."""
    assert mutant.sampled is not None
    report = mutant.sampled(mutant.planted, mutant.model)
    assert report.worst.z > report.limit + 1.0 or report.worst.z < -report.limit - 1.0, f"{mutant.name}: {report}"
    original = mutant.sampled(mutant.correct, mutant.model)
    assert original.passed, original


def test_every_mutant_is_described() -> None:
    """Names are unique, and the bug is told in a line or two."""
    assert len({m.name for m in MUTANTS}) == len(MUTANTS) >= 16
    assert all(20 < len(m.bug) < 250 for m in MUTANTS)
