"""What was not written down: EM teaches a model to think of what explains an end.

Each story has a beginning and an end; the sentence between them is a thought, which nobody has seen. A thinker, the
model with low-rank updates, draws it; the model as it is reads beginning and thought, and must expect the end. In the
E-step thoughts of the thinker are weighed by p(end | thought), in the M-step it is moved so that such thoughts become
likely (`wake_model`). Expect log Z, the log probability of the end with all thoughts summed out, to rise by several
nats in stories that were not trained on, and a dog in their thoughts. Nothing but the end judges a thought: when it is
trained for long, the thoughts that foresee the end best are no English.
"""

from __future__ import annotations

from steersman import models
from steersman.inference import Importance, Posterior, infer
from steersman.inference.variational import fit, wake_model
from steersman.models import LanguageModel, LoRA
from steersman.ppl import observe, program, sample

END = " The dog barked."
TRAIN = ("Tom went to the park.", "Lily was in the garden with her mom.", "Ben wanted to play outside.",
         "Max woke up early.")
HELD_OUT = "Anna walked home from school.", "Sam looked out of the window."


@program
async def story(thinker: LanguageModel, reader: LanguageModel, begin: str, end: str = END) -> str:
    """The sentence between the beginning and the end of a story."""
    thought = await sample(thinker.text(begin, stop=".", max_tokens=12), "thought")
    await observe(reader.text(begin + thought, stop=".", max_tokens=12), end)
    return str(thought)


def educated(lm: LanguageModel, steps: int, draws: int, seed: int = 0) -> LanguageModel:
    """A thinker after EM on the stories in TRAIN. draws: of the E-step."""
    thinker = lm.adapted(LoRA(4), name="thinker")
    stories = [story(thinker, lm, begin) for begin in TRAIN]
    fit(stories, None, objective=wake_model(draws), draws=1, steps=steps, optimiser=3e-3, seed=seed)
    return thinker


def held_out(thinker: LanguageModel, lm: LanguageModel, draws: int = 128) -> list[Posterior]:
    """The thoughts in stories that were not trained on."""
    return [infer(story(thinker, lm, begin), Importance(draws), seed=1) for begin in HELD_OUT]


def main(steps: int = 12, draws: int = 48) -> None:
    lm = models.load()
    for name, thinker in (("the model", lm), ("the thinker", educated(lm, steps, draws))):
        print(f"{name}:")
        for begin, found in zip(HELD_OUT, held_out(thinker, lm), strict=True):
            print(f"  log Z {found.log_evidence:.1f} ± {found.log_evidence_error:.1f}: {begin}{found.mode()}.{END}")


if __name__ == "__main__":
    main()
