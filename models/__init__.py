"""Language models and rewards.

    lm = models.load()                  # the embedded story model
    lm = models.load("path/to/folder")  # a Hugging Face folder
    lm = models.TableLM.random(4)       # an n-gram table: every posterior can be enumerated
    reward = models.load_reward("path/to/folder")  # a classification head; see `models.rewards`
    lm.adapted(LoRA(8), LogitBias())    # with small trainable parts; see `models.adapters`
    lm ** 4,  lm1 * lm2,  lm1 / lm2     # targets: products of whole texts, not renormalised
    gated(lm.text(...), other.text(...), 0.4)   # a second model where the first is unsure: a proposal, or a target
"""

from .adapters import AdaptedLM, LogitBias, LoRA, SoftPrompt, TrainableTable
from .algebra import power
from .allowed import Mask
from .context import Context, Contexts
from .errors import ContextTooLong, ModelError, NonFiniteLogits, OutOfMemory
from .gated import GatedText, gated
from .language_model import LanguageModel
from .load import load
from .neural import NeuralLM
from .product import ProductLM, ProductText, ProductToken
from .rewards import (
    Judge,
    Quantile,
    Reward,
    calibrate,
    ensemble,
    likelihood,
    load_reward,
    load_step_reward,
    process_reward,
    sampled_reward,
    tilted,
    token_reward,
    worst_case,
)
from .table import TableLM
from .text import TextDistribution
from .tokenizer import HuggingFaceTokenizer, SymbolTokenizer, Tokenizer
from .tokens import TokenDistribution

__all__ = [
    "AdaptedLM", "Context", "ContextTooLong", "Contexts", "GatedText", "HuggingFaceTokenizer", "Judge", "LanguageModel",
    "LoRA", "LogitBias", "Mask", "ModelError", "NeuralLM", "NonFiniteLogits", "OutOfMemory", "ProductLM", "ProductText",
    "ProductToken", "Quantile", "Reward", "SoftPrompt", "SymbolTokenizer", "TableLM", "TextDistribution",
    "TokenDistribution", "Tokenizer", "TrainableTable", "calibrate", "ensemble", "gated", "likelihood", "load",
    "load_reward", "load_step_reward", "power", "process_reward", "sampled_reward", "tilted", "token_reward",
    "worst_case",
]
