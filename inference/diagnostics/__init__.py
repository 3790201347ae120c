"""Whether results can be trusted: convergence of chains, error bars of one run, distances to the target, coverage."""
