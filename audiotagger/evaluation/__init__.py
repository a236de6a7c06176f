"""Scores to metrics and reports; needs no TensorFlow."""
