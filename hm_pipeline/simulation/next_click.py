"""The true chances of the next click: what `walk` draws from, written down. N clicks, V items.

    P(j) = returns n_j / (places before the current one)        where j is not the current article
         + the rest of the chance x (order x rule(j) + (1 - order) x popularity(j))

n_j: the times that j stands at those places; the rule's part goes to popularity where nothing follows.
"""

import numpy as np

from hm_pipeline.data.arrays import Float64, Int32, Int64
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.shop import Day


def next_click(config: Simulation, day: Day, items_T: Int32, at_N: Int64) -> Float64:
    """(N, V) the chances of these clicks among the day's, before they are known.

    `items_T` are the day's clicks as `walk` returns them; of these only what stands before a click in its
    session is looked at.
    """
    session, place = day.visits.owner[at_N], day.visits.place[at_N]
    current = np.where(place > 0, items_T[at_N - 1], day.visits.before[session]).astype(np.int32)
    back = config.returns * _back(items_T, at_N, place, current, day.live.shape[0])
    ruled = np.where(day.rule.follows(current), config.order, 0.0)[:, None]
    forward = ruled * _ruled(day, current) + (1 - ruled) * _popular(day, session, current)
    chances: Float64 = back + (1 - back.sum(axis=1, keepdims=True)) * forward
    return chances


def _popular(day: Day, session: Int64, current: Int32) -> Float64:
    """(N, V) the day's popularity in each user's taste, the current article excepted."""
    weights: Float64 = day.demand.weights[day.visits.tastes[session]]
    known = np.flatnonzero(current >= 0)
    weights[known, current[known]] = 0  # rows of their own: indexing copied them
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _ruled(day: Day, current: Int32) -> Float64:
    """(N, V) the rule's successors by their weights; zeros where nothing follows."""
    weights = day.rule.weights[current] * day.rule.follows(current)[:, None]
    chances = np.zeros((len(current), len(day.live)))
    rows = np.repeat(np.arange(len(current)), weights.shape[1])
    np.add.at(chances, (rows, day.rule.successors[current].ravel()), weights.ravel())
    chances /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return chances


def _back(items_T: Int32, at_N: Int64, place_N: Int64, current: Int32, size: int) -> Float64:
    """(N, V) shares of the places before the current one, without those of the current article."""
    places = np.maximum(place_N - 1, 0)
    rows = np.repeat(np.arange(len(at_N)), places)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(places) - places, places)
    earlier = items_T[(at_N - place_N)[rows] + within]
    shares = (earlier != current[rows]) / places[rows]
    chances = np.zeros((len(at_N), size))
    np.add.at(chances, (rows, earlier), shares)
    return chances
