"""The constraint of constrained SMC: every word has at most five letters, as in the examples of LLaMPPL.

Every beginning of such a text is one too, so that a text may be cut after any number of tokens.
"""

from __future__ import annotations

LONGEST = 5
PATTERN = r"( [A-Za-z]{1,5}[.,!?]?)* ?"

END, SPACE = 0, LONGEST + 1
"""States of the automaton: 0 where a word has ended with its punctuation (or none has begun), 1 to 5 after so many
letters of a word, 6 after a space."""


def advance(state: int | None, piece: bytes) -> int | None:
    """The state after a few more bytes of a text; None when no word of the language begins so."""
    for byte in piece:
        character = chr(byte)
        if state is None:
            return None
        if character == " ":
            state = None if state == SPACE else SPACE
        elif character.isascii() and character.isalpha():
            state = {END: None, LONGEST: None, SPACE: 1}.get(state, state + 1)
        elif character in ".,!?":
            state = None if state in (END, SPACE) else END
        else:
            return None
    return state


def masks(pieces: list[bytes]) -> dict[int, set[int]]:
    """The tokens that each state allows. pieces: the bytes of every token; empty ones are allowed nowhere."""
    return {
        state: {i for i, piece in enumerate(pieces) if piece and advance(state, piece) is not None}
        for state in range(SPACE + 1)
    }
