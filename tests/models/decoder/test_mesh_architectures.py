"""Weights spread over devices, for every family: fused projections, biases, norms over all heads, tied and untied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from random_checkpoints import CASES

pytest.importorskip("torch")
FIRST = {CASES[name][0]: name for name in reversed(CASES)}


@pytest.mark.slow
def test_every_family_on_a_mesh() -> None:
    """Law: with particles and weights over 2 x 2 devices log-probabilities are the reference's to 1e-4, and a
    projection is cut in two (in one where a model has a single key head).
    """
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    script = Path(__file__).with_name("mesh_architectures.py")
    names = list(FIRST.values())
    done = subprocess.run([sys.executable, str(script), *names], capture_output=True, text=True, env=env, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {name: error for name, (error, _) in found.items() if error > 1e-4} == {}
    assert {name for name, (_, cut) in found.items() if cut != 2} <= {"gemma"}
