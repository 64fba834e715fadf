"""An S3 server on loopback, run by the environment that has moto: `python s3_server.py`. It prints its port.

One request at a time: moto looks whether an object is there and then puts it, and S3 promises that nothing comes between.
"""

from __future__ import annotations

import logging
import sys

from moto.server import create_backend_app
from werkzeug.serving import make_server


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, create_backend_app("s3"))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
