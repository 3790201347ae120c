"""Language models and rewards.

    lm = models.load()                  # the embedded story model
    lm = models.load("path/to/folder")  # a Hugging Face folder
    lm = models.TableLM.random(4)       # an n-gram table: every posterior can be enumerated
"""

from .context import Context
from .errors import ContextTooLong, ModelError, NonFiniteLogits
from .language_model import LanguageModel
from .load import load
from .neural import NeuralLM
from .table import TableLM
from .texts import TextDistribution
from .tokenizer import HuggingFaceTokenizer, SymbolTokenizer, Tokenizer
from .tokens import Mask, TokenDistribution

__all__ = [
    "Context", "ContextTooLong", "HuggingFaceTokenizer", "LanguageModel", "Mask", "ModelError", "NeuralLM",
    "NonFiniteLogits", "SymbolTokenizer", "TableLM", "TextDistribution", "TokenDistribution", "Tokenizer", "load",
]
