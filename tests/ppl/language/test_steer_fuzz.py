"""Random programs against the interpreter: no crash, no hang, nothing but diagnostics with a place."""

from __future__ import annotations

import time

import pytest
from unchecked import LM, unchecked
from wild import Wild

from steersman.inference import Importance, infer
from steersman.ppl import AllParticlesDead
from steersman.ppl.language import Limits, SteerError, compile_source

LIMITS = Limits(steps=20_000, iterations=200)


def outcome(seed: int) -> str:
    """What becomes of a program; of those with even numbers the checks are asked first."""
    source = Wild(seed).program()
    try:
        module = unchecked(source, LIMITS) if seed % 2 else compile_source(source, models={"lm": LM}, limits=LIMITS)
    except SteerError as error:
        return told(error, source)
    try:
        values = infer(module.main(), Importance(3), seed=seed).values
        assert all(repr(value) for value in values)
    except AllParticlesDead:
        return "dead"
    except Exception as error:
        explained = module.explained(error)
        assert isinstance(explained, SteerError), source
        return told(explained, source)
    return "ran"


def told(error: SteerError, source: str) -> str:
    lines = source.split("\n")
    for d in error.diagnostics:
        assert 1 <= d.span.line <= len(lines)
        assert d.line == lines[d.span.line - 1]
        assert "^" in str(d)
        assert "Traceback" not in str(d)
        assert " at 0x" not in str(d)
    return "refused"


def run(seeds: range) -> None:
    found: dict[str, int] = {}
    for seed in seeds:
        begun = time.process_time()
        result = outcome(seed)
        found[result] = found.get(result, 0) + 1
        assert time.process_time() - begun < 20, Wild(seed).program()
    assert found["refused"] > found["ran"] > len(seeds) // 50
    assert found["dead"]


def test_some_programs() -> None:
    """A few hundred programs: each runs, dies, or is refused at its place."""
    run(range(300))


@pytest.mark.slow
def test_many_programs() -> None:
    """Several thousand."""
    run(range(1000, 7000))
