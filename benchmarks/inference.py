"""What the best 14 of each user cost beside the bare product of queries and item vectors, and what they hold.

    python benchmarks/inference.py                            everything: some minutes of one core
    python benchmarks/inference.py --items 12000 --widths 128
    python benchmarks/inference.py --table --json benchmarks/inference.jsonl   of the committed figures

First a process of its own answers all users, and a tenth of them, and says what it held. Then contenders
take turns on the same block of users, one thread, and a ratio is taken within a round of blocks:

    product          scores of a block, written over the last block's: what nobody can save
    ours             the library's answer to a block: product, last item excluded, exact best 14
    product, top k   the product, then PyTorch's topk over whole rows

Queries of 128 are those of one small net, of 512 the thesis's. They and the vectors are drawn, as
their values decide nothing but ties. Before the race the lists of some rows are compared with those of
`index.top_k`.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from display import say
from inference_records import Contender, Done, Held, Journal, Turn
from inference_tables import tables
from memory import held_mib, watched

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from hm_pipeline.models.best_k import Shelf

WORK = Path(__file__).resolve().parents[1] / "hm-data" / "benchmarks"
K = 14
ROUNDS, ROUND = 5, 10  # blocks a round
CHECKED = 64  # rows compared


def main() -> None:
    """Measure the sizes that are not known, then print all that is known."""
    asked_for = _arguments()
    journal = Journal(asked_for.json)
    if not asked_for.table:
        for items, width in product(asked_for.items, asked_for.widths):
            if (items, width) not in journal.done():
                measure(items, width, asked_for.users, journal)
    print(tables(journal))


def measure(items: int, width: int, users: int, journal: Journal) -> None:
    """One catalogue: what is held first, then the race."""
    run = f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {items} {width}"
    for some in (users // 10, users):
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:
            mib, cpu = apart.submit(answered, items, width, some).result()
        journal.add(Held(run=run, users=some, mib=mib, cpu=cpu))
        say(f"{items:,} items of {width}  {some:,} users  {mib:,.0f} MiB  {cpu:,.1f} CPU seconds")
    one_thread()
    vectors, bias = catalogue(items, width)
    compare(vectors, bias)
    race(run, vectors, bias, journal)
    journal.add(Done(run=run, items=items, width=width, users=users))


def one_thread() -> None:
    """And nothing to learn."""
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)


def catalogue(items: int, width: int) -> tuple["Tensor", "Tensor"]:
    """Vectors and biases."""
    return drawn(items, width, 1), drawn(items, 1, 2)[:, 0]


def drawn(rows: int, width: int, seed: int) -> "Tensor":
    """(rows, width) normal numbers."""
    import torch

    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def shelf_of(vectors: "Tensor", bias: "Tensor", users: int) -> "Shelf":
    """All items, with room for a block."""
    from hm_pipeline.models.best_k import Shelf

    return Shelf.of(vectors, bias, None, users)


def rows_of_block(items: int) -> int:
    """The library's choice."""
    from hm_pipeline.models.best_k import rows_of

    return rows_of(items)


def blocks(items: int, width: int, users: int) -> Iterator[tuple["Tensor", "np.ndarray"]]:
    """Queries and last items, block by block: nobody holds those of all users."""
    import numpy as np

    size = rows_of_block(items)
    for number, at in enumerate(range(0, users, size)):
        rows = min(size, users - at)
        last = np.random.default_rng(number).integers(1, items, rows, dtype=np.int32)
        yield drawn(rows, width, 3 + number), last


def answered(items: int, width: int, users: int) -> tuple[float, float]:
    """MiB held at most above the vectors, lists and scores included, and CPU seconds of everybody's lists."""
    one_thread()
    vectors, bias = catalogue(items, width)
    compare(vectors[:100], bias[:100])  # what is loaded at first use is loaded
    before, began = held_mib(), time.process_time()
    with watched() as peak:
        shelf = shelf_of(vectors, bias, users)
        lists = [shelf.best(queries, K, last) for queries, last in blocks(items, width, users)]
        assert sum(map(len, lists)) == users
    return peak.mib - before, time.process_time() - began


def compare(vectors: "Tensor", bias: "Tensor") -> None:
    """Raise where ours are not the lists of a plain selection over all scores."""
    from hm_pipeline.index import top_k

    queries, last = next(blocks(*vectors.shape, CHECKED))
    ours = shelf_of(vectors, bias, CHECKED).best(queries, K, last)
    plain = top_k((queries @ vectors.T + bias).numpy(), K, excluded=last)
    if (ours.items != plain.items).any():
        raise SystemExit(f"{int((ours.items != plain.items).any(1).sum())} of {CHECKED} lists differ")


def race(run: str, vectors: "Tensor", bias: "Tensor", journal: Journal) -> None:
    """Every block by everybody; a line for each contender and round. The first block warms up."""
    users = (ROUNDS * ROUND + 1) * rows_of_block(len(vectors))
    contenders = contenders_of(vectors, bias, users)
    spent: dict[Contender, float] = dict.fromkeys(contenders, 0.0)
    asked = 0
    for block, (queries, last) in enumerate(blocks(*vectors.shape, users)):
        for name, contender in contenders.items():
            began = time.process_time()
            contender(queries, last)
            spent[name] += time.process_time() - began
        asked += len(queries)
        if block % ROUND == 0:
            if block:
                tell(run, block // ROUND, asked, spent, journal)
            spent, asked = dict.fromkeys(contenders, 0.0), 0


def contenders_of(
    vectors: "Tensor", bias: "Tensor", users: int
) -> dict[Contender, Callable[["Tensor", "np.ndarray"], object]]:
    """Each is given a block's queries and last items."""
    import torch

    shelf, room = shelf_of(vectors, bias, users), torch.empty(0)

    def scores(queries: "Tensor", _: "np.ndarray") -> "Tensor":
        nonlocal room
        if room.shape != (len(queries), len(vectors)):
            room = torch.empty(len(queries), len(vectors))
        return torch.mm(queries, vectors.T, out=room)

    return {
        "product": scores,
        "ours": lambda queries, last: shelf.best(queries, K, last),
        "product, top k": lambda queries, last: scores(queries, last).topk(K, dim=1),
    }


def tell(run: str, number: int, asked: int, spent: dict[Contender, float], journal: Journal) -> None:
    """One round."""
    for name, cpu in spent.items():
        journal.add(Turn(run=run, contender=name, number=number, users=asked, cpu=cpu))
    say(f"round {number}  ours / product {spent['ours'] / spent['product']:.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", nargs="+", type=int, default=[12_000, 100_000], help="catalogues")
    parser.add_argument("--users", type=int, default=100_000, help="asked (default: 100,000)")
    parser.add_argument(
        "--widths", nargs="+", type=int, default=[128, 512], help="of a query: a small net's, the thesis's"
    )
    parser.add_argument("--table", action="store_true", help="measure nothing, print markdown of FILE")
    parser.add_argument(
        "--json",
        type=Path,
        default=WORK / "inference.jsonl",
        metavar="FILE",
        help="turns, one JSON line each (default: hm-data/benchmarks/inference.jsonl)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
