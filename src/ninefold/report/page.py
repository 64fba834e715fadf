"""The report of a run as one file of HTML that asks nobody for anything.

In:  a run, and the script and style that `web/` was built into. Out: the text of the file, and the policy under which a
     browser shows it.

The run travels as packed base64, so no text of it is ever read as HTML; the script writes it as text.
"""

from __future__ import annotations

import base64
import html
from hashlib import sha256
from typing import Any, NamedTuple

from ninefold.report.packed import packed
from ninefold.report.shown import Shown

SCRIPT, STYLE = "report.js", "report.css"  # files of the built web front end


class Page(NamedTuple):
    text: str
    policy: str  # Content-Security-Policy


def report_page(shown: Shown, about: dict[str, Any], script: str, style: str) -> Page:
    """about: number, kind, known_ns, as `packed` takes it."""
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = html.escape(f"{shown.short.get('strategy', about['kind'])}, run {about['number']}")
    run = base64.b64encode(packed(shown, about)).decode()
    return Page(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title} \u00b7 ninefold</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<noscript>{html.escape(_plainly(shown.short))} The rest of this report needs JavaScript.</noscript>
<main id="run"></main>
<script type="application/octet-stream" id="packed">{run}</script>
<script>{script}</script>
</body>
</html>
""",
        policy,
    )


def _plainly(document: dict[str, Any]) -> str:
    net, carried = document.get("net_profit"), document.get("completeness") or {}
    earned = f"It {'lost' if net < 0 else 'earned'} {abs(net):,.2f} after fees." if isinstance(net, int | float) else ""
    return " ".join(filter(None, (earned, carried.get("said"), carried.get("lacking"))))


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
