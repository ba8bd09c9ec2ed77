"""Those who look up the best 14 items of each query; each is given two threads by its own means.

A contender is built over item vectors (row 0 the padding's), with queries of other users to learn from, and
then asked at each of its settings, the narrowest first, until it finds enough or has no wider one. Nobody
leaves a last item out: libraries cannot.

V items with padding, D numbers, N queries, K list
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Answer = Callable[[np.ndarray], np.ndarray]  # queries_ND to items_NK, by vocabulary index
    Contender = Callable[[np.ndarray, np.ndarray, int], Iterator[tuple[str, Answer]]]

K = 14
CANDIDATES = (28, 42, 56, 84, 112, 168, 224, 336, 448, 672, 896, 1_344, 1_792)
EFS = (64, 128, 256, 512, 1_024, 2_048, 4_096)
LINKS, BUILT_WITH = 32, 200  # of a graph: neighbours an item, and how widely they were looked for


def contenders() -> Mapping[str, "Contender"]:
    """By name."""
    return {
        "exact, ours": _exact,
        "implicit": _implicit,
        "exact, faiss": _faiss_flat,
        "codes, ours by faiss": _codes,
        "IVF codes, faiss": _faiss_ivf,
        "HNSW, faiss": _faiss_hnsw,
        "HNSW, hnswlib": _hnswlib,
        "HNSW, usearch": _usearch,
        "HNSW, voyager": _voyager,
        "trees, ours by Annoy": _annoy,
    }


def _ours(index: Any) -> "Answer":
    import numpy as np

    return lambda queries: index.best(queries, K, np.zeros(len(queries), np.int32)).items


def _exact(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    from hm_pipeline.index import Nearest

    yield "", _ours(Nearest("exact", vectors))


def _codes(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    import numpy as np

    from hm_pipeline.index import Nearest
    from hm_pipeline.index.codes import Codes
    from hm_pipeline.index.tuning import LIKELY

    likely = Nearest("exact", vectors).best(examples, LIKELY, np.zeros(len(examples), np.int32)).items
    index = Nearest("faiss", vectors, Codes.build(vectors, 0, likely))
    yield from ((f"{n} candidates", _ours(index.wider(n))) for n in CANDIDATES)


def _annoy(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    from hm_pipeline.index import Nearest
    from hm_pipeline.index.annoy import Neighbours
    from hm_pipeline.index.search import AnnoySearch

    index = Nearest("annoy", vectors, Neighbours.build(vectors, AnnoySearch()))
    yield from ((f"search_k {n:,}", _ours(index.wider(n))) for n in (560, 2_240, 8_960))


def _implicit(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    import numpy as np
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy import sparse
    from threadpoolctl import threadpool_limits

    model = AlternatingLeastSquares(factors=vectors.shape[1], num_threads=threads)
    model.item_factors = vectors[1:]

    def answer(queries: "np.ndarray") -> "np.ndarray":
        model.user_factors = queries
        nothing = sparse.csr_matrix((len(queries), len(vectors) - 1), dtype=np.float32)
        rows = np.arange(len(queries))
        with threadpool_limits(1, user_api="blas"):  # as it asks for: it is faster so
            return model.recommend(rows, nothing, N=K, filter_already_liked_items=False)[0] + 1

    yield "", answer


def _faiss_flat(
    vectors: "np.ndarray", examples: "np.ndarray", threads: int
) -> Iterator[tuple[str, "Answer"]]:
    index = _of_faiss("Flat", vectors, threads)
    yield "", lambda queries: index.search(_even(queries), K)[1] + 1


def _faiss_ivf(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    import faiss

    width = vectors.shape[1] + vectors.shape[1] % 2
    index = _of_faiss(f"IVF64,PQ{width // 2}x4fs,RFlat", vectors, threads)
    for share in (32, 48, 64):
        for n in (224, 448):
            inside = faiss.IVFSearchParameters(nprobe=share)
            how = faiss.IndexRefineSearchParameters(k_factor=n / K, base_index_params=inside)
            yield (
                f"{share} of 64 lists, {n} candidates",
                lambda queries, how=how: index.search(_even(queries), K, params=how)[1] + 1,
            )


def _faiss_hnsw(
    vectors: "np.ndarray", examples: "np.ndarray", threads: int
) -> Iterator[tuple[str, "Answer"]]:
    import faiss

    index = _of_faiss(f"HNSW{LINKS}", vectors, threads)
    for ef in EFS:
        how = faiss.SearchParametersHNSW(efSearch=ef)
        yield f"ef {ef:,}", lambda queries, how=how: index.search(_even(queries), K, params=how)[1] + 1


def _of_faiss(recipe: str, vectors: "np.ndarray", threads: int) -> Any:
    import faiss

    faiss.omp_set_num_threads(threads)
    items = _even(vectors[1:])
    index = faiss.index_factory(items.shape[1], recipe, faiss.METRIC_INNER_PRODUCT)
    if "HNSW" in recipe:
        index.hnsw.efConstruction = BUILT_WITH
    index.train(items)
    index.add(items)
    return index


def _even(vectors: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, vectors.shape[1] % 2))))


def _hnswlib(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    import hnswlib
    import numpy as np

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors) - 1, ef_construction=BUILT_WITH, M=LINKS, random_seed=0)
    index.add_items(vectors[1:], np.arange(1, len(vectors)), num_threads=threads)

    def at(ef: int) -> "Answer":
        def answer(queries: "np.ndarray") -> "np.ndarray":
            index.set_ef(ef)
            return index.knn_query(queries, K, num_threads=threads)[0].astype(np.int64)

        return answer

    yield from ((f"ef {ef:,}", at(ef)) for ef in EFS)


def _usearch(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    import numpy as np
    from usearch.index import Index

    index = Index(
        ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=LINKS, expansion_add=BUILT_WITH
    )
    index.add(np.arange(1, len(vectors)), vectors[1:], threads=threads)

    def at(ef: int) -> "Answer":
        def answer(queries: "np.ndarray") -> "np.ndarray":
            index.expansion_search = ef
            return index.search(queries, K, threads=threads).keys.astype(np.int64)

        return answer

    yield from ((f"ef {ef:,}", at(ef)) for ef in EFS)


def _voyager(vectors: "np.ndarray", examples: "np.ndarray", threads: int) -> Iterator[tuple[str, "Answer"]]:
    import numpy as np
    import voyager

    index = voyager.Index(
        voyager.Space.InnerProduct, vectors.shape[1], M=LINKS, ef_construction=BUILT_WITH, random_seed=0
    )
    index.add_items(vectors[1:], np.arange(1, len(vectors)), num_threads=threads)

    def at(ef: int) -> "Answer":
        return lambda queries: index.query(queries, K, threads, ef)[0].astype(np.int64)

    yield from ((f"ef {ef:,}", at(ef)) for ef in EFS)
