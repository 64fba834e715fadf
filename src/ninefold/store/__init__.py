"""What is kept on disk: Delta tables, the ledger, and the ways out of them (reader, export, SQL, data frames).

deltalake brings its own allocator (jemalloc) and some hundred threads. By default these share eight arenas, each of
which keeps what its busiest moment needed, so a writer of small commits grows for half an hour. It reads its settings
when it is loaded, so they are made here, before any module of this package loads it; an operator's own count.
"""

import os

os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,tcache_max:4096,dirty_decay_ms:2000")
