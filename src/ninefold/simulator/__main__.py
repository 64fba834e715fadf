"""`python -m ninefold.simulator`: see `server.main`.

Nothing of what is loaded is garbage, so nothing is looked through for some, neither meanwhile nor later. The exchange calls
nobody, so nobody's certificates are read, which its web server's library does when it is loaded.
"""

import gc
import importlib
import os
import sys

if __name__ == "__main__":
    gc.disable()
    os.environ["SSL_CERT_FILE"] = os.devnull
    main = importlib.import_module("ninefold.simulator.server").main
    gc.freeze()
    gc.enable()
    sys.exit(main(sys.argv[1:]))
