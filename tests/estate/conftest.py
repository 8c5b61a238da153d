"""Property tests are not timed: a machine that is busy with something else proves nothing about the code."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
