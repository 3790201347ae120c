"""Posteriors as strict JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from steersman.cli.record import print_json, record, strict
from steersman.inference import MH, SMC, Importance, infer
from steersman.models import TableLM
from steersman.ppl import condition, dist, program, sample


@program
async def text(lm: TableLM) -> Any:
    drawn = await sample(lm.text("", max_tokens=3), "text")
    await condition("b" in drawn)
    return {"text": drawn, "log": float("-inf"), "n": np.float32(0.5), "pair": (1, drawn)}


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def loads(source: str) -> Any:
    return json.loads(source, parse_constant=_refuse)


def test_numbers_that_json_lacks() -> None:
    """-inf and inf become strings that float() reads, nan becomes null, at any depth."""
    found = strict({"a": [math.inf, -math.inf, math.nan, 1.5], "b": np.array([1.0, math.nan]), 3: (True, None, 2)})
    assert found == {"a": ["inf", "-inf", None, 1.5], "b": [1.0, None], "3": [True, None, 2]}
    assert float(found["a"][1]) == -math.inf


def test_record_of_a_posterior(capsys: pytest.CaptureFixture[str]) -> None:
    """Values and weights of all particles in order, and the numbers that the posterior itself gives."""
    posterior = infer(text(TableLM.random(3, seed=1)), Importance(40), seed=2)
    print_json(record(posterior, program="text"))
    found = loads(capsys.readouterr().out)
    assert found["log_evidence"] == posterior.log_evidence and found["ess"] == posterior.ess and found["seed"] == 2
    assert found["weights"] == posterior.weights.tolist() and len(found["values"]) == 40
    assert found["log_evidence_error"] == posterior.log_evidence_error and found["method"] == "Importance(40)"
    kept = next(v for w, v in zip(found["weights"], found["values"], strict=True) if w > 0)
    assert kept["log"] == "-inf" and kept["n"] == 0.5 and kept["pair"][1] == kept["text"]
    assert set(found["cost"]) == {"tokens", "calls", "rewards", "seconds"} and found["chains"] is None


@program
async def uniform() -> float:
    return float(await sample(dist.Uniform(0.0, 1.0), "x"))


def test_record_of_chains() -> None:
    """Chains estimate no evidence: null, never NaN; how they fared is told."""
    found = loads(json.dumps(strict(record(infer(uniform(), MH(2, 10), seed=1))), allow_nan=False))
    assert found["log_evidence"] is None and found["chains"]["draws"] == 10 and found["chains"]["claim"] == "posterior"


def test_lone_surrogates_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A text that UTF-8 cannot encode is still JSON."""
    print_json({"text": "a\ud800"})
    assert loads(capsys.readouterr().out) == {"text": "a\ud800"}


def test_smc_record_has_its_error() -> None:
    """A finite standard error stays a number."""
    assert isinstance(strict(record(infer(text(TableLM.random(3, seed=1)), SMC(50), seed=2)))["log_evidence_error"],
                      float)
