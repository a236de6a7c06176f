"""A path to blocks of mono float32, and these to windows."""
