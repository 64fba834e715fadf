"""The dashboard's files agree with each other and with what `/metrics` offers."""

import pytest
import yaml

from ninefold.api.metrics import FAMILIES

from .dashboard import FOLDER, committed, metrics_in, queries, regenerated


def test_the_committed_dashboard_is_what_the_script_writes():
    assert (FOLDER / "ninefold.json").read_text() == regenerated(), "run scripts/make_dashboard.py and commit"


@pytest.mark.parametrize(("where", "expression"), list(queries()))
def test_every_metric_in_a_query_exists(where, expression):
    used = {name.removesuffix("_bucket") for name in metrics_in(expression)}
    assert used
    assert used <= FAMILIES


def test_every_variable_lists_values_of_a_metric_that_exists():
    variables = committed()["templating"]["list"]
    assert [one["name"] for one in variables] == ["instrument", "timeframe", "term"]
    for one in variables:
        assert metrics_in(one["query"]) <= FAMILIES


def test_every_family_is_on_the_dashboard_but_those_nobody_draws():
    drawn = {name.removesuffix("_bucket") for _, expression in queries() for name in metrics_in(expression)}
    assert FAMILIES - drawn == {
        "ninefold_quotes_total",
        "ninefold_commits_total",
        "ninefold_headlines_total",
        "ninefold_forecasts_total",
        "ninefold_targets_total",
        "ninefold_service_gauge",
    }


def test_rows_and_panels_have_their_own_ids_and_do_not_overlap():
    panels = committed()["panels"]
    assert [one["title"] for one in panels if one["type"] == "row"] == [
        "Indicators",
        "Signals",
        "Performance",
        "Latencies",
    ]
    assert len({one["id"] for one in panels}) == len(panels)
    taken = set()
    for one in panels:
        at = one["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, one["title"]
        taken |= cells


def test_provisioning_names_the_datasource_that_the_panels_use_and_no_host():
    source = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "ninefold.yml").read_text())["datasources"][0]
    used = {one["datasource"]["uid"] for one in committed()["panels"] if "datasource" in one}
    assert used == {source["uid"]}
    assert source["url"] == "${NINEFOLD_PROMETHEUS}"
    provider = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "ninefold.yml").read_text())["providers"][0]
    assert provider["options"]["path"] == "${NINEFOLD_DASHBOARDS}"
    scraped = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == ["127.0.0.1:PORT"]
