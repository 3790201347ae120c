"""Asking the planner: a language model, or a function from prompt to reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steersman.ppl.effects import sample
from steersman.ppl.program import program

from ..infer import infer
from ..run.algorithm import Algorithm

Planner = Any
"""A language model (anything with `text`), or a function ``prompt -> reply``, such as a call of a chat service."""

Ask = Callable[[str, int], str]

OPENING = "```steer\n"
"""How the reply of a language model begins: what it writes next is the program."""


def asker(planner: Planner, method: Algorithm[Any], max_tokens: int, temperature: float) -> Ask:
    """A function (prompt, seed) -> reply. Raises TypeError for what is no planner."""
    if not callable(planner) and hasattr(planner, "text"):
        return lambda prompt, seed: _complete(planner, prompt, seed, method, max_tokens, temperature)
    if not callable(planner):
        raise TypeError(f"planner={planner!r:.80}: expected a language model or a function from prompt to reply")

    def ask(prompt: str, seed: int) -> str:
        reply = planner(prompt)
        if not isinstance(reply, str):
            raise TypeError(f"the planner must return a str, got {type(reply).__name__}: {reply!r:.80}")
        return reply

    return ask


@program
async def _reply(planner: Any, prompt: str, max_tokens: int, temperature: float) -> str:
    text = planner.text(prompt + OPENING, stop="\n```", max_tokens=max_tokens, temperature=temperature)
    return str(await sample(text, "reply"))


def _complete(planner: Any, prompt: str, seed: int, method: Algorithm[Any], max_tokens: int, temperature: float) -> str:
    drawn = infer(_reply(planner, prompt, max_tokens, temperature), method, seed=seed, progress=False)
    return OPENING + str(drawn.sample(seed=seed)) + "\n```"
