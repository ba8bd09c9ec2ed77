"""`python -m drill`: break a machine of one's own in every way on the list, and see whether it heals.

A JSON line a fault in drill.jsonl; exit status 1 if one was not survived.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from drill.fault import Fault, Injury
from drill.faults import FAULTS
from drill.inject import Line, inject
from drill.stand import NIGHT_SECONDS, Stand, stand


def main() -> int:
    """0 where every fault was survived."""
    options = _options()
    by_name = {fault.name: fault for fault in FAULTS}
    chosen = [by_name[name] for name in options.only or by_name]
    if options.list:
        for fault in chosen:
            print(f"{fault.name:<24}{fault.sentence}")
        return 0
    folder = Path(options.folder or tempfile.mkdtemp(prefix="hm-drill-"))
    begun = time.monotonic()
    try:
        lines = _drilled(folder, chosen, options.out)
    finally:
        if options.keep:
            print(f"everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return _summary(lines, (time.monotonic() - begun) / 60)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m drill", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=[f.name for f in FAULTS],
        help="this fault; may be given again",
    )
    parser.add_argument("--list", action="store_true", help="name all faults and end")
    parser.add_argument("--keep", action="store_true", help="leave logs and databases to look at")
    parser.add_argument("--folder", help="where the machine lies; a short path (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=Path("drill.jsonl"), help="a line a fault")
    return parser.parse_args()


def _drilled(folder: Path, chosen: list[Fault], out: Path) -> list[Line]:
    lines: list[Line] = []
    with stand(folder) as here, out.open("w", encoding="utf-8") as file:
        for fault in (Fault("undisturbed", undisturbed, days=2), *chosen):
            told = inject(here, fault)
            for line in told:
                file.write(json.dumps(line) + "\n")
                file.flush()
                print(_told(line), flush=True)
            if fault.name == "undisturbed" and not told[0]["survived"]:
                raise SystemExit(f"two undisturbed nights are not what they should be: {told[0]['wrong']}")
            lines += told if fault.name != "undisturbed" else []
    return lines


def undisturbed(here: Stand, days: list[date]) -> list[Injury]:
    """Two nights are left alone: their lists and champion are those of the same nights in one process."""
    here.struck()
    for day in days:
        run = here.night(day)
        ended = here.prefect.ended(run, NIGHT_SECONDS)
        assert ended == "COMPLETED", here.prefect.told(run)
    return [Injury("nothing", "", ended)]


def _told(line: Line) -> str:
    mark = {True: "✓", False: "✗", None: "-"}[line["survived"]]
    seconds = line.get("seconds_until_healthy", 0)
    said = f"{mark} {line['fault']:<22} {line['broken']} · {line['when']} · {seconds:g} s"
    return f"{said} · {', '.join(line['healed_by'])}" + "".join(f"\n    {one}" for one in line["wrong"])


def _summary(lines: list[Line], minutes: float) -> int:
    injected = [line for line in lines if line["survived"] is not None]
    survived = [line for line in injected if line["survived"]]
    skipped = len(lines) - len(injected)
    print(
        f"{len(injected)} faults injected, {len(survived)} survived, {skipped} skipped; {minutes:.0f} minutes"
    )
    return 0 if len(survived) == len(injected) else 1


if __name__ == "__main__":
    sys.exit(main())
