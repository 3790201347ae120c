"""Asking the planner: a language model, or a function from prompt to reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from steersman.ppl.effects import sample
from steersman.ppl.program import program

from ..infer import infer
from ..run.algorithm import Algorithm

Planner = Any
"""A language model (anything with `text`), or a function ``prompt -> reply``, such as a call of a chat service."""

OPENING = "```steer\n"
"""How the reply of a language model begins: what it writes next is the program."""
CLOSING = "\n```"


class Asker(Protocol):
    """ask: the reply to a prompt. fits: whether there is room for the prompt and a reply."""

    def ask(self, prompt: str, seed: int) -> str: ...

    def fits(self, prompt: str) -> bool: ...


def asker(planner: Planner, method: Algorithm[Any], max_tokens: int, temperature: float) -> Asker:
    """Raises TypeError for what is no planner."""
    if callable(planner):
        return Function(planner)
    if hasattr(planner, "text"):
        return Model(planner, method, max_tokens, temperature)
    raise TypeError(f"planner={planner!r:.80}: expected a language model or a function from prompt to reply")


@dataclass(frozen=True)
class Function:
    """A function from prompt to reply; what fits is its own business."""

    function: Callable[[str], str]

    def ask(self, prompt: str, seed: int) -> str:
        reply = self.function(prompt)
        if not isinstance(reply, str):
            raise TypeError(f"the planner must return a str, got {type(reply).__name__}: {reply!r:.80}")
        return reply

    def fits(self, prompt: str) -> bool:
        return True


@dataclass(frozen=True)
class Model:
    """A language model, whose text after the prompt is drawn by a method."""

    lm: Any
    method: Algorithm[Any]
    max_tokens: int
    temperature: float

    def ask(self, prompt: str, seed: int) -> str:
        call = _reply(self.lm, prompt + OPENING, self.max_tokens, self.temperature)
        drawn = infer(call, self.method, seed=seed, progress=False)
        return OPENING + str(drawn.sample(seed=seed)) + CLOSING

    def fits(self, prompt: str) -> bool:
        limit = getattr(self.lm, "max_length", None)
        try:
            return limit is None or len(self.lm.context(prompt + OPENING)) + self.max_tokens <= limit
        except ValueError:  # longer than the window by itself
            return False


@program
async def _reply(lm: Any, prompt: str, max_tokens: int, temperature: float) -> str:
    tempered = {} if temperature == 1.0 else {"temperature": temperature}  # products of models have none
    text = lm.text(prompt, stop=CLOSING, max_tokens=max_tokens, **tempered)
    return str(await sample(text, "reply"))
