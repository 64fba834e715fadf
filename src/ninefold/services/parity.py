"""Does a run decide the same again? Its input log is played again, and every decision and fill compared.

In:  a data dir of demo, up or replay, only read.
Out: a `Report`: what was compared, what differs and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from ninefold.backtest.models import LatencyModel
from ninefold.backtest.paper import PaperVenue, SimulatedVenue
from ninefold.backtest.recorded import RecordedVenue
from ninefold.execution.mismatches import KINDS, NONE, ROWS, Mismatch, count, of_records, of_rows
from ninefold.execution.reasons import UNEXPLAINED, Changed, Difference, Known, Reasons, behind
from ninefold.execution.rules import AccountRules
from ninefold.execution.two_accounts import Standing, TwoAccounts, concerned, standings
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Balance, Equity, Fill, Order
from ninefold.market.strategy_records import Guard, LegsMoved, StrategyFailed
from ninefold.services.build import strategies_of
from ninefold.services.execute import MakeVenue
from ninefold.services.identity import Identity, identity_of
from ninefold.services.lives import Life, NoParity, Run, run_of
from ninefold.services.parity_bars import on_bars
from ninefold.services.parity_quotes import QuotedMarket
from ninefold.services.play_again import Side, Step, play
from ninefold.services.played import Played, with_found
from ninefold.services.recorded_run import RecordedRun, Stretch, stretch
from ninefold.store.ledger import LedgerReader
from ninefold.strategy.plan import Code

Progress = Callable[[str, int, int], None]
RECORDED, SIMULATED = "recorded", "simulated"
FILLS = (RECORDED, SIMULATED)


class Report(msgspec.Struct, kw_only=True):
    """recorded: with the venue's words as they were; simulated: with the fills of the simulated market, None if it was not asked
    for; bars: back-tests on the run's bars. notes: what is not as it was when the run was made.
    """

    run: str
    lives: int
    equity: int | None
    notes: list[str]
    recorded: Played | None = None
    simulated: Played | None = None
    bars: Played | None = None

    def played(self) -> dict[str, Played]:
        """By whose fills, those that were asked for."""
        ways = {RECORDED: self.recorded, SIMULATED: self.simulated, "bars": self.bars}
        return {name: played for name, played in ways.items() if played is not None}

    @property
    def differences(self) -> list[Difference]:
        return [one for played in self.played().values() for one in played.differences]

    @property
    def unexplained(self) -> int:
        return sum(one.reason == UNEXPLAINED for one in self.differences)


def parity(data_dir: Path, progress: Progress, fills: Sequence[str] = FILLS) -> Report:
    """fills: whose, of FILLS.

    raises: NoDataDir, WrongFormat, NoParity, UnreadableIdentity, BadConfig, Damaged.
    """
    run = run_of(data_dir)
    ledger = [event for event in LedgerReader(data_dir).events() if event.seq <= run.end.ledger_seq]
    recorded = RecordedRun(data_dir, lambda done, total: progress("stream log", done, total))
    sides = [Side(partial(recorded_venue, ledger)), Side(partial(_simulated_venue, ledger))]
    comparing = _Comparing(recorded)
    accounts = TwoAccounts(recorded.registry)
    stood: dict[tuple[int, int], Standing] = {}
    quoted = QuotedMarket(run)
    for step in play(run, sides[: 1 + (SIMULATED in fills)]):
        comparing.step(step)
        quoted.see(step)
        _look_at_accounts(accounts, stood, sides, step)
    comparing.end(run, ledger, sides[0].events)
    known, notes = _known(run)
    again = comparing.played(known, _equity(sides[0].events))
    apart = again.differences[0] if again.differences else None
    report = Report(run=str(data_dir), lives=len(run.lives), equity=_equity(ledger), notes=notes)
    report.recorded = again if RECORDED in fills else None
    report.bars = with_found(
        on_bars(run, recorded, stood, ledger, known), quoted.against_back_tests(ledger, recorded.registry)
    )
    report.bars.differences = behind(report.bars.differences, apart)
    if SIMULATED in fills:
        report.simulated = _simulated(accounts, _equity(sides[1].events))
        report.simulated.differences = behind(report.simulated.differences, apart)
    return report


class _Comparing:
    """What comes of the inputs against what the run recorded."""

    def __init__(self, recorded: RecordedRun) -> None:
        self._recorded = recorded
        self._compared: Counter[str] = Counter()
        self._mismatches: list[Mismatch] = []
        self._covered = 0

    def step(self, step: Step) -> None:
        chunk = step.chunks[0]
        after_seq, until_seq = max(step.streamed[0], self._covered), min(chunk.last_seq, step.streamed[1])
        if until_seq > after_seq:
            self._covered = until_seq
            self._compare(stretch(chunk, after_seq, until_seq), until_seq)

    def end(self, run: Run, ledger: list[AnyRecord], again: list[AnyRecord]) -> None:
        """raises: NoParity if the stream log is damaged."""
        self._compare(stretch(Chunk(0, 0, 0), 0, 0), run.end.stream_seq)
        if self._recorded.log.problem:
            raise NoParity(f"the stream log cannot be read: {self._recorded.log.problem}; `ninefold verify` says more")
        told = _of_account(ledger)
        self._compared += count(told)
        self._mismatches += of_records(told, _of_account(again))

    def played(self, known: Known, equity: int | None) -> Played:
        found = Reasons(known, self._recorded.registry).explain(sorted(self._mismatches, key=_order))
        differ = Counter(one.kind for one in found if one.run != NONE)
        compared = {kind: self._compared[kind] for kind in KINDS}
        same = {kind: number - differ[kind] for kind, number in compared.items()}
        return Played(compared=compared, same=same, differences=found, equity=equity)

    def _compare(self, again: Stretch, until_seq: int) -> None:
        told = self._recorded.until(until_seq)
        for kind, (name, _) in ROWS.items():
            self._compared[name] += len(told.rows[kind])
            self._mismatches += of_rows(kind, told.rows[kind], again.rows[kind])
        self._compared.update(count(told.records))
        self._mismatches += of_records(told.records, again.records)


def _look_at_accounts(
    accounts: TwoAccounts, stood: dict[tuple[int, int], Standing], sides: Sequence[Side], step: Step
) -> None:
    """How the accounts stand after a chunk, unless the next life made it again."""
    seq, known_ns = step.chunks[0].last_seq, step.chunks[0].known_ns
    if not step.booked[0] < seq <= step.booked[1]:
        return
    pairs = [(side.execute.core, chunk) for side, chunk in zip(sides, step.chunks, strict=False)]
    instruments = {one for core, chunk in pairs for one in concerned(core, chunk)}
    found = [standings(core, chunk, instruments) for core, chunk in pairs]
    told = set(step.chunks[0].rows("targets")["instrument"].tolist())
    stood.update({(one, seq): standing for one, standing in found[0].items() if one in told or standing.order})
    if len(found) > 1:
        accounts.show(step.chunks[0])
        accounts.decide(seq, known_ns, found[0], found[1], step.chunks)


def _simulated(accounts: TwoAccounts, equity: int | None) -> Played:
    fills, fills_same = accounts.fills()
    return Played(
        compared={"order": accounts.decisions, "fill": fills},
        same={"order": accounts.decisions_same, "fill": fills_same},
        differences=accounts.differences(),
        equity=equity,
    )


def _simulated_venue(ledger: list[AnyRecord], life: Life) -> MakeVenue:
    """A paper account that begins with what the venue first told of the real one."""
    latency = life.identity.latency if life.identity else LatencyModel()
    opening: dict[str, int] = {}
    for event in ledger:
        if isinstance(event, Balance):
            opening.setdefault(event.asset, event.free + event.locked)

    def make(rules: AccountRules, registry: Registry) -> SimulatedVenue:
        opened = rules if rules.simulated else msgspec.structs.replace(rules, balances=opening)
        return PaperVenue(opened, registry, latency=latency)

    return make


def recorded_venue(ledger: list[AnyRecord], life: Life) -> MakeVenue | None:
    """A paper account's venue speaks from the ledger, a real one from the journal."""
    if life.config.account.orders == "exchange":
        return None
    return lambda rules, registry: RecordedVenue(ledger)


def _of_account(events: list[AnyRecord]) -> list[AnyRecord]:
    return [event for event in events if isinstance(event, StrategyFailed | Guard | LegsMoved | Order | Fill)]


def _order(one: Mismatch) -> tuple[int, int]:
    """By input, then as the chain makes things."""
    return one.seq, KINDS.index(one.kind)


def _equity(events: list[AnyRecord]) -> int | None:
    return next((event.value for event in reversed(events) if isinstance(event, Equity)), None)


# what is known of the run that may explain a difference


def _known(run: Run) -> tuple[Known, list[str]]:
    crashes, changed, notes = [], [], []
    for number, life in enumerate(run.lives):
        begun = life.begun
        if begun.from_seq < begun.journal_seq:
            crashes.append((min(begun.ledger_seq, begun.stream_seq), begun.journal_seq))
        if life.identity is None:
            notes.append(f"life {number + 1} does not say what it was made with: the newest settings are taken for it")
            continue
        now = identity_of(life.config, run.data_dir, life.identity.latency)
        difference = _changed(life.identity, now)
        changed.append((begun.journal_seq + 1, difference))
        notes += [f"life {number + 1}: {text}" for text in _words(difference)]
    notes += [f"the journal lacks the inputs {first:,} to {last:,}" for first, last in run.missing]
    free = {plan.name for life in run.lives for plan in strategies_of(life.config) if isinstance(plan.wants, Code)}
    return Known(run.missing, crashes, changed, frozenset(free)), list(dict.fromkeys(notes))


def _changed(then: Identity, now: Identity) -> Changed:
    strategies = {
        name: f"{name} was {formula}, it is {now.strategies.get(name, 'no more')}"
        for name, formula in then.strategies.items()
        if now.strategies.get(name) != formula
    }
    code = (
        "" if then.code == now.code else f"the program was {then.program} {then.code}, it is {now.program} {now.code}"
    )
    model = "" if then.model == now.model else f"the forecast model was {then.model or NONE}, it is {now.model or NONE}"
    return Changed(code, model, strategies)


def _words(changed: Changed) -> list[str]:
    return [text for text in (changed.code, changed.model, *changed.strategies.values()) if text]
