"""The table a run ends with, and its figures."""

import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import run

import numpy as np
import pytest

from hm_pipeline.errors import ModelError
from hm_pipeline.evaluation.estimate import Estimate
from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.plots import comparison_figure, learning_curves
from hm_pipeline.evaluation.table import Cost, Row, Table, comparison, lower_is_better, markdown


def evaluation(question: str = "abc", **metrics: Estimate) -> Evaluation:
    hits = np.zeros(3, np.float32)
    return Evaluation("SE", "next_day", "first", 14, question, 0, 0, metrics, hits, hits)


def e(mean: float | None, se: float | None = None) -> Estimate:
    return Estimate(mean=mean, se=se)


FLOOR = evaluation(hr=e(0.111, 0.003), overlap=e(0.9, 0.01), overlap_colour=e(0.5), novelty=e(7.6, 0.02))
MODEL = evaluation(hr=e(0.166, 0.004), overlap=e(0.2, 0.01), overlap_colour=e(0.6), novelty=e(None))
BOTH = {"popularity": FLOOR, "lstm": MODEL}


def row(table: Table, metric: str) -> Row:
    return next(r for r in table.rows if r.metric == metric)


def best(table: Table, metric: str) -> list[str]:
    return [m for m, cell in zip(table.models, row(table, metric).cells, strict=True) if cell.best]


def test_the_best_is_the_highest_but_the_lowest_overlap() -> None:
    table = comparison(BOTH)
    assert best(table, "hr") == ["lstm"]
    assert best(table, "overlap") == ["lstm"]
    assert best(table, "overlap_colour") == ["popularity"]


def test_ties_are_all_best() -> None:
    assert best(comparison({"a": MODEL, "b": MODEL, "c": FLOOR}), "hr") == ["a", "b"]


def test_where_all_are_equal_none_is_best() -> None:
    assert best(comparison({"a": MODEL, "b": MODEL}), "hr") == []


def test_lower_is_better_for_overlap_and_lists_that_are_empty_or_short_only() -> None:
    metrics = [
        "hr",
        "coverage_category",
        "novelty",
        "overlap",
        "overlap_category",
        "empty_lists",
        "short_lists",
    ]
    assert [m for m in metrics if lower_is_better(m)] == metrics[3:]


def test_cells_say_shares_in_per_cent_and_novelty_in_nats_with_their_errors() -> None:
    table = comparison(BOTH)
    assert [c.text for c in row(table, "hr").cells] == ["11.10% ±0.30", "16.60% ±0.40"]
    assert [c.text for c in row(table, "novelty").cells] == ["7.60 ±0.02", "-"]  # the other has none


def test_costs_stand_below_unmarked() -> None:
    table = comparison(BOTH, {"lstm": Cost(seconds=61.23, peak_mb=1812)})
    assert [r.metric for r in table.rows[-2:]] == ["seconds", "peak MB"]
    assert [c.text for c in table.rows[-2].cells] == ["-", "61.2"]
    assert [c.text for c in table.rows[-1].cells] == ["-", "1,812"]
    assert not any(c.best for r in table.rows[-2:] for c in r.cells)


def test_markdown_has_a_column_a_model_and_the_best_in_bold() -> None:
    lines = markdown(comparison(BOTH, metrics=["hr"])).splitlines()
    assert lines == [
        "| metric | popularity | lstm |",
        "| --- | ---: | ---: |",
        "| hr | 11.10% ±0.30 | **16.60% ±0.40** |",
    ]


def test_models_that_were_asked_differently_are_not_compared() -> None:
    with pytest.raises(ModelError, match="asked differently"):
        comparison({"a": FLOOR, "b": evaluation("other", hr=e(0.5))})


@dataclass(frozen=True)
class Epoch:
    epoch: float
    loss: float
    validation_hr: float | None


def is_png(file: Path) -> bool:
    return file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and file.stat().st_size > 5000


def test_the_figures_are_written_without_pyplot(tmp_path: Path) -> None:
    with_nulls = BOTH | {"new": evaluation(hr=e(0.1), coverage=e(None), personalization=e(0.5, 0.1))}
    assert is_png(comparison_figure(with_nulls, tmp_path / "figures" / "comparison.png"))
    epochs = [Epoch(0.5, 5.0, None), Epoch(1, 4.0, 0.1)]
    assert is_png(learning_curves({"lstm": epochs, "popularity": []}, tmp_path / "curves.png"))
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_matplotlib_is_loaded_only_where_a_figure_is_drawn() -> None:
    said = "import sys, hm_pipeline.evaluation.plots; sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    assert run([sys.executable, "-c", said], check=False).returncode == 0
