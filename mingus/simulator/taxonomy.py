"""The deprecated category taxonomy: small, but of the right shape and with the ids that clients ask for."""

from __future__ import annotations

from typing import Any

# group, id, path
ROWS = (
    ("special", "10000000", "Bank Fees"),
    ("special", "10001000", "Bank Fees/Overdraft"),
    ("special", "10002000", "Bank Fees/ATM"),
    ("special", "11000000", "Cash Advance"),
    ("place", "12000000", "Community"),
    ("place", "12008000", "Community/Education"),
    ("place", "13000000", "Food and Drink"),
    ("place", "13005000", "Food and Drink/Restaurants"),
    ("place", "13005032", "Food and Drink/Restaurants/Fast Food"),
    ("place", "13005043", "Food and Drink/Restaurants/Coffee Shop"),
    ("place", "14000000", "Healthcare"),
    ("special", "15000000", "Interest"),
    ("special", "16000000", "Payment"),
    ("special", "16001000", "Payment/Credit Card"),
    ("special", "16003000", "Payment/Loan"),
    ("place", "17000000", "Recreation"),
    ("place", "17018000", "Recreation/Gyms and Fitness Centers"),
    ("place", "18000000", "Service"),
    ("place", "18068000", "Service/Utilities"),
    ("place", "19000000", "Shops"),
    ("place", "19047000", "Shops/Supermarkets and Groceries"),
    ("special", "20000000", "Tax"),
    ("special", "21000000", "Transfer"),
    ("special", "21005000", "Transfer/Credit"),
    ("special", "21006000", "Transfer/Debit"),
    ("special", "21009000", "Transfer/Payroll"),
    ("place", "22000000", "Travel"),
    ("place", "22001000", "Travel/Airlines and Aviation Services"),
    ("place", "22009000", "Travel/Gas Stations"),
    ("special", "22016000", "Travel/Taxi"),
)


def categories() -> list[dict[str, Any]]:
    """The taxonomy in Plaid's shape."""
    return [{"category_id": key, "group": group, "hierarchy": path.split("/")} for group, key, path in ROWS]
