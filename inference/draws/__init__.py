"""Independent executions, from the program itself or from a guide."""
