"""What can go wrong with a reward as a whole; what goes wrong for one text is a `Failure` of that text."""

from __future__ import annotations

from steersman.ppl.errors import SteersmanError

from ..errors import ModelError


class BadReward(SteersmanError, ValueError):
    """A reward function that is wrong for every text: no particle is to blame."""


class TextTooLong(ModelError):
    """A text has more tokens than the reward model has positions."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"a text of {tokens} tokens does not fit this reward model, which has {limit} positions "
            "(max_position_embeddings); shorten it, or score its last part"
        )
        self.tokens, self.limit = tokens, limit
