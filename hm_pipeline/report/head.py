"""The head of the page: the night in a sentence, and its key facts."""

from collections.abc import Iterator

from hm_pipeline.report.outcome import Outcome


def standing(outcome: Outcome) -> str:
    """Who is champion from here on."""
    ref = outcome.champion
    if outcome.overtaken:
        return "An older day: nothing moves"
    if ref is None:
        return "No champion yet"
    fresh = f"Tonight's {ref.kind} is champion"
    return fresh if outcome.promoted else f"{ref.kind} of {ref.day} stays champion"


def in_short(outcome: Outcome) -> str:
    """How many of a hundred users the champion and the night's best served; empty where nobody came."""
    ratios = {model: 100 * ratio for model, ratio in outcome.hit_ratios.items()}
    if not ratios:
        return ""
    best = max(ratios, key=lambda model: ratios[model])
    own = outcome.own if outcome.own in ratios else best
    who, other = _called(own, outcome), _called(best, outcome)
    places = f" {outcome.places}" if outcome.places else ""
    found = f"{ratios[own]:.0f} found their next item among the{places} that {who} listed"
    said = f"Of every 100 users asked, {found}"
    if own == best:
        return f"{said}, the most of the night."
    if f"{ratios[own]:.0f}" == f"{ratios[best]:.0f}":
        return f"{said}, about as many as with {other}, the best of the night."
    return f"{said}; with {other}, the best of the night, {ratios[best]:.0f}."


def _called(model: str, outcome: Outcome) -> str:
    """`champion` is who was in office before."""
    if model != "champion":
        return model
    return "the champion before it" if outcome.promoted else "the champion"


def facts(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """(what, its figure, what that means)."""
    ref, shown = outcome.champion, outcome.published_hr
    if outcome.overtaken:
        yield "Champion", "as it was", "a newer day is decided already"
    elif ref is None:
        yield "Champion", "none", "nobody answers: no lists are published"
    else:
        yield "Champion", ref.kind, f"of {ref.day}, version {ref.version}"
    if shown is None:
        yield "Met by last night's lists", "none", "no lists of that day, or nobody came"
    else:
        yield "Met by last night's lists", f"{shown:.1%}", "of the first visits of the day before"
    yield "Users asked", f"{outcome.users_asked:,}", "all who came on the day before"
    price = f"{outcome.price:.4f} {outcome.currency}"
    yield "Training cost", price, f"all candidates, profile {outcome.profile}"
