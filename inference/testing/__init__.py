"""Oracles: how to tell that a sampler samples what it claims.

    from steersman.inference.testing import assert_exact, check_method, sentence_model
    assert_exact(MySampler(32))                             # every oracle model
    print(check_method(MySampler(32), sentence_model()))    # one, as a report

`check_method` is all that the author of a backend needs. It asks `unbiased` (the measure, in standard errors),
`calibrated` (the error bar) and `well_formed` (what must hold in every run). Beside it stand `check_measure` (all the
random choices, without chance) and `check_equivalences` (bit for bit). `mutants()` are known bugs that these must see.

    print(check_transitions(MyMove(), poem_model()))            # the whole transition matrix, without chance
    print(check_kernel(MyMove(), sentence_model()))             # the same by sampling, from exact starts
    print(check_chain(MyMethod(1, 20_000), sentence_model()))   # a method of Markov chains, from its own start

are for Markov chains, on the models of `chain_models()`. Where no posterior is known, `check_joint` asks a kernel and
`check_calibration` a whole method. `chain_mutants()` are the bugs that these must see. Methods that draw many particles
in a step find models small enough for transition matrices in `tiny_models()`, and their bugs in `particle_mutants()`.
`check_continuous` compares methods for continuous choices with quadrature on the `continuous_models()`, whose bugs are
the `gradient_mutants()`.

`ConstraintLaws` are the laws of constraints, as tests to inherit; `Listed` is a constraint to hold others against.
"""

from .agree import assert_exact, check_method
from .calibration import check_calibration
from .chains import check_chain, check_kernel
from .constraint_laws import ConstraintLaws
from .continuous import (
    ContinuousModel,
    check_continuous,
    clusters_model,
    continuous_models,
    judge_model,
    line_fit_model,
)
from .equivalence import batches, check_equivalences, differences, forks, replays, same_particles, together
from .evidence import mean_of_draws, relative_evidence, run_many, unbiased
from .joint import check_joint
from .listed import Listed
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
from .mutants import ChainMutant, GradientMutant, Mutant, chain_mutants, gradient_mutants, mutants, particle_mutants
from .poems import chain_models, line_model, poem_model, tree_model
from .report import Check, Report, law, z_score
from .spellings import Spellings
from .spread import calibrated
from .structure import well_formed
from .tape import Tape, TapedLM, TapedMultinomial, exhaust
from .taped_run import TapedChain, TapedRun
from .tiny import bounded_model, tiny_models, tosses_model, word_model
from .transitions import Transitions, check_transitions, execution, transitions
from .weighted_set import WeightedSet, rare_set

__all__ = [
    "ChainMutant", "Check", "ConstraintLaws", "ContinuousModel", "GradientMutant", "Listed", "Mutant", "OracleModel",
    "Report", "Spellings", "Tape", "TapedChain", "TapedLM", "TapedMultinomial", "TapedRun", "Transitions",
    "WeightedSet", "assert_exact", "batches", "bounded_model", "calibrated", "chain_models", "chain_mutants",
    "check_calibration", "check_chain", "check_continuous", "check_equivalences", "check_joint", "check_kernel",
    "check_measure", "check_method", "check_transitions", "clusters_model", "coins_model", "continuous_models",
    "crossroads_model", "differences", "distance", "execution", "exhaust", "exhaustive_measure", "forks",
    "generated_measure", "gradient_mutants", "judge_model", "law", "letters_model", "line_fit_model", "line_model",
    "mean_of_draws", "mutants", "oracle_models", "particle_mutants", "poem_model", "rare_set", "relative_evidence",
    "replays", "run_many", "same_particles", "sentence_model", "small_model", "stanza_model", "target_measure",
    "telegram_model", "tiny_models", "together", "tosses_model", "transitions", "tree_model", "unbiased", "well_formed",
    "word_model", "z_score",
]
