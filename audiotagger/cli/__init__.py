"""The command line: parse, call, exit status; no logic."""

from audiotagger.cli.app import app

__all__ = ["app"]
