"""`ninefold publish --data-dir D --to s3://BUCKET/PREFIX [--json]`: the same tables on S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.commands.table import print_summary
from ninefold.services.publish import CannotPublish, publish


def run(
    to: Annotated[str, typer.Option(help="where the tables go, s3://bucket/prefix; keys are in AWS_... variables")],
    data_dir: Annotated[Path, typer.Option(help="the data dir of a pipeline or a replay")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Repeat what is new in the tables into Delta tables on S3-compatible storage, also while a pipeline runs. Several may
    publish the same data dir at once: no row is there twice.
    """
    with plainly(CannotPublish, *KNOWN), shown_progress() as progress:
        found = publish(data_dir, to, progress)
    if json_:
        print(json.dumps(found))
    else:
        print_summary(found)
