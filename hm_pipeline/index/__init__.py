"""Scores and vectors to the best K: exact, by codes, and by the thesis's Annoy."""

from hm_pipeline.index.exact import top_k
from hm_pipeline.index.nearest import Nearest
from hm_pipeline.index.search import Search
from hm_pipeline.index.sparse import sparse_top_k

__all__ = ["Nearest", "Search", "sparse_top_k", "top_k"]
