"""`python -m ninefold.simulator`: see `server.main`."""

import sys

from ninefold.simulator.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
