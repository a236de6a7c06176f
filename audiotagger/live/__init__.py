"""Tag sound while it is recorded."""
