"""What words mean to the holder of the thing they are said of, on VADER's scale: -4 (ruin) to +4 (boom).

Written for this project; no other word list was used. A word here replaces VADER's own value for it.
Phrases (between commas) are matched before words, longest first, and count as one word.

In:  nothing. Out: valence -> words, as text that is easy to read and extend; `scorer` turns it into tables.

`BURDENS` are things whose growth is bad news and whose shrinking is good: "fees plunge" is good, "fees soar" is bad,
though "plunge" alone is bad and "soar" alone is good.
"""

WORDS: dict[float, str] = {
    3.0: "skyrockets skyrocket",
    2.6: "bullish mooning",
    2.5: "soar soars soared soaring",
    2.4: "surge surges surged surging",
    2.2: "rally rallies rallied rallying moon",
    2.0: "breakout approve approves approved legalizes legalises",
    1.8: (
        "bull bulls jump jumps jumped rebound rebounds rebounded outperform outperforms uptrend inflow inflows approval"
    ),
    1.7: "adoption",
    1.6: (
        "climb climbs climbed climbing gain gains gained recover recovers recovered recovery upside accumulate "
        "accumulates accumulating accumulation dovish"
    ),
    1.5: "hodl undervalued adopt adopts partnership",
    1.4: "rise rises rising rose",
    1.3: "upgrade upgraded partners integrates buys resumes",
    1.2: "raises",
    1.1: "backs resume",
    1.0: "pump pumps listing lists purchase purchases",
    0.9: "launches",
    0.8: "listed halving",
    0.0: "crypto token tokens shares share security securities stake interest trust exchange reserves proof defi",
    -0.6: "fine",
    -0.9: "unlock",
    -1.1: "dip dips fade",
    -1.2: "correction fades stalls",
    -1.5: (
        "fall falls fell falling decline declines declined overvalued dilution probe probes investigation "
        "sanction sanctions frozen congestion"
    ),
    -1.6: (
        "bear bears drop drops dropped dropping downside downgrade downgraded fud fizzles penalty halt halted "
        "freeze hawkish"
    ),
    -1.7: "slide slides slid subpoena halts suspend suspends suspended freezes",
    -1.8: "downtrend outflow outflows sue fined vulnerability",
    -1.9: "sink sinks sank liquidation liquidations lawsuit sues sued reject rejects rejected outage",
    -2.0: "dump dumps dumped dumping liquidated hacker hackers",
    -2.1: "slump slumps slumped selloff sell-off",
    -2.2: (
        "tumble tumbles tumbled capitulation delist delists delisted delisting breach phishing crackdown ban bans "
        "banned"
    ),
    -2.3: "rout exploits drains arrest arrested contagion",
    -2.5: "exploit drained indicted",
    -2.6: "bearish plunge plunges plunged plunging hack exploited stolen",
    -2.8: "plummet plummets plummeted rekt worthless depeg depegs depegged hacked scam rugged",
    -3.0: (
        "crash crashes crashed crashing ponzi bankrupt bankruptcy insolvent insolvency collapse collapses collapsed"
    ),
}

PHRASES: dict[float, str] = {
    2.8: "to the moon",
    2.5: "bull run",
    2.4: "all-time high, all time high",
    2.2: "record high, bull market, court win",
    2.0: "breaks out",
    1.9: "short squeeze, breaks above, breaks resistance, regains peg, regains its peg",
    1.8: "golden cross, drops probe, drops case, drops lawsuit, drops charges, dismisses lawsuit",
    1.7: "legal tender",
    1.6: "buy the dip, buys the dip",
    1.5: "bear trap",
    1.4: "rate cut, rate cuts",
    1.2: "throws out, goes live",
    0.8: "funds safe",
    0.6: "settles with",
    0.0: "short sellers, little changed",
    -1.4: "rate hike, rate hikes, token unlock",
    -1.5: "dries up, dry up",
    -1.6: "wash trading",
    -1.8: "death cross, cuts ties",
    -1.9: "long squeeze, breaks below, breaks support",
    -2.0: "bull trap, breaks down",
    -2.2: "record low, bear market, money laundering",
    -2.4: "all-time low",
    -2.6: "bank run",
    -2.8: "loses peg, loses its peg",
    -3.2: "rug pull, rug pulled, files for bankruptcy",
    -3.3: "exit scam",
}

BURDENS = (
    "fee, fees, cost, costs, inflation, cpi, unemployment, yields, liquidations, outflows, hacks, exploits, "
    "scams, losses, debt, selling, congestion, tax, taxes, volatility, shorts, exchange balances, exchange "
    "reserves, exchange supply, sell pressure, bankruptcies"
)

GROWS = (
    "rise, rises, rose, rising, surge, surges, surged, soar, soars, soared, soaring, jump, jumps, jumped, climb, "
    "climbs, climbed, spike, spikes, spiked, grow, grows, grew, worsens, worsen, mount, mounts, accelerate, "
    "accelerates, skyrocket, skyrockets, double, doubles, top, tops"
)

SHRINKS = (
    "fall, falls, fell, falling, plunge, plunges, plunged, drop, drops, dropped, sink, sinks, sank, tumble, "
    "tumbles, tumbled, slide, slides, slid, decline, declines, declined, ease, eases, eased, cool, cools, cooled, "
    "cooling, slow, slows, slowed, shrink, shrinks, ebb, ebbs"
)
