"""The parts of a sweep of particles: stops, offspring, moves, and the reference execution of conditional sweeps."""
