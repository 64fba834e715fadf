"""An S3 server on loopback, run by the environment that has moto: `python s3_server.py`. It prints its port.

One request at a time: moto looks whether an object is there and then puts it, and S3 promises that nothing comes between. But
many connections: a client may open one ahead and say nothing on it for long, and no other must wait for that.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from typing import Any

from moto.server import create_backend_app
from werkzeug.serving import make_server


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto, turn = create_backend_app("s3"), threading.Lock()

    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        with turn:
            return list(moto(environ, start_response))

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
