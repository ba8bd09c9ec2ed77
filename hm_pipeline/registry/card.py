"""The model card: what a registered version is, what it learned, how well it does, and what it is not for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.table import comparison, markdown
from hm_pipeline.frozen import Frozen

_METRICS = ("hr", "ndcg", "mrr", "coverage", "personalization", "novelty", "hr_category")


class Learned(Frozen):
    """What a fit saw."""

    first_day: date
    last_day: date
    targets: int  # training interactions
    users: int
    items: int
    digest: str  # of the samples


@dataclass(frozen=True, eq=False)
class Card:
    """All that a card tells."""

    market: str
    kind: str
    day: date  # the run date
    promoted: bool  # it becomes champion with this night
    verdict: str  # in words
    learned: Learned  # by this version; by the candidate before it was fitted again: `judged`
    judged: Learned
    arrivals: date  # the day whose users were asked
    config: Mapping[str, Any]
    exclude_seen: bool
    events: tuple[str, ...]  # that make a history
    evaluation: Evaluation  # of the candidate
    floors: Mapping[str, Evaluation]  # of the same night
    seconds: float
    price: str  # with its currency
    chosen_epochs: float | None
    with_users: bool  # it knows its users by their ids
    code: str  # revision


def model_card(card: Card) -> str:
    """The card as markdown."""
    parts = (_what, _use, _data, _quality, _limits, _loading, _configuration)
    return "\n".join([f"# {card.kind} of {card.market}, {card.day}\n", *(part(card) for part in parts)])


def _what(card: Card) -> str:
    office = "Champion from this night on" if card.promoted else "A candidate that was not promoted"
    epochs = "" if card.chosen_epochs is None else f", {card.chosen_epochs:g} epochs chosen on validation"
    return (
        f"{office}: {card.verdict}\n\n"
        f"A `{card.kind}` that lists the {card.evaluation.k} items a user is most likely to meet next "
        f"({', '.join(card.events)}). Fitted in {card.seconds:,.1f} s for {card.price}{epochs}. "
        f"Code {card.code}.\n"
    )


def _use(card: Card) -> str:
    return (
        "## Intended use\n\n"
        f"Nightly lists of recommendations for the users of {card.market}, and answers to histories of its "
        "items. Not for other markets, whose items it does not know, and not for decisions about people: it "
        "knows what was looked at, and nothing of who looked.\n"
    )


def _data(card: Card) -> str:
    lines = ["## Data\n", _learned("This version learned", card.learned)]
    if card.judged != card.learned:
        lines.append(_learned("The candidate, whose figures stand below, learned", card.judged))
    knows = "its users by id, others" if card.with_users else "nobody by id, all users"
    lines.append(f"- It knows {knows} by their histories alone.\n")
    return "\n".join(lines)


def _learned(who: str, learned: Learned) -> str:
    return (
        f"- {who} {learned.targets:,} interactions of {learned.users:,} users with {learned.items:,} items, "
        f"{learned.first_day} to {learned.last_day} (data `{learned.digest}`)."
    )


def _quality(card: Card) -> str:
    own = card.evaluation
    others = {name: e for name, e in card.floors.items() if name != card.kind}
    table = comparison({card.kind: own, **others}, metrics=[m for m in _METRICS if m in own.metrics])
    return (
        f"## Quality\n\nThe candidate, on the `{own.holdout}` arrival of each of {own.n:,} users on "
        f"{card.arrivals}, which it had not learned; lists of {own.k}, with standard errors, beside the "
        f"floors it has to beat:\n\n{markdown(table)}\n"
        f"{own.oov_rate:.1%} of these arrivals were items it had never seen, misses for everybody; "
        f"{own.cold_rate:.1%} of the users came without a history that it knows.\n"
    )


def _limits(card: Card) -> str:
    seen = (
        "No published list holds what its user had before; the loaded model leaves out the last item only"
        if card.exclude_seen
        else "Lists may repeat what was had before the last item"
    )
    return (
        "## Known limits\n\n"
        "- Measured on one day and offline: what people do next, not what a list makes them do.\n"
        "- No figure by age, region, or any other attribute of users exists: whether it serves all groups "
        "alike was not measured.\n"
        "- Items that came after its last day are never recommended, and it ages: see `longevity.png` of its "
        "day.\n"
        f"- {seen}.\n"
        "- What can no longer be bought is not in published lists; the loaded model does not know of it.\n"
    )


def _loading(card: Card) -> str:
    return (
        "## How to load it\n\n```python\n"
        f'model = mlflow.pyfunc.load_model("models:/hm-{card.market}/<version>")\n'
        'model.predict(pandas.DataFrame({"user_id": ["…"], "history": [["item", "item"]]}), '
        f'params={{"k": {card.evaluation.k}}})\n```\n'
    )


def _configuration(card: Card) -> str:
    return f"## Configuration\n\n```json\n{json.dumps(card.config, indent=1, ensure_ascii=False)}\n```\n"
