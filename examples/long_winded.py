"""A number and a sentence in one posterior: how long-winded is the teller, and what was told?

Two latents, a pace in words and a sentence; a listener remembers about how many words there were. The guide has a part
for each: `AutoNormal` for the pace (a log-normal, moved along the path of the draw), a soft prompt for the sentence
(moved by the score). `VI` fits both at once and then weighs draws of them, so that it agrees with importance sampling
from the program about log Z and the mean pace, within standard errors, whatever the fit came to.
"""

from __future__ import annotations

from steersman import models
from steersman.inference import Importance, Posterior, infer
from steersman.inference.variational import VI, AutoNormal, Guide
from steersman.models import LanguageModel, SoftPrompt
from steersman.ppl import dist, observe, program, sample
from steersman.ppl.effects import Invocation

STORY = "Lily and Ben went to the lake."
Told = tuple[float, str]


@program
async def told(lm: LanguageModel, talker: LanguageModel, heard: float, story: str = STORY, most: int = 16) -> Told:
    """The pace and the sentence, given how many words the listener thinks there were. talker: proposes the sentence."""
    pace = await sample(dist.Gamma(9.0, 1.0), "pace")
    sentence, proposed = (m.text(story, stop=".", max_tokens=most) for m in (lm, talker))
    text = await sample(sentence, "sentence", proposal=proposed)
    await observe(dist.Poisson(pace), len(text.split()), "words")
    await observe(dist.Normal(pace, 1.0), heard, "heard")
    return pace, str(text)


def method(program: Invocation[Told], talker: LanguageModel, steps: int, draws: int, particles: int) -> VI:
    guide = Guide(AutoNormal(program), talker)
    return VI(guide, steps, draws=draws, particles=particles, optimiser=0.02)


def shown(name: str, found: Posterior) -> str:
    pace, words = found.expectation(lambda v: v[0]), found.expectation(lambda v: len(v[1].split()))
    return (f"{name}: log Z {found.log_evidence:.2f} ± {found.log_evidence_error:.2f}, pace {pace:.2f}, "
            f"{words:.1f} words, {found.ess:.0f} effective of {len(found)}")


def main(heard: float = 14.0, steps: int = 30, draws: int = 32) -> None:
    lm = models.load()
    print(shown("draws of the program", infer(told(lm, lm, heard), Importance(512), seed=1)))
    talker = lm.adapted(SoftPrompt(4), name="talker")
    program = told(lm, talker, heard)
    fitted = infer(program, method(program, talker, steps, draws, 512), seed=1)
    print(shown("draws of the fitted guide", fitted))
    print(fitted.mode()[1].strip())


if __name__ == "__main__":
    main()
