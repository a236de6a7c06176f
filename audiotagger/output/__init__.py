"""Results to stdout, files, journals, and the audio files' own metadata."""
