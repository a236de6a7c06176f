"""Properties that hold for all inputs, which hypothesis chooses: the same few each time.

HYPOTHESIS_PROFILE=search looks for others, for as long as it takes.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("tests", derandomize=True, max_examples=60, deadline=None)
settings.register_profile("search", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))
