"""freqtrade's own qtpylib, in its own process: `PYTHON_OF_FREQTRADE peer_qtpylib.py BARS.json OUT.json`."""

import json
import sys
from pathlib import Path

import pandas as pd
from calls import answers
from technical import qtpylib

bars = pd.DataFrame(json.loads(Path(sys.argv[1]).read_text()))
Path(sys.argv[2]).write_text(json.dumps(answers(qtpylib, bars)))
