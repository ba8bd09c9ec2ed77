"""All faults, in the order in which they are injected."""

from drill.fault import Fault
from drill.faults import children, kills, order, servers, storage

FAULTS: tuple[Fault, ...] = (
    *kills.FAULTS,
    *children.FAULTS,
    *storage.FAULTS,
    *order.FAULTS,
    *servers.FAULTS,
)
