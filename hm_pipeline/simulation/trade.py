"""A day of the shop, walked: its clicks in parts, while the state goes on."""

from collections.abc import Iterator

import numpy as np

from hm_pipeline.simulation.assortment import PURCHASES
from hm_pipeline.simulation.bots import bot_clicks, bot_lengths
from hm_pipeline.simulation.clicks import NO_CLICKS, Clicks, joined
from hm_pipeline.simulation.shop import Day, Shop, State
from hm_pipeline.simulation.visits import Visits, cut, times
from hm_pipeline.simulation.walk import walk

PART = 500_000  # clicks of a file, at most
CHUNK = 100_000  # clicks that are worked on at once, at most: it changes no result


def parts(shop: Shop, day: Day, state: State, chunk: int = CHUNK) -> Iterator[Clicks]:
    """The day's clicks, each part at most PART; people first, then bots. One part of none where none came."""
    for rows in cut(day.visits.lengths, PART):
        yield joined([*_people(shop, day, state, day.visits.take(rows), chunk)])
    lengths = bot_lengths(shop.config.bots, day.chance.of("bots"))
    for rows in cut(lengths, PART):
        yield joined([_bot(shop, day, bot, int(lengths[bot])) for bot in range(rows.start, rows.stop)])
    if not len(day.visits) + len(lengths):
        yield NO_CLICKS  # a day without a file is a day that is missing


def _people(shop: Shop, day: Day, state: State, visits: Visits, chunk: int) -> Iterator[Clicks]:
    for rows in cut(visits.lengths, chunk):
        some = visits.take(rows)
        items = walk(some, day.demand, day.rule, shop.config, day.chance.of("walk"))
        bought = day.chance.of("purchase").uniform(some.which) < PURCHASES
        state.last[some.users] = items[some.starts + some.lengths - 1]
        state.sold[:] += np.bincount(items[bought], minlength=len(shop.items))
        at = day.begin + times(some, day.length, day.chance.of("times"))
        yield Clicks(some.users[some.owner], items, at, bought)


def _bot(shop: Shop, day: Day, bot: int, clicks: int) -> Clicks:
    user = len(shop.users) + bot  # an id as everybody's, and no row in the table of users
    return bot_clicks(user, clicks, day.live, day.begin, day.length, day.chance.of("bot"))
