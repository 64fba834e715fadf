"""Write dashboards/ninefold.json: the Grafana dashboard, from code.

In:  the panels below; each names its queries over the metrics of src/ninefold/api/metrics.py.
Out: the JSON that Grafana imports or is provisioned with. Run it again after a change and commit both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from grafana_foundation_sdk.builders import common, prometheus, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

TARGET = Path(__file__).parent.parent / "dashboards" / "ninefold.json"
UID = "ninefold"
DATASOURCE = DataSourceRef(type_val="prometheus", uid="ninefold-prometheus")  # as in dashboards/provisioning
HEIGHT, WIDTH = 8, 8  # three panels beside each other on Grafana's 24 columns


@dataclass(frozen=True)
class Query:
    """expr: PromQL; legend: Grafana's pattern of labels, for example {{strategy}}."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """unit: a unit of Grafana, such as s, ns, ops, percentunit; `none` for a plain number."""

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]


def rate(metric: str, legend: str) -> Query:
    return Query(f"sum(rate({metric}[$__rate_interval]))", legend)


def quantiles(metric: str, by: str = "") -> tuple[Query, ...]:
    """p50 and p99 of a histogram, for each value of the label `by`, if one is named."""
    labels = f"le, {by}" if by else "le"
    name = f" {{{{{by}}}}}" if by else ""
    buckets = f"sum by ({labels}) (rate({metric}_bucket[$__rate_interval]))"
    return tuple(
        Query(f"histogram_quantile({share}, {buckets})", f"p{of}{name}") for share, of in ((0.5, 50), (0.99, 99))
    )


SERIES = 'instrument="$instrument", timeframe="$timeframe"'
ROWS: dict[str, tuple[Panel, ...]] = {
    "Indicators": (
        Panel("Price", "none", "The newest trade, in quote units.", (
            Query('ninefold_last_price{instrument="$instrument"}', "{{instrument}}"),
        )),
        Panel("Indicators", "none", "As computed at the close of each bar, in quote and base units.", (
            Query(f'ninefold_indicator{{{SERIES}, term=~"$term"}}', "{{term}}"),
        )),
        Panel("Bars and values a second", "ops", "Finished or restated bars, and values computed from them.", (
            rate("ninefold_bars_total", "bars"), rate("ninefold_indicators_total", "values"),
        )),
    ),
    "Signals": (
        Panel("Targets", "none", "What each strategy would like to hold, from -1 to 1.", (
            Query('ninefold_target{instrument="$instrument"}', "{{strategy}} {{timeframe}}"),
        )),
        Panel("Forecast", "percentunit", "Mean of the log return over the next bars.", (
            Query('ninefold_forecast_mean{instrument="$instrument"}', "{{timeframe}}, {{horizon}} bars"),
        )),
        Panel("MAY and HAS", "none", "Messages of the last five minutes.", (
            Query("sum(increase(ninefold_may_total[5m]))", "MAY"),
            Query("sum(increase(ninefold_may_scored_total[5m]))", "MAY scored"),
            Query("sum(increase(ninefold_has_total[5m]))", "HAS"),
        )),
        Panel("Brier score of MAY", "none", "Lower is better; of use only below the base rate's.", (
            Query("ninefold_may_brier", "{{of}}"),
        )),
    ),
    "Performance": (
        Panel("Equity", "none", "Worth of the account, in its quote asset.", (
            Query("ninefold_equity", "{{quote}}"),
        )),
        Panel("Orders", "ops", "Intended, refused by risk, filled.", (
            rate("ninefold_orders_total", "orders"),
            rate("ninefold_refused_total", "refused"),
            rate("ninefold_fills_total", "fills"),
        )),
        Panel("Halted", "bool_yes_no", "Whether trading is halted.", (Query("ninefold_halted", "halted"),)),
        Panel("Messages to Slack", "ops", "Taken, and given up after retries.", (
            rate("ninefold_messages_sent_total", "sent"), rate("ninefold_messages_failed_total", "failed"),
        )),
    ),
    "Latencies": (
        Panel("Exchange to receive", "s", "The exchange's stamp to our socket; the clocks' difference is in it.",
              quantiles("ninefold_exchange_to_receive_seconds")),
        Panel("Receive to store", "s", "Our socket to the committed table.",
              quantiles("ninefold_receive_to_store_seconds")),
        Panel("Receive to decision", "s", "Our socket to the targets.",
              quantiles("ninefold_receive_to_decision_seconds")),
        Panel("Steps of the stages", "ns", "How long one step of each service takes.",
              quantiles("ninefold_stage_step_nanoseconds", by="service")),
        Panel("Received", "ops", "Frames, trades by instrument, book changes.", (
            rate("ninefold_frames_total", "frames"),
            Query("sum by (instrument) (rate(ninefold_trades_total[$__rate_interval]))", "trades {{instrument}}"),
            rate("ninefold_book_changes_total", "book changes"),
        )),
        Panel("Stored", "ops", "Rows of all tables, and trades among them.", (
            rate("ninefold_rows_stored_total", "rows"), rate("ninefold_trades_stored_total", "trades"),
        )),
        Panel("Services", "bool_yes_no", "Well, and heard of lately.", (
            Query("ninefold_service_healthy", "{{service}}"),
        )),
        Panel("Age", "s", "Since each service last spoke, and of the newest input the API has seen.", (
            Query("ninefold_service_age_seconds", "{{service}}"), Query("ninefold_lag_seconds", "API"),
        )),
        Panel("What was lost", "none", "Gaps, frames that could not be parsed, reconnects, since the start.", (
            Query("sum(ninefold_gaps_total)", "gaps"),
            Query("sum(ninefold_malformed_total)", "malformed"),
            Query("sum(ninefold_reconnects_total)", "reconnects"),
        )),
    ),
}  # fmt: skip
VARIABLES = {  # name: (what lists its values, whether several may be chosen)
    "instrument": ("label_values(ninefold_last_price, instrument)", False),
    "timeframe": ('label_values(ninefold_indicator{instrument="$instrument"}, timeframe)', False),
    "term": (f"label_values(ninefold_indicator{{{SERIES}}}, term)", True),
}


def dashboard_json() -> str:
    """The dashboard as committed: the same bytes for the same panels."""
    dashboard = (
        Dashboard("ninefold")
        .uid(UID)
        .tags(["ninefold"])
        .timezone("utc")
        .refresh("5s")
        .time("now-15m", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
    for name in VARIABLES:
        dashboard = dashboard.with_variable(variable(name))
    numbers = count(1)
    for title, panels in ROWS.items():
        dashboard = dashboard.with_row(Row(title).id(next(numbers)))
        for panel in panels:
            dashboard = dashboard.with_panel(drawn(panel).id(next(numbers)))
    return json.dumps(dashboard.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def variable(name: str) -> QueryVariable:
    query, several = VARIABLES[name]
    made = QueryVariable(name).datasource(DATASOURCE).query(query).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return made.multi(True).include_all(True).all_value(".*") if several else made


def drawn(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(WIDTH)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        made = made.with_target(
            prometheus.Dataquery()
            .ref_id(letter)
            .datasource(DATASOURCE)
            .expr(query.expr)
            .legend_format(query.legend)
            .range()
        )
    return made


if __name__ == "__main__":
    TARGET.write_text(dashboard_json())
    print(f"wrote {TARGET.relative_to(Path.cwd())}" if TARGET.is_relative_to(Path.cwd()) else f"wrote {TARGET}")
