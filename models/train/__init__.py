"""Train the embedded default model: a small English story model in Llama architecture.

Run it as ``python -m steersman.models.train CORPUS OUT``. Importing the package is cheap; torch
and transformers are only needed by the modules that train and measure the network.
"""
