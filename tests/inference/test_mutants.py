"""Oracle 9: every planted bug fails an oracle; the algorithm it was planted in passes with the same settings."""

from __future__ import annotations

import pytest

from steersman.inference.testing import Mutant, check_method, mutants

MUTANTS = mutants()
RUNS = 300


def _error_bars(mutant: Mutant) -> bool:
    """The error bar of SMC is not claimed for `optimal`, whose children have unequal weights."""
    return "expand" not in mutant.settings


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_caught(mutant: Mutant) -> None:
    """The oracle that is built for the bug sees it, by a margin that no change of seeds would hide."""
    report = check_method(mutant.method(), mutant.target(), runs=RUNS, error_bars=_error_bars(mutant))
    assert not report.passed
    assert report.z(mutant.oracle) > report.limit + 1.0, f"{mutant.name}: {report}"


# One for each algorithm, model and setting: mutants share them.
ORIGINALS = {(m.original().name, m.model.name, repr(m.settings)): m for m in MUTANTS}


@pytest.mark.parametrize("mutant", ORIGINALS.values(), ids=lambda m: m.name)
def test_the_original_passes(mutant: Mutant) -> None:
    """No false alarm: same model, same settings, same seeds, no bug."""
    report = check_method(mutant.original(), mutant.model, runs=RUNS, error_bars=_error_bars(mutant))
    assert report.passed, report


@pytest.mark.filterwarnings("ignore:resample_at names")  # among all outcomes is that both particles end at once
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.small is not None], ids=lambda m: m.name)
def test_caught_without_chance(mutant: Mutant) -> None:
    """Summing over all random choices tells the bug from the original at 1e-5 of Z, without any sampling."""
    reports = mutant.exhaustive()
    assert reports is not None
    planted, correct = reports
    assert not planted.passed
    assert planted.worst.observed > 1e-3
    assert correct.passed, correct


def test_every_mutant_is_described() -> None:
    """Names are unique, and the bug is told in a line or two."""
    assert len({m.name for m in MUTANTS}) == len(MUTANTS) >= 20
    assert all(20 < len(m.bug) < 250 for m in MUTANTS)
