"""An item profile in a sentence."""

from hm_pipeline.evaluation.item_profile import ItemProfile

_SAYING = {
    "popularity": "are interacted with {times} times as often",
    "price": "cost {times} times as much",
    "age": "are {times} times as old",
}


def profile_words(model: str, profile: ItemProfile) -> str:
    """'The items of lstm cost 0.5 times as much as …'; empty where nothing can be compared."""
    compared = [(trait.name, trait.against_catalogue) for trait in profile.traits]
    said = [
        _SAYING.get(name, f"have {{times}} times the {name}").format(times=_times(ratio))
        for name, ratio in compared
        if ratio is not None
    ]
    who = "the champion" if model == "champion" else model
    return f"The items that {who} lists {_joined(said)} as the mean item." if said else ""


def _times(ratio: float) -> str:
    """Two digits that count."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2g}"


def _joined(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
