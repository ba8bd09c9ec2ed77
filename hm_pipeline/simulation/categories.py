"""The categories and colours of the shop. Invented, in the order of magnitude of a fashion retailer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """What a category's articles have in common.

    Its demand goes with exp(swing cos(2 pi (day - peak) / 365.25) + warmth temperature): the temperature is
    the day's, in standard deviations above what the season has.
    """

    name: str
    share: float  # of the articles
    price: float  # the median
    peak: int  # day of the year with the greatest demand
    swing: float
    warmth: float


CATEGORIES = (
    Category("t-shirts", 0.12, 9.99, 190, 0.6, 0.25),
    Category("shirts", 0.08, 24.99, 120, 0.1, 0.05),
    Category("blouses", 0.08, 22.99, 130, 0.2, 0.1),
    Category("dresses", 0.10, 34.99, 170, 0.6, 0.3),
    Category("skirts", 0.05, 24.99, 160, 0.5, 0.2),
    Category("shorts", 0.04, 17.99, 185, 1.2, 0.5),
    Category("swimwear", 0.03, 19.99, 175, 1.5, 0.5),
    Category("jeans", 0.08, 39.99, 270, 0.2, -0.05),
    Category("trousers", 0.09, 29.99, 270, 0.15, -0.05),
    Category("knitwear", 0.09, 34.99, 330, 0.8, -0.3),
    Category("jackets", 0.06, 59.99, 290, 0.5, -0.25),
    Category("coats", 0.03, 99.99, 340, 1.2, -0.4),
    Category("shoes", 0.05, 49.99, 110, 0.2, 0.05),
    Category("accessories", 0.05, 12.99, 350, 0.3, -0.1),
    Category("underwear", 0.05, 9.99, 350, 0.05, 0.0),
)
COLOURS = {
    "black": 0.25,
    "white": 0.14,
    "blue": 0.13,
    "grey": 0.11,
    "beige": 0.09,
    "green": 0.08,
    "pink": 0.07,
    "red": 0.06,
    "brown": 0.04,
    "yellow": 0.03,
}
