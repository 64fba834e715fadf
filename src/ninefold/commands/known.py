"""Errors of a pipeline that a user can mend; their message is all that is shown."""

from __future__ import annotations

from ninefold.api.address import CannotListen
from ninefold.config import BadConfig
from ninefold.execution.lease import AlreadyTraded, TakenOver
from ninefold.forecast.boosters import NoOpenMP
from ninefold.journal.letgo import LetGo
from ninefold.journal.segment import Damaged, WrongVersion
from ninefold.journal.writer import DiskFull
from ninefold.market.instruments import UnknownInstrument
from ninefold.services.snapshot import WrongSnapshot
from ninefold.store.data_dir import AlreadyWritten, NoDataDir, StoreWriteFailed, WrongFormat
from ninefold.venues.es256 import NoSigner
from ninefold.venues.key_rights import KeysRefused
from ninefold.venues.refused import Refused

KNOWN: tuple[type[Exception], ...] = (
    *(AlreadyWritten, NoDataDir, StoreWriteFailed, WrongFormat, WrongVersion, WrongSnapshot, Damaged, DiskFull, LetGo),
    *(AlreadyTraded, TakenOver, KeysRefused, NoSigner),
    *(BadConfig, CannotListen, NoOpenMP, Refused, UnknownInstrument),
)
