"""Language models and rewards.

    lm = models.load()                  # the embedded story model
    lm = models.load("path/to/folder")  # a Hugging Face folder
    lm = models.TableLM.random(4)       # an n-gram table: every posterior can be enumerated
    lm ** 4,  lm1 * lm2,  lm1 / lm2     # targets: products of whole texts, not renormalised
"""

from .algebra import power
from .allowed import Mask
from .context import Context, Contexts
from .errors import ContextTooLong, ModelError, NonFiniteLogits
from .language_model import LanguageModel
from .load import load
from .neural import NeuralLM
from .product import ProductToken
from .product_lm import ProductLM
from .product_text import ProductText
from .table import TableLM
from .texts import TextDistribution
from .tokenizer import HuggingFaceTokenizer, SymbolTokenizer, Tokenizer
from .tokens import TokenDistribution

__all__ = [
    "Context", "ContextTooLong", "Contexts", "HuggingFaceTokenizer", "LanguageModel", "Mask", "ModelError", "NeuralLM",
    "NonFiniteLogits", "ProductLM", "ProductText", "ProductToken", "SymbolTokenizer", "TableLM", "TextDistribution",
    "TokenDistribution", "Tokenizer", "load", "power",
]
