"""The clicks of sessions, place by place: back to an earlier article, by order, or by popularity.

    with chance `returns`    one of the session's places before the current one, if its article is another
    else with chance `order` a successor of the current article, if it has any
    else                     by the day's popularity, whatever is current excepted

What is current at a session's first click is the user's last article of an earlier day. N sessions.
"""

import numpy as np

from hm_pipeline.data.arrays import Bool, Int32, Int64
from hm_pipeline.simulation.chance import Chance
from hm_pipeline.simulation.config import Simulation
from hm_pipeline.simulation.demand import Demand
from hm_pipeline.simulation.transitions import Transitions
from hm_pipeline.simulation.visits import Visits, numbered


def walk(visits: Visits, demand: Demand, rule: Transitions, config: Simulation, chance: Chance) -> Int32:
    """(T,) the article of each click."""
    items = np.zeros(int(visits.lengths.sum()), dtype=np.int32)
    longest_first = np.argsort(-visits.lengths, kind="stable")
    current = visits.before[longest_first]
    for place in range(int(visits.lengths.max(initial=0))):
        going = longest_first[: int((visits.lengths > place).sum())]
        which = numbered(visits.users[going], place)
        step = _Step(visits.tastes[going], current[: len(going)], which, chance)
        current = step.by_rule_or_popularity(demand, rule, config.order)
        if place >= 2:
            current = step.or_back(current, items, visits.starts[going], place, config.returns)
        items[visits.starts[going] + place] = current
    return items


class _Step:
    """One click of each of N sessions."""

    def __init__(self, tastes: Int32, current: Int32, which: Int64, chance: Chance) -> None:
        self.tastes, self.current, self.which, self.chance = tastes, current, which, chance

    def by_rule_or_popularity(self, demand: Demand, rule: Transitions, order: float) -> Int32:
        """(N,) the next article of those who do not go back."""
        ruled = rule.follows(self.current) & (self.chance.of("order").uniform(self.which) < order)
        found = np.empty_like(self.current)
        uniform = self.chance.of("article").uniform(self.which)
        found[ruled] = rule.draw(self.current[ruled], uniform[ruled])
        free: Bool = ~ruled
        found[free] = demand.draw(self.tastes[free], self.current[free], uniform[free])
        return found

    def or_back(self, found: Int32, items: Int32, starts: Int64, place: int, returns: float) -> Int32:
        """(N,) the same, or an article before the current one for those who go back."""
        back = np.floor(self.chance.of("where back").uniform(self.which) * (place - 1)).astype(np.int64)
        earlier = items[starts + back]
        goes = (self.chance.of("back").uniform(self.which) < returns) & (earlier != self.current)
        return np.where(goes, earlier, found)
