"""What is kept on disk: Delta tables, the ledger, and the ways out of them (reader, export, SQL, data frames).

deltalake brings its own allocator (jemalloc) and up to a hundred threads, which share eight arenas; each arena keeps
what its busiest moment needed: a writer of small commits grew for its first thousand commits, then it stayed there.
jemalloc reads its settings when deltalake is loaded, so they are made here, before a module of this package loads it.
Settings that are there already come last and win.
"""

import os

_ALLOCATOR = "narenas:2,tcache_max:4096,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true"
_others = os.environ.get("_RJEM_MALLOC_CONF", "")
if _ALLOCATOR not in _others:
    os.environ["_RJEM_MALLOC_CONF"] = f"{_ALLOCATOR},{_others}".rstrip(",")
