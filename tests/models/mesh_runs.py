"""Run in a process with eight host devices (`test_mesh`): one run of SMC on each mesh, and where its arrays were.

    python mesh_runs.py MODEL_FOLDER MESH...    a mesh is PARTICLESxWEIGHTS, or "alone"; prints one JSON object

Parents are drawn multinomially: the default, SSP, tells weights that are equal from weights that are nearly so, and of
those rounding makes the one into the other.

A mesh ending in "!" is loaded with a placement that does nothing, the mutant that the test must catch.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from steersman import models
from steersman.inference import SMC, infer
from steersman.models.decoder import decoder as decoding
from steersman.models.decoder import programs
from steersman.models.decoder.forward import Feed
from steersman.models.decoder.placement import ALONE
from steersman.ppl import factor, program, sample

PROMPT = "Once upon a time there was a little girl named Lily who"
PARTICLES, STEPS = 21, 12  # particles are no multiple of any mesh
COLLECTIVE = re.compile(r" = \w+\[([\d,]*)\]\S* (all-\w+|collective-\w+|reduce-scatter)\(")


@program
async def walk(lm: models.NeuralLM, prompt: str) -> tuple[int, ...]:
    mask = lm.tokens_where(lambda piece: piece.isascii() and piece.isprintable())
    context, tokens = lm.context(prompt), []
    for _ in range(STEPS):
        token = await sample(lm.next(context), "token", proposal=lm.next(context).masked(mask))
        context = context + token
        tokens.append(int(token))
        await factor(1.5 * (token % 3 == 0))
    return tuple(tokens)


def load(folder: Path, name: str) -> models.NeuralLM:
    if name == "alone":
        return models.NeuralLM.from_folder(folder, max_rows=32)
    rows, columns = map(int, name.rstrip("!").split("x"))
    devices = np.array(jax.devices()[: rows * columns])
    mesh = Mesh(devices, ("particles",)) if columns == 1 else Mesh(devices.reshape(rows, -1), ("particles", "weights"))
    kept = decoding.over
    if name.endswith("!"):
        decoding.over = lambda *args: ALONE  # type: ignore[assignment]
    try:
        return models.NeuralLM.from_folder(folder, max_rows=32, mesh=mesh)
    finally:
        decoding.over = kept


def run(folder: Path, name: str) -> dict[str, Any]:
    lm = load(folder, name)
    posterior = infer(walk(lm, PROMPT), SMC(PARTICLES, resample="multinomial", ess_threshold=0.7), seed=2)
    engine = lm.decoder._engine
    (bank,) = engine.banks._banks
    arrays = {
        "keys": bank.state.cache.keys[0], "logits": bank.state.logits, "trunk": bank.trunk.keys[0],
        "qkv": engine.device.params.layers[0].qkv.weight, "down": engine.device.params.layers[0].down.weight,
        "embed": engine.device.params.embed.weight,
    }  # fmt: skip
    return {
        "log_evidence": posterior.log_evidence,
        "values": list(posterior.values),
        "moves": lm.decoder.stats.moves,
        "weights": engine.device.memory.weights,
        "shapes": {k: [a.shape, a.sharding.shard_shape(a.shape)] for k, a in arrays.items()},
        "devices": {k: len(a.sharding.device_set) for k, a in arrays.items()},
        "collectives": {"whole": collectives(lm, True), "some": collectives(lm, False)},
        "compiles": lm.decoder.stats.compiles,
    }


def collectives(lm: models.NeuralLM, whole: bool) -> dict[str, list[int]]:
    """How devices talk to one another in a step of all slots, or of as many in any order: numbers received, by kind."""
    engine = lm.decoder._engine
    (bank,) = engine.banks._banks
    B, device = bank.size, engine.device
    slots, ones = np.arange(B, dtype=np.int32), np.ones(B, np.int32)
    feed = Feed(slots, ones, ones, ones, ones[:, None])
    how: Any = {"config": lm.decoder.config, "whole": whole, "placement": device.placement}
    text = programs.feed.lower(device.params, bank.state, bank.trunk, feed, **how).compile().as_text()
    found: dict[str, list[int]] = {}
    for shape, kind in COLLECTIVE.findall(text):
        found.setdefault(kind, []).append(math.prod(int(n) for n in shape.split(",") if n))
    return found


if __name__ == "__main__":
    print(json.dumps({name: run(Path(sys.argv[1]), name) for name in sys.argv[2:]}))
