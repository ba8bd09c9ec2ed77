"""One of several processes that fit a model together, one a GPU, as torchrun starts them:

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m tasks.ranks FOLDER

FOLDER/job.json is a tasks.job.Job. The first rank saves the release, writes FOLDER/done.json, and says on its
standard output how far it is, a line of JSON a step. On several machines (torchrun's --nnodes and
--rdzv-endpoint instead of --standalone) the folders lie where all of them see them.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import record

from hm_pipeline.progress import Step, silent
from hm_pipeline.training.ranks import joined
from tasks.job import DONE, JOB, Job


@record
def main() -> None:
    """Fit as one of the ranks; torchrun hears from `record` what went wrong."""
    folder = Path(sys.argv[1])
    job = Job.model_validate_json((folder / JOB).read_bytes())
    with joined() as ranks:
        done = job.fit(_say if ranks.is_first else silent, saves=ranks.is_first)
        done = done.model_copy(update={"peak_mb": float(ranks.total(round(done.peak_mb)))})
    if ranks.is_first:
        (folder / DONE).write_text(done.model_dump_json())


def _say(step: Step, /) -> None:
    """To whoever started torchrun. When he is gone this fails, and so does the run: nobody trains in vain."""
    print(json.dumps(asdict(step)), flush=True)


if __name__ == "__main__":
    main()
