"""Tag files on more than one machine."""
