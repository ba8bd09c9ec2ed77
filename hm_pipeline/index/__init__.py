"""Scores and vectors to the best K: exact, and the thesis's Annoy."""

from hm_pipeline.index.exact import top_k

__all__ = ["top_k"]
