"""`import steersman.ppl` stays cheap: no JAX, NumPyro, transformers or plotting."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["steersman.ppl", "steersman.ppl.dist"])
def test_heavy_libraries_are_not_imported(module: str) -> None:
    """In a fresh interpreter, a program with a distribution can be written before any of them is loaded."""
    script = (
        f"import sys, {module}\n"
        "from steersman.ppl import dist\n"
        "dist.Normal(0.0, 1.0)\n"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"jax", "jaxlib", "numpyro", "transformers", "torch", "matplotlib", "arviz", "lark", "rich"}
