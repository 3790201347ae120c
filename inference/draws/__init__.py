"""Independent executions: drawn by the program itself or by a guide, kept or accepted."""
