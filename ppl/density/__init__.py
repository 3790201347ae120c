"""The log density of a program as one JAX function of some of its continuous sites.

    density = log_density(trace, ["mu", "tau"])
    density({"mu": 0.3, "tau": 1.2})            # the log joint, every other site as in the trace

The program is run once on traced values (`run`). What it computes from them is sorted by level (`graph`), and the equal
operations of a level, as well as the densities of one family, become one vectorised call each (`layout`, `evaluate`):
compiling costs the same for ten sites and for a thousand. Everything that is not traced is an argument of the
compiled function, also which result goes where: executions of one structure share it (`Layout`). The values of other
sites are arguments, too, unless the program branches on them (`tracing`).

Importing this package imports JAX and NumPyro.
"""

from .density import Given, LogDensity
from .families import NotContinuous
from .known import Densities
from .layout import Layout
from .tracing import log_density

__all__ = ["Densities", "Given", "Layout", "LogDensity", "NotContinuous", "log_density"]
