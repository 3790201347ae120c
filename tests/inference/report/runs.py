"""Posteriors to report on."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from steersman.inference import SMC, Cost, Genealogy, Posterior, every, infer
from steersman.inference.posterior.history_storage import decode_history
from steersman.inference.resampling import Ancestry
from steersman.models import TableLM
from steersman.ppl import condition, factor, program, sample

HOSTILE = ("</script><script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "\u2028\u2029\\u003c",
           "\"'`&lt;!--<b>", "{{style}}${1}", "é漢🚀\u202e")
LM = TableLM.random(4, seed=0)
NASTY = TableLM.random(len(HOSTILE) + 1, seed=1, scale=0.5, vocabulary=("", *HOSTILE))


@program
async def tale(lm: TableLM, needle: str) -> str:
    first = await sample(lm.text("", max_tokens=4), "first")
    await factor(0.8 * first.count(needle), "likes it")
    second = await sample(lm.text("", max_tokens=6), "second")
    await condition(needle in second, "needle")
    return f"{first}|{second}"


@cache
def smc(nasty: bool = False) -> Posterior:
    lm, needle = (NASTY, HOSTILE[0]) if nasty else (LM, "b")
    return infer(tale(lm, needle), SMC(18, resample_at=["factor", every(2)]), seed=4)


def synthetic(N: int, T: int, atoms: int = 1) -> Posterior:
    """A run of N particles and T steps that was never made: random ancestors and weights, `atoms` tokens a step."""
    rng = np.random.default_rng(0)
    genealogy = Genealogy()
    for t in range(T):
        log_w = rng.normal(size=N) - np.log(N)
        ancestry = Ancestry(np.sort(rng.integers(N, size=N)), np.full(N, 1 / N), True) if t else None
        genealogy.append(log_w, ancestry, log_z=0.01 * t)
    n = N * T * atoms
    record: dict[str, Any] = {
        "full": False, "places": [["story", "text", 0]], "values": [], "rewritten": [[]] * T,
        "vocabularies": [[[k, f" word{k}"] for k in range(500)]], "place": [0] * n,
        "item": rng.integers(500, size=n).tolist(), "log_p": [-1.25] * n, "log_q": [-1.25] * n,
        "starts": [(np.arange(N + 1) * atoms + t * N * atoms).tolist() for t in range(T)],
    }
    return Posterior([None] * N, genealogy.log_weights(T - 1), 1.0, 0.5, Cost(n, T, 0, 1.0), f"SMC({N})", 1, genealogy,
                     history=decode_history(record), killed={f"site {k}": k + 1 for k in range(3)})
