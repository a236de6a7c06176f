"""The tagger as an HTTP service."""
