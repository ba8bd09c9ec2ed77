"""What was measured in public logs, once, and is kept here as parameters; the logs are not needed.

    log                                    sessions or users        what was taken from it
    UCI e-shop, clothing, 2008             24,026 sessions          session length, weekdays, returns, prices
    The Complete Journey 2.0, 2017         2,469 households         popularity, how often a person comes
    bol.com's example of Serenade, 2020    24,385 sessions          seconds between clicks, hours of the day

A lognormal variable is exp(median + spread z) here, z standard normal.
"""

import math

# Clicks a session, rounded down and at least one. Model and e-shop: quantiles 10% to 90% 1 2 4 8 16 in both,
# 99% at 45 and 42, mean 6.9 in both, sessions of one click 21% in both.
LENGTH_MEDIAN, LENGTH_SPREAD = 1.5, 1.0
LONGEST = 200  # clicks; the longest real session has 195

# Days on which a person comes: baskets a household and year have a log spread of 1.13. Of the days with a
# basket 82% have one, so one session a day is all there is here.
ACTIVITY_SPREAD = 1.13

# A lognormal law with spread s gives the best share q of the items Phi(s + Phi^-1(q)) of the clicks. From the
# best 1, 5, 10, 25 and 50% of the grocer's items follow s = 1.85, 1.84, 1.87, 1.93 and 1.86; from those of
# YooChoose's last five days 2.1, 2.2, 2.1, 2.0, 1.8.
# Nothing draws from it: `assortment` has a spread of appeal that brings clicks near it, which a test holds.
POPULARITY_SPREAD = 1.86

# Seconds between two clicks: quantiles 10% to 90% are 6, 16, 50, 150, 399 in the log and 6, 17, 48, 142, 371
# in the model; 0.3% of the log's are longer than half an hour.
GAP_MEDIAN, GAP_SPREAD = 3.88, 1.59
SHORTEST_GAP, LONGEST_GAP = 1.0, 1800.0

# Clicks at place 3 or later of a session that go back to an earlier article: e-shop 8%, YooChoose 18%.
RETURNS = 0.1

# Of the day's sessions, those that begin in each local hour.
HOURS = (19, 8, 5, 3, 2, 3, 7, 17, 29, 44, 53, 56, 61, 64, 64, 63, 63, 57, 57, 68, 76, 78, 63, 40)

# Clicks of a day against the mean day, Monday first.
WEEKDAYS = (1.09, 1.17, 1.14, 1.09, 0.98, 0.72, 0.81)

# Log spread of prices within a category: 0.21 to 0.31.
PRICE_SPREAD = 0.28


def mean_length() -> float:
    """Clicks a session, expected: the sum over n of the chance that it has n or more."""
    return 1 + sum(_at_least(n) for n in range(2, LONGEST + 1))


def _at_least(clicks: int) -> float:
    return 0.5 * math.erfc((math.log(clicks) - LENGTH_MEDIAN) / LENGTH_SPREAD / math.sqrt(2))
