"""The crash table: kill -9 of the hot process at every write, sync and send, times every fault of orders.

Arguments: `--faults "NAME;NAME"`, `--every N` (of so many cases one, another one of each fault), `--first N`, `--each` (count
the calls under each fault, not undisturbed), `--jobs N` (exchanges side by side), `--without RULE`, `--lost N` (so many inputs
of the logs' ends, as by a power loss), `--stop` (at the first wrong case), `--keep FOLDER` (for the data dirs of wrong cases),
`--into FILE` (a line for each case as it ends; points at which the file has a kill already are not gone through again). Prints
the table with counts; exit status 1 if anything is wrong.
The points are not a list: the kernel tells every such call of an undisturbed life before it is made, and the process is killed
at the first of each kind, the second ... A killed process is started again, and nobody looks at that until its script is over;
then ledger and exchange are compared. All of a case are forks of this program, which has imported what they need.
"""

from __future__ import annotations

from ninefold.services import lean


def main() -> None:
    """What the forks are of is loaded as a command would load it: a fork costs by what its parent holds."""
    lean.load("tests.torture.crash_deal").main(__doc__)


if __name__ == "__main__":
    main()
