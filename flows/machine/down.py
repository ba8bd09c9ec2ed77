"""`hm down` and `hm status`."""

from rich.console import Console

from flows.machine import leftovers, supervision
from flows.machine.places import Machine, machine
from flows.machine.supervision import WORKERS, MachineError

console = Console()
PATIENCE = 60.0  # seconds that servers get to close their databases


def down() -> None:
    """End workers and their runs, then the servers, then whatever is left. Data stays. MachineError."""
    here = machine()
    if supervision.is_alive(here):
        supervision.stop(here, WORKERS)
        _end(here, WORKERS)
        supervision.shut_down(here)
        leftovers.gone(here.folder, patience=PATIENCE)
    _end(here)
    for name in ("supervisord.sock", "supervisord.pid"):
        (here.folder / name).unlink(missing_ok=True)
    left = leftovers.marked(here.folder)
    if left:
        raise MachineError("not ended: " + "; ".join(f"{p.pid} {p.command}" for p in left))
    console.print(f"nothing runs any more; the data stays in {here.folder}", soft_wrap=True)


def _end(here: Machine, part: str | None = None) -> None:
    """What supervisord's own stop left; runs that were live are set to Crashed by the next `hm up`."""
    for process in leftovers.end(here.folder, part):
        console.print(f"ended {process.pid} {process.command}", soft_wrap=True, markup=False)


def status() -> bool:
    """Print each program and where it listens; whether all of them run."""
    here = machine()
    if not supervision.is_alive(here):
        left = leftovers.marked(here.folder)
        console.print(f"nothing runs in {here.folder}: make up", soft_wrap=True)
        for process in left:
            console.print(f"left behind: {process.pid} {process.command}", soft_wrap=True, markup=False)
        return False
    found = supervision.programs(here)
    for program in found:
        mark = "[green]✓[/]" if program.state == "RUNNING" else "[red]✗[/]"
        where = here.urls.get(program.name, "")
        said = f"{program.state:<9} {program.said:<34} {where or here.log(program.name)}"
        console.print(f"{mark} {program.name:<13} {said}", soft_wrap=True, highlight=False)
    return all(program.state == "RUNNING" for program in found)
