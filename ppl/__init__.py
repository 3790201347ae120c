"""The language: effects, programs, traces, and the one driver operation.

    from steersman.ppl import program, sample, observe, factor, condition, twist, call
"""

from . import dist
from .address import Address, format_address, parse_address
from .batched import Batched, Failure, batched
from .chunked import Chunks, chunked
from .constraints import (
    Constraint,
    canonical,
    choice,
    grammar,
    json_schema,
    predicate,
    regex,
    substring,
    words,
)
from .driver import advance
from .effects import (
    Effect,
    Invocation,
    call,
    condition,
    factor,
    observe,
    param,
    sample,
    twist,
    unfold,
)
from .enumerate import enumerate_traces
from .errors import (
    AllParticlesDead,
    BudgetExhausted,
    BudgetTooSmall,
    CallFailed,
    InvalidWeight,
    MissingAwait,
    NameReused,
    NotADistribution,
    NotAnEffect,
    NotEnumerable,
    OutsideSupport,
    ProgramError,
    ReplayDivergence,
    SteersmanError,
    TracedControlFlow,
    UnknownAddress,
)
from .keys import Key, Keys
from .meter import Budget, Meter
from .particle import Particle
from .program import Program, program
from .protocols import Distribution, Machine, Sequential, Unnormalised
from .tempered import tempered
from .text import Text
from .trace import Site, Trace
from .verbs import Weighted, assess, generate, regenerate, simulate, update

__all__ = [
    "Address", "AllParticlesDead", "Batched", "Budget", "BudgetExhausted", "BudgetTooSmall", "CallFailed", "Chunks",
    "Constraint", "Distribution", "Effect", "Failure", "InvalidWeight", "Invocation", "Key", "Keys", "Machine",
    "Meter", "MissingAwait", "NameReused", "NotADistribution", "NotAnEffect", "NotEnumerable", "OutsideSupport",
    "Particle", "Program", "ProgramError", "ReplayDivergence", "Sequential", "Site", "SteersmanError", "Text",
    "Trace", "TracedControlFlow", "UnknownAddress", "Unnormalised", "Weighted", "advance", "assess", "batched",
    "call", "canonical", "choice", "chunked", "condition", "dist", "enumerate_traces", "factor", "format_address",
    "generate", "grammar", "json_schema", "observe", "param", "parse_address", "predicate", "program", "regenerate",
    "regex", "sample", "simulate", "substring", "tempered", "twist", "unfold", "update", "words",
]
