"""Estimators of the gradient through what is drawn at a site, beside the score function (see `gradient`)."""

from .alternatives import Drawn
from .choice import ESTIMATORS, Estimators, checked
from .enumerated import enumerated
from .measure_valued import NoMeasure, measure_valued

__all__ = ["ESTIMATORS", "Drawn", "Estimators", "NoMeasure", "checked", "enumerated", "measure_valued"]
