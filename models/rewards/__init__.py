"""Rewards: scores of texts that become factors of a program.

    reward = load_reward("path/to/folder")       # a classification head of Hugging Face
    reward = token_reward(fn, lm)                # a JAX function of padded tokens
    judge = Judge(lm)                            # "would this model say yes"
    await factor(beta * await call(reward, text))

`process_reward` says what the rewards of steps mean; `calibrate`, `Quantile` and `ensemble` change their scale;
`tilted` is a program weighted by one; `best_of_n_log_prob` and its like are the laws of the best of N draws.
"""

from .best_of_n import best_of_n_bounds, best_of_n_kl, best_of_n_log_prob, best_of_n_win_rate
from .calibrate import Calibration, adaptive_n, brier, calibrate, ece
from .ensemble import ensemble
from .errors import BadReward, TextTooLong
from .generative import sampled_reward
from .head_reward import HeadReward
from .isotonic import Isotonic
from .judge import Judge
from .likelihood import likelihood
from .links import exp, odds, prob, tilt
from .load import load_reward, load_step_reward
from .logistic import Logistic
from .principle import Principle, Verdict
from .process import ProcessReward, process_reward
from .quantile import Quantile, exponential
from .reward import Reward
from .step_reward import StepReward
from .tilted import tilted
from .token_reward import TokenReward, token_reward
from .worst_case import WorstCase, worst_case

__all__ = [
    "BadReward", "Calibration", "HeadReward", "Isotonic", "Judge", "Logistic", "Principle", "ProcessReward", "Quantile",
    "Reward", "StepReward", "TextTooLong", "TokenReward", "Verdict", "WorstCase", "adaptive_n", "best_of_n_bounds",
    "best_of_n_kl", "best_of_n_log_prob", "best_of_n_win_rate", "brier", "calibrate", "ece", "ensemble", "exp",
    "exponential", "likelihood", "load_reward", "load_step_reward", "odds", "prob", "process_reward", "sampled_reward",
    "tilt", "tilted", "token_reward", "worst_case",
]
