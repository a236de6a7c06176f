"""Training. Apart from export and their commands, no other package may import TensorFlow."""
