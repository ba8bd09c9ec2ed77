"""What the columns of the table are called, and what each means in a line (docs/definitions.md)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A metric for a reader who did not write it."""

    title: str
    meaning: str
    unit: str = "%"


METRIC_WORDS = {
    "hr": Words("HR", "Hit ratio: share of the users asked whose next item stands in their list."),
    "precision": Words("precision", "Share of a list's places that hold the user's next item."),
    "ndcg": Words("NDCG", "As HR, but a hit at rank r counts 1/log2(r + 1): the higher, the more."),
    "mrr": Words("MRR", "As HR, but a hit at rank r counts 1/r."),
    "coverage": Words("coverage", "Share of all items that somebody is shown."),
    "overlap": Words("overlap", "1 - different lists / users: lower is more personal."),
    "personalization": Words(
        "personalization", "1 - mean cosine similarity of two users' lists: higher is more personal."
    ),
    "novelty": Words(
        "novelty", "Mean of -ln of an item's share of the interactions: higher is less popular.", "nats"
    ),
    "novelty_sales": Words("novelty, sales", "The same, by an item's share of the purchases.", "nats"),
    "empty_lists": Words("empty lists", "Share of users for whom the model has no list."),
    "short_lists": Words("short lists", "Share of users with a list that is not full."),
    "seconds": Words("training", "Wall-clock time of the fit.", "s"),
    "peak MB": Words("memory", "Peak memory of the process that fitted.", "MB"),
}


def words(metric: str) -> Words:
    """The words of a metric, its bare name where it has none."""
    return METRIC_WORDS.get(metric, Words(metric, "", ""))
