"""Windows to probabilities, probabilities to results."""
