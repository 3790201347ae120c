"""Oracles: how to tell that a sampler samples what it claims.

    from steersman.inference.testing import assert_exact, check_method, sentence_model
    assert_exact(MySampler(32))                             # every oracle model
    print(check_method(MySampler(32), sentence_model()))    # one, as a report

`check_method` is all that the author of a backend needs. It asks `unbiased` (the measure, in standard errors),
`calibrated` (the error bar) and `well_formed` (what must hold in every run). Beside it stand `check_measure` (all the
random choices, without chance) and `check_equivalences` (bit for bit). `mutants()` are known bugs that these must see.
"""

from .agree import assert_exact, check_method
from .equivalence import batches, check_equivalences, differences, forks, replays, same_particles, together
from .evidence import mean_of_draws, relative_evidence, run_many, unbiased
from .measure import check_measure, distance, exhaustive_measure, generated_measure, target_measure
from .models import (
    OracleModel,
    coins_model,
    crossroads_model,
    letters_model,
    oracle_models,
    sentence_model,
    small_model,
    stanza_model,
    telegram_model,
)
from .mutants import Mutant, mutants
from .report import Check, Report, law, z_score
from .spread import calibrated
from .structure import well_formed
from .tape import Tape, TapedLM, TapedMultinomial, exhaust
from .weighted_set import WeightedSet, rare_set

__all__ = [
    "Check", "Mutant", "OracleModel", "Report", "Tape", "TapedLM", "TapedMultinomial", "WeightedSet", "assert_exact",
    "batches", "calibrated", "check_equivalences", "check_measure", "check_method", "coins_model", "crossroads_model",
    "differences", "distance", "exhaust", "exhaustive_measure", "forks", "generated_measure", "law", "letters_model",
    "mean_of_draws", "mutants", "oracle_models", "rare_set", "relative_evidence", "replays", "run_many",
    "same_particles", "sentence_model", "small_model", "stanza_model", "target_measure", "telegram_model", "together",
    "unbiased", "well_formed", "z_score",
]
