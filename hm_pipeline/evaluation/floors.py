"""The models that everybody could run: what is not better than they are is worth nothing."""

from collections.abc import Mapping

from hm_pipeline.evaluation.evaluate import Evaluation

FLOORS = ("popularity", "repeat", "markov", "itemknn")


def best_trained(evaluations: Mapping[str, Evaluation]) -> str:
    """The best by HR of those that are no floor and were trained tonight; of all, where there is none."""
    trained = [model for model in evaluations if model not in (*FLOORS, "champion")] or list(evaluations)
    return max(trained, key=lambda model: evaluations[model].metrics["hr"].mean or 0.0)
