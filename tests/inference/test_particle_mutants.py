"""Oracle 9 for sweeps of particles: every planted bug fails an oracle; the original passes with the same settings."""

from __future__ import annotations

import pytest

from steersman.inference.testing import ChainMutant, particle_mutants

MUTANTS = particle_mutants()


@pytest.mark.slow
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


def test_every_mutant_is_described() -> None:
    """Names are unique, and the bug is told in a line or two."""
    assert len({m.name for m in MUTANTS}) == len(MUTANTS) >= 15
    assert all(20 < len(m.bug) < 250 for m in MUTANTS)
