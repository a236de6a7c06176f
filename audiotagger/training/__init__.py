"""Training, evaluation and export: the only part that may import tensorflow, tf2onnx and librosa."""
