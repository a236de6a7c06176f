"""Training: this, export and their commands are all that may import TensorFlow."""
