"""What the exit status of the command says."""

OK = 0
PROBLEMS = 1
"""The program has mistakes or failed as it ran; a file is not formatted; a model cannot be read."""
USAGE = 2
"""The command line is wrong: options, parameters, files that do not exist."""
ALL_DEAD = 3
"""Every particle died: no execution that met the conditions was found."""
INTERRUPTED = 130
"""Ctrl-C; what was finished has been printed."""

EPILOG = ("Exit status: 0 fine; 1 the program has problems or failed; 2 wrong usage; 3 all particles are dead; "
          "130 interrupted (Ctrl-C), with what was finished printed.")
