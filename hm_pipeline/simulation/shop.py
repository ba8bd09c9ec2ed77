"""The shop, and what a day of it begins with. V items, U users, S successors.

A day depends on the days before it by two arrays, `State`. Everything else is a function of the arguments
and of the day's number, so a run that was killed goes through the days again, without writing those that
are there, and comes to the same state.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from hm_pipeline.data.arrays import Bool, Float64, Int32, Int64
from hm_pipeline.data.days import start_of
from hm_pipeline.simulation.assortment import Assortment, assortment
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.clientele import Clientele, clientele
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.demand import NOBODY, Demand, demand
from hm_pipeline.simulation.measured import mean_length
from hm_pipeline.simulation.transitions import Transitions, successors, transitions
from hm_pipeline.simulation.visits import Visits, session_lengths
from hm_pipeline.simulation.weather import temperatures


@dataclass(frozen=True, eq=False)
class Shop:
    """What does not change from day to day."""

    config: Simulation
    chance: Chance
    items: Assortment
    users: Clientele
    successors: Int32  # (V, S)
    temperatures: Float64  # (days,)


@dataclass(frozen=True, eq=False)
class State:
    """What a day leaves to the next; the arrays are written to while the day is walked."""

    last: Int32  # (U,) each user's last article, or NOBODY
    sold: Int64  # (V,)


@dataclass(frozen=True, eq=False)
class Day:
    """One day as it begins."""

    number: int
    when: date
    live: Bool  # (V,)
    demand: Demand
    rule: Transitions
    visits: Visits
    chance: Chance
    begin: int  # milliseconds since 1970
    length: int  # milliseconds: 23, 24 or 25 hours


def open_shop(config: Simulation) -> Shop:
    """The shop of these arguments."""
    chance = Chance(f"shop {config.seed}")
    items = assortment(config, chance.of("items"))
    return Shop(
        config,
        chance,
        items,
        clientele(config, chance.of("users")),
        successors(items, chance.of("successors")),
        temperatures(config.days, chance.of("weather")),
    )


def opening(shop: Shop) -> State:
    """Nobody has been here and nothing is sold."""
    return State(np.full(len(shop.users), NOBODY, np.int32), np.zeros(len(shop.items), np.int64))


def day_of(shop: Shop, number: int, state: State) -> Day:
    """The day of this number, after those before it left `state`."""
    when, zone, items = shop.config.date_of(number), shop.config.timezone, shop.items
    chance = shop.chance.of("day", number)
    begin, end = (_milliseconds(when + timedelta(days=n), zone) for n in (0, 1))
    live = items.live(number, state.sold)
    return Day(
        number=number,
        when=when,
        live=live,
        demand=demand(items, shop.users, number, when, float(shop.temperatures[number]), live),
        rule=transitions(shop.successors, live),
        visits=_visits(shop, number, state, chance),
        chance=chance,
        begin=begin,
        length=end - begin,
    )


def _visits(shop: Shop, number: int, state: State, chance: Chance) -> Visits:
    expected = shop.config.interactions * shop.config.day_shares()[number] / mean_length()
    comes = shop.users.comes(float(expected), chance.of("comes").uniform(np.arange(len(shop.users))))
    users = np.flatnonzero(comes).astype(np.int32)
    lengths = session_lengths(users, chance.of("length"))
    return Visits(users, shop.users.taste[users], state.last[users], lengths)


def _milliseconds(day: date, zone: str) -> int:
    return round(start_of(day, zone).timestamp() * 1000)
