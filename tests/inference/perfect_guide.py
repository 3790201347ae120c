"""A program whose posterior is known, and the guide that draws from it."""

from __future__ import annotations

from typing import Any

from steersman.inference import Enumerate, Posterior, infer
from steersman.models import TableLM
from steersman.ppl import Program, factor, program, sample


def perfectly_guided(lm: TableLM) -> tuple[Program[[], int], Program[[], None], Posterior]:
    """A program that tilts a token, the guide that draws its posterior, and that posterior."""

    @program
    async def target() -> int:
        token: Any = await sample(lm.next(""), "token")
        await factor(float(token), "tilt")
        return int(token)

    exact = infer(target, Enumerate())

    @program
    async def perfect() -> None:
        await sample(exact, "token")

    return target, perfect, exact
