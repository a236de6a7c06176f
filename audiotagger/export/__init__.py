"""Trained models to ONNX."""
