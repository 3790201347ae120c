"""Random programs, and damaged ones, through the parser, the checks, the interpreter and the formatter: no crash, no
hang, nothing but diagnostics with a place."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest
from unchecked import LM, unchecked
from wild import Wild

from steersman.inference import Importance, infer
from steersman.ppl import AllParticlesDead
from steersman.ppl.language import Limits, SteerError, compile_source, format_source
from steersman.ppl.program import required

LIMITS = Limits(steps=20_000, iterations=200)
EXAMPLES = [path.read_text() for path in sorted((Path(__file__).parents[3] / "examples").glob("*.steer"))]
SCRAPS = [
    "(", ")", "[", "]", "{", "}", '"', "'", '"""', ":", "~", "=", "==", ",", ".", "\n", "\n    ", "    ", "#", "0",
    "-1", "1e999", "9" * 40, " if ", " for x in ", " not ", "while True:\n", "lm", "x", "f", "None", "__class__", "\0",
    "\ud800", "\u2028", "é", "\t", "\r", " ** 9 ** 9", " * 99999999", "return ", "p()", "program q():\n",
]


def damaged(seed: int) -> str:
    """A random program, or an example, with a few cuts, scraps, and lines that change places."""
    r = Random(seed)
    source = r.choice(EXAMPLES) if r.random() < 0.3 else Wild(seed).program()
    for _ in range(r.randint(1, 3)):
        if r.random() < 0.25:
            lines = source.split("\n")
            i, j = r.randrange(len(lines)), r.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            source = "\n".join(lines)
        else:
            at = r.randint(0, len(source))
            source = source[:at] + r.choice(SCRAPS) * r.choice([0, 1, 1, 2]) + source[at + r.choice([0, 0, 1, 3, 9]):]
    return source


def outcome(source: str, checked: bool, seed: int) -> str:
    """What becomes of a program."""
    try:
        module = compile_source(source, models={"lm": LM}, limits=LIMITS) if checked else unchecked(source, LIMITS)
    except SteerError as error:
        return told(error, source)
    if not module.programs or required(module.main):
        return "not run"
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
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for d in error.diagnostics:
        assert 1 <= d.span.line <= len(lines)
        line = lines[d.span.line - 1]
        assert len(d.line) == len(line)
        assert all(a in (b, "\ufffd") for a, b in zip(d.line, line, strict=True))  # where what was sent has no shape
        assert "^" in str(d)
        assert d.hint.strip()
        assert "Traceback" not in str(d)
        assert " at 0x" not in str(d)
    return "refused"


def run(sources: list[tuple[int, str]]) -> None:
    """Of those with even numbers the checks are asked first, and the formatter."""
    found: dict[str, int] = {}
    for seed, source in sources:
        begun = time.process_time()
        result = outcome(source, seed % 2 == 0, seed)
        if seed % 2 == 0 and result != "refused":
            formatted = format_source(source)
            assert format_source(formatted) == formatted, source
        found[result] = found.get(result, 0) + 1
        assert time.process_time() - begun < 20, source
    assert found["refused"] > found["ran"] > 0  # both are tried


def test_some_programs() -> None:
    """A few hundred programs: each runs, dies, or is refused at its place."""
    run([(seed, Wild(seed).program()) for seed in range(300)])
    run([(seed, damaged(seed)) for seed in range(300)])


@pytest.mark.slow
def test_many_programs() -> None:
    run([(seed, Wild(seed).program()) for seed in range(1000, 11_000)])


@pytest.mark.slow
def test_many_damaged_programs() -> None:
    run([(seed, damaged(seed)) for seed in range(1000, 14_000)])
