"""Nearest items by faiss: all are scanned by short codes, the best of them are looked at closely.

A vector is cut into fours of numbers. The first code of a four, in 4 bits, is the nearest of 16 centres that
k-means found for its place, the second that of what then remains, and so the third (product residual
quantisation; Jegou et al. 2011, Babenko and Lempitsky 2014). A query's products with 16 centres are a table
that fits a register, so that one instruction looks up dozens of items (André et al. 2015). Every item is
read, which trees and graphs avoid; it is faster than they are where vectors are hard for them, as those of
matrix factorisation are (benchmarks/README.md).

N queries, V items, D numbers, E of them once filled up to fours, M candidates
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from hm_pipeline.data.arrays import Float32, Int32
from hm_pipeline.index.threads import over_blocks

NUMBERS, CODES = 4, 3  # numbers of a vector that share so many codes
FEWEST = 1_000  # items; a smaller catalogue is as cheaply searched exactly
TAUGHT = 8_192  # vectors that centres are found for
BLOCK = 256  # queries of a thread at a time
FILE = "codes.npy"


@dataclass(frozen=True, eq=False)
class Codes:
    """The codes of items 1..V-1, and their vectors to look at closely."""

    codes: Any  # an index of faiss; item v is its v - 1
    close: Any  # faiss.IndexRefineFlat over the two

    @classmethod
    def build(cls, vectors_VD: Float32, seed: int, likely: Int32) -> Self:
        """Over rows 1..V-1: the same bytes for the same arguments, hence one thread.

        Centres are found for the items that are `likely` (any number, -1 none) to be in a list, each as often
        as it is named, and for every item once. Most items are in nobody's, and centres that are good for
        those cost twice the candidates.
        """
        import faiss  # noqa: PLC0415  a tenth of a second, and only where asked for

        vectors = _in_fours(vectors_VD[1:])
        taught = np.concatenate([vectors, vectors[likely[likely > 0] - 1]])
        width = vectors.shape[1]
        recipe = f"PRQ{width // NUMBERS}x{CODES}x4fs"
        codes = faiss.index_factory(width, recipe, faiss.METRIC_INNER_PRODUCT)
        with _one_thread():
            codes.train(taught[np.random.default_rng(seed).permutation(len(taught))[:TAUGHT]])
            codes.add(vectors)
        return cls(codes, _close(codes, vectors))

    def propose(self, queries_ND: Float32, most: int, breadth: int) -> Int32:
        """(N, most) items, -1 where there are fewer: the best of the `breadth` that the codes find best."""
        import faiss  # noqa: PLC0415

        queries = _in_fours(queries_ND)
        found = np.full((len(queries), most), -1, dtype=np.int32)
        factor = max(breadth, most) / most
        how = faiss.IndexRefineSearchParameters(k_factor=factor)  # type: ignore[call-arg]

        def look(block: slice) -> None:
            with _one_thread():
                places = self.close.search(queries[block], most, params=how)[1]
            found[block] = np.where(places >= 0, places + 1, -1)

        over_blocks(len(queries), BLOCK, look)
        return found

    def save(self, folder: Path) -> None:
        """The codes; the vectors are the model's own."""
        import faiss  # noqa: PLC0415

        np.save(folder / FILE, faiss.serialize_index(self.codes), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, vectors_VD: Float32) -> Self:
        """What `save` wrote of these vectors."""
        import faiss  # noqa: PLC0415

        codes = faiss.deserialize_index(np.load(folder / FILE, allow_pickle=False))
        return cls(codes, _close(codes, _in_fours(vectors_VD[1:])))


def _close(codes: Any, vectors: Float32) -> Any:
    """Both together. faiss copies what it is pointed to, which has to live until then."""
    import faiss  # noqa: PLC0415

    return faiss.IndexRefineFlat(codes, faiss.swig_ptr(vectors))


def _in_fours(vectors_ND: Float32) -> Float32:
    """(N, E) contiguous, as faiss reads memory; what lacks is 0."""
    lacking = -vectors_ND.shape[1] % NUMBERS
    return np.ascontiguousarray(np.pad(vectors_ND, ((0, 0), (0, lacking))), dtype=np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenMP's number is the calling thread's own: faiss must not start a team in each of ours.

    It is put back, as torch may share this OpenMP and would work on one thread from then on.
    """
    import faiss  # noqa: PLC0415

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
