"""`make bench`: every benchmark, one after the other."""

from __future__ import annotations

import sys

from benchmarks import (
    adapters,
    constraints,
    decode,
    fit_step,
    json_schemas,
    language,
    mcmc,
    nuts,
    rewards,
    roofline,
    smc,
)
from steersman.models.load import EMBEDDED


def main() -> None:
    for title, run, arguments in (
        ("The bare decode loop", decode.main, [str(EMBEDDED)]),
        ("Where the time of a step goes", roofline.main, []),
        ("SMC against the bare loop", smc.main, []),
        ("MCMC against the bare loop", mcmc.main, []),
        ("Scoring by a reward model", rewards.main, []),
        ("Trainable parts of a model", adapters.main, []),
        ("One step of a fit", fit_step.main, []),
        ("NUTS against NumPyro", nuts.main, []),
        ("The language", language.main, []),
        ("Constraints", constraints.main, []),
        ("JSON Schemas", json_schemas.main, []),
    ):
        print(f"\n== {title}", flush=True)
        sys.argv = [title, *arguments]
        run()


if __name__ == "__main__":
    main()
