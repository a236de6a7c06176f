"""Folders and lists to labelled clips and splits; needs no TensorFlow."""
