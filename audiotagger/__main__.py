"""`python -m audiotagger` is `audiotagger`."""

from audiotagger.cli import app

app(prog_name="audiotagger")
