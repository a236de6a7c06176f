"""Windows to probabilities, and these to results."""
