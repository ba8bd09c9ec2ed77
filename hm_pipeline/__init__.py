"""Nightly recommendations that know order and time: the library, without orchestration.

raw interactions → log → samples → recommender → recommendations → evaluation → verdict
"""

__version__ = "0.1.0"
