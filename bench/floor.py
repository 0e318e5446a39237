"""The least that a page of fifty transactions costs: Flask and Jinja over rows in memory, no session, no database."""

from __future__ import annotations

import datetime as dt

from flask import Flask

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Transactions</title><link rel="stylesheet" href="/app.css"></head>
<body>
<nav>{% for name in ("Home", "Accounts", "Reports") %}<a href="/{{ name | lower }}">{{ name }}</a>{% endfor %}</nav>
<main>
<h1>Transactions</h1>
<form method="get"><input type="search" name="q"><button>Search</button></form>
<table>
{% for row in rows %}
<tr id="{{ row.id }}">
<td><input type="checkbox" name="id" value="{{ row.id }}"></td>
<td>{{ row.date.strftime("%d %B %Y") }}</td>
<td><a href="/transactions/{{ row.id }}">{{ row.name }}</a></td>
<td>{{ row.category }}</td>
<td>{{ row.account }}</td>
<td>{{ "{:,.2f}".format(row.minor / 100) }}</td>
</tr>
{% endfor %}
</table>
</main>
</body>
</html>"""
ROWS = [
    {
        "id": f"txn_{number:026}",
        "date": dt.date(2026, 5, 4) - dt.timedelta(days=number // 3),
        "name": f"Corner & Market {number}",
        "category": "Groceries",
        "account": "Everyday Checking",
        "minor": -1_250 - number * 37,
    }
    for number in range(50)
]

app = Flask(__name__)
TEMPLATE = app.jinja_env.from_string(PAGE)  # compiled once, as a page's own file is


@app.get("/healthz")
def healthz() -> str:
    return "ok"


@app.get("/transactions")
def transactions() -> str:
    return TEMPLATE.render(rows=ROWS)
