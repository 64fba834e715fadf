"""A program that imports a CSV in small batches until it is killed. Arguments: data dir, file, bytes of a batch."""

import sys
from pathlib import Path

import ninefold.imports.csv as source
from ninefold.imports.mapping import Mapping
from ninefold.imports.run import import_all
from ninefold.imports.source import Place


def main() -> None:
    data_dir, path = Path(sys.argv[1]), sys.argv[2]
    source.BLOCK_BYTES = int(sys.argv[3])
    mapping = Mapping(what="trades", venue="binance")
    parts = source.parts(Place(place=path, mapping=mapping))
    found = import_all(data_dir, parts, mapping, lambda: 1, lambda *_: print("batch", flush=True))
    [one] = found
    print(f"done {one.read} {one.stored} {one.there} {one.refused}", flush=True)


if __name__ == "__main__":
    main()
