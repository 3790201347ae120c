"""Run in a process with four host devices (`test_mesh_architectures`): each case on a mesh, against the reference.

    python mesh_architectures.py CASE...     prints one JSON object: case -> [largest error, devices of a projection]
"""

from __future__ import annotations

import json
import sys

import jax
import numpy as np
from jax.sharding import Mesh
from random_checkpoints import TEXT, case_of

from steersman.models.decoder import Decoder


def errors(name: str) -> tuple[float, int]:
    """The largest error of a prompt as trunk, of single steps, of forks, and of teacher forcing."""
    config, params, expected = case_of(name)
    shape = (2, 2) if config.kv_heads % 2 == 0 else (4, 1)
    mesh = Mesh(np.array(jax.devices()[:4]).reshape(shape), ("particles", "weights"))
    decoder = Decoder(config, params, max_rows=16, mesh=mesh)
    found = [decoder.log_probs([TEXT[:20]] * 3)[0] - expected[19]]
    for k in range(20, 23):
        found.append(decoder.log_probs([TEXT[:k]])[0] - expected[k - 1])
    for got, k in zip(decoder.log_probs([TEXT[:k] for k in (21, 25, 48, 30)]), (21, 25, 48, 30), strict=True):
        found.append(got - expected[k - 1])
    (scored,) = decoder.score_sequences([TEXT[:4]], [TEXT[4:]])
    found.append(scored - expected[np.arange(3, 47), list(TEXT[4:])])
    weight = decoder._engine.device.params.layers[0].qkv.weight
    return max(float(np.abs(f).max()) for f in found), weight.size // np.prod(weight.sharding.shard_shape(weight.shape))


if __name__ == "__main__":
    results = {name: errors(name) for name in sys.argv[1:]}
    print(json.dumps(results, default=int))
