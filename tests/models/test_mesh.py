"""A run spread over eight devices is the run on one: same seed, same posterior, arrays where they belong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from checkpoints import write_checkpoint
from jax.sharding import Mesh

from steersman import models
from steersman.models import ModelError
from steersman.models.decoder.placement import over
from steersman.models.load import EMBEDDED

RUNS = Path(__file__).with_name("mesh_runs.py")
Results = dict[str, dict[str, Any]]


def results(folder: Path, *meshes: str) -> Results:
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, str(RUNS), str(folder), *meshes], capture_output=True, text=True, env=env, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: Results = json.loads(done.stdout.splitlines()[-1])
    return found


def same_posterior(found: Results) -> None:
    alone = found["alone"]
    for name, other in found.items():
        assert other["log_evidence"] == pytest.approx(alone["log_evidence"], abs=1e-4), name
        assert other["values"] == alone["values"], name
        assert other["moves"] > 20, "the law is about runs that resample"


def spread(found: dict[str, Any], rows: int, columns: int) -> bool:
    """Whether every array is cut as it should be: slots by rows, heads and weights by columns."""
    shapes, devices = found["shapes"], found["devices"]
    cuts = {"keys": (rows, columns), "logits": (rows,), "trunk": (columns,), "qkv": (1, columns), "down": (columns,)}
    return all(n == rows * columns for n in devices.values()) and all(
        part == [n // c for n, c in zip(whole, (*cuts[k], *[1] * len(whole)), strict=False)]
        for k, (whole, part) in shapes.items()
        if k in cuts
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = write_checkpoint(tmp_path_factory.mktemp("tiny"), vocab_size=258, max_position_embeddings=128)
    return results(folder, "alone", "8x1", "4x2", "4x2!")


@pytest.mark.slow
def test_same_seed_same_posterior(tiny: Results) -> None:
    """Law: SMC that resamples gives the same log Z (1e-4) and the same texts on 1, 8 x 1 and 4 x 2 devices. Its 21
    particles are a multiple of no mesh: rows are padded.
    """
    same_posterior(tiny)


@pytest.mark.slow
def test_arrays_are_where_they_belong(tiny: Results) -> None:
    """Law: caches are cut by slots and heads, weights by columns or rows; a placement that does nothing fails this."""
    assert spread(tiny["8x1"], 8, 1) and spread(tiny["4x2"], 4, 2)
    assert not spread(tiny["4x2!"], 4, 2)
    assert tiny["8x1"]["weights"] == tiny["alone"]["weights"]
    assert tiny["4x2"]["weights"] < 0.6 * tiny["alone"]["weights"]


@pytest.mark.slow
def test_particles_step_alone(tiny: Results) -> None:
    """Law: in a step of all slots, devices that share particles do not talk; those that share weights sum twice in
    each of two layers, and put embeddings, logits and normalisers together. No step at all gathers a cache.
    """
    assert tiny["8x1"]["collectives"]["whole"] == {}
    assert {k: len(v) for k, v in tiny["4x2"]["collectives"]["whole"].items()} == {"all-reduce": 7, "all-gather": 1}
    for name in ("8x1", "4x2"):
        slots, heads, size, depth = tiny[name]["shapes"]["keys"][0]
        talk = [n for v in tiny[name]["collectives"]["some"].values() for n in v]
        assert talk and max(talk) < slots * heads * size * depth / (2 if name == "4x2" else 1)


@pytest.mark.slow
def test_the_embedded_model_on_meshes() -> None:
    """Law: as on the small checkpoint, the embedded model gives one posterior on 1, 8 x 1 and 4 x 2 devices."""
    found = results(EMBEDDED, "alone", "8x1", "4x2")
    same_posterior(found)
    assert spread(found["8x1"], 8, 1) and spread(found["4x2"], 4, 2)


def mesh(*names: str, shape: tuple[int, ...] = (1,)) -> Mesh:
    return Mesh(np.array(jax.devices()[:1]).reshape(shape), names)


def test_a_mesh_of_one_device_is_a_mesh(tmp_path: Path) -> None:
    """Law: a trivial mesh, its axes in the other order, changes nothing, but goes through all that a mesh does."""
    folder = write_checkpoint(tmp_path / "model")
    contexts = [(256, 97), (256, 97, 98), (256, 99)]
    want = models.load(folder, max_rows=8).decoder.log_probs(contexts)
    one = mesh("weights", "particles", shape=(1, 1))
    got = models.load(folder, max_rows=8, mesh=one).decoder.log_probs(contexts)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)


def test_axes_that_mean_nothing_are_named(tmp_path: Path) -> None:
    """The error shows the axes of the mesh and those that are understood."""
    folder = write_checkpoint(tmp_path / "model")
    for names in (("data",), ("particles", "model"), ("weights",)):
        with pytest.raises(ModelError, match=f"has axes {names[0]}=1.* needs one named 'particles'"):
            models.load(folder, mesh=mesh(*names, shape=(1,) * len(names)))
    with pytest.raises(ModelError, match=r"must be a jax\.sharding\.Mesh, found tuple"):
        models.load(folder, mesh=(8, 1))  # type: ignore[arg-type]


def test_a_mesh_that_does_not_divide(tmp_path: Path) -> None:
    """The error names the sizes of the axes, what they do not divide, and what would do."""
    folder, config = write_checkpoint(tmp_path / "model"), models.load(EMBEDDED).decoder.config
    eight = np.array(jax.devices()[:1] * 8)
    with pytest.raises(ModelError, match=r"max_rows=100 .* axes particles=8: .* load with max_rows=96 or 104"):
        over(Mesh(eight, ("particles",)), config, 100)
    with pytest.raises(ModelError, match=r"max_rows=5 .* axes particles=8: .* load with max_rows=8, or"):
        over(Mesh(eight, ("particles",)), config, 5)
    with pytest.raises(ModelError, match=r"particles=1, weights=8 .* 8 devices for 4 key heads .* size of 1 or 2 or 4"):
        over(Mesh(eight.reshape(1, 8), ("particles", "weights")), config, 256)
    assert over(Mesh(eight.reshape(2, 4), ("particles", "weights")), config, 256).columns == 4
    with pytest.raises(ModelError, match=r"max_rows=3 .* particles=2"):
        models.load(folder, max_rows=3, mesh=Mesh(eight[:2], ("particles",)))
