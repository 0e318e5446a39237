"""What is owed on cards and loans, in Plaid's shape."""

from __future__ import annotations

from datetime import date
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.numbers import account_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.accounts import Account

Doc = dict[str, Any]

SUPPORTED = (("credit", "credit card"), ("credit", "paypal"), ("loan", "mortgage"), ("loan", "student"))
SERVICER = {
    "city": "Port Birch",
    "country": "US",
    "postal_code": "97410",
    "region": "OR",
    "street": "400 Servicer Plaza",
}
HOME = {
    "city": "Alder Falls",
    "country": "US",
    "postal_code": "97499",
    "region": "OR",
    "street": "12 Larch Street",
}


def supported(account: Account) -> bool:
    """Whether Liabilities covers the account."""
    return (account.plan.type, account.plan.subtype) in SUPPORTED


def of(accounts: Sequence[Account], today: date) -> Doc:
    """The lists of credit cards, mortgages and student loans; a list without entries is null."""
    kinds = {"credit": _card, "mortgage": _mortgage, "student": _student}
    lists: dict[str, list[Doc]] = {kind: [] for kind in kinds}
    for account in accounts:
        if supported(account):
            kind = "credit" if account.plan.type == "credit" else str(account.plan.subtype)
            lists[kind].append(kinds[kind](account, today))
    return {kind: rows or None for kind, rows in lists.items()}


def _card(account: Account, today: date) -> Doc:
    said = _said(account)
    statement = _month_day(today, 28)
    balance = round((account.current or 0) * 0.96, 2)
    aprs = [
        _apr("purchase_apr", said.get("purchase_apr", 21.49), account.current),
        _apr("cash_apr", said.get("cash_apr", 28.24), 0),
        _apr("balance_transfer_apr", said.get("balance_transfer_apr", 15.24), 0),
    ]
    return {
        "account_id": account.account_id,
        "aprs": aprs,
        "is_overdue": bool(said.get("is_overdue", False)),
        "last_payment_amount": said.get("last_payment_amount", 168.25),
        "last_payment_date": _month_day(today, 18).isoformat(),
        "last_statement_balance": balance,
        "last_statement_issue_date": statement.isoformat(),
        "minimum_payment_amount": said.get("minimum_payment_amount", max(20, round(balance * 0.02, 2))),
        "next_payment_due_date": (statement + timedelta(days=30)).isoformat(),
    }


def _mortgage(account: Account, today: date) -> Doc:
    said = _said(account)
    begun = today.replace(day=1) - timedelta(days=365 * 6)
    paid = today.month * 1.0
    return {
        "account_id": account.account_id,
        "account_number": account_number(account),
        "current_late_fee": 25.0,
        "escrow_balance": 1180.55,
        "has_pmi": True,
        "has_prepayment_penalty": False,
        "interest_rate": {"percentage": said.get("nominal_apr", 4.375), "type": "fixed"},
        "last_payment_amount": said.get("last_payment_amount", 2277.19),
        "last_payment_date": _month_day(today, 1).isoformat(),
        "loan_term": "30 year",
        "loan_type_description": "conventional",
        "maturity_date": begun.replace(year=begun.year + 30, day=1).isoformat(),
        "next_monthly_payment": 2277.19,
        "next_payment_due_date": (_month_day(today, 1) + timedelta(days=45)).replace(day=1).isoformat(),
        "origination_date": begun.isoformat(),
        "origination_principal_amount": said.get("principal", round((account.current or 0) * 1.12, 2)),
        "past_due_amount": None,
        "property_address": HOME,
        "ytd_interest_paid": round(1024.6 * paid, 2),
        "ytd_principal_paid": round(612.3 * paid, 2),
    }


def _student(account: Account, today: date) -> Doc:
    said = _said(account)
    begun = today - timedelta(days=365 * 7)
    status = said.get("loan_status") if isinstance(said.get("loan_status"), dict) else {}
    payoff = (today + timedelta(days=365 * 8)).isoformat()
    return {
        "account_id": account.account_id,
        "account_number": account_number(account),
        "disbursement_dates": [begun.isoformat()],
        "expected_payoff_date": said.get("expected_payoff_date", payoff),
        "guarantor": said.get("guarantor", "EXAMPLE GUARANTY AGENCY"),
        "interest_rate_percentage": said.get("nominal_apr", 5.25),
        "is_overdue": bool(said.get("is_overdue", False)),
        "last_payment_amount": said.get("last_payment_amount", 204.6),
        "last_payment_date": _month_day(today, 18).isoformat(),
        "last_statement_balance": 204.6,
        "last_statement_issue_date": _month_day(today, 28).isoformat(),
        "loan_name": said.get("loan_name", account.plan.official_name or "Direct Unsubsidized"),
        "loan_status": {"end_date": payoff, "type": "repayment", **(status or {})},
        "minimum_payment_amount": said.get("minimum_payment_amount", 25),
        "next_payment_due_date": (_month_day(today, 28) + timedelta(days=30)).isoformat(),
        "origination_date": said.get("origination_date", begun.isoformat()),
        "origination_principal_amount": said.get("principal", round((account.current or 0) * 1.3, 2)),
        "outstanding_interest_amount": 412.08,
        "payment_reference_number": said.get("payment_reference_number", account_number(account)[-10:]),
        "pslf_status": {
            "estimated_eligibility_date": None,
            "payments_made": None,
            "payments_remaining": None,
        },
        "repayment_plan": {
            "description": said.get("repayment_plan_description", "Level payments over ten years"),
            "type": said.get("repayment_plan_type", "standard"),
        },
        "sequence_number": str(said.get("sequence_number", "1")),
        "servicer_address": SERVICER,
        "ytd_interest_paid": 96.4,
        "ytd_principal_paid": round(721.1 + _pick(account.account_id) % 100, 2),
    }


def _said(account: Account) -> Doc:
    liability = account.plan.override.get("liability")
    return (
        {key: value for key, value in liability.items() if value is not None}
        if isinstance(liability, dict)
        else {}
    )


def _apr(kind: str, percentage: float, subject: float | None) -> Doc:
    return {
        "apr_percentage": percentage,
        "apr_type": kind,
        "balance_subject_to_apr": subject,
        "interest_charge_amount": 0.0,
    }


def _month_day(today: date, day: int) -> date:
    """The last such day of a month that has passed."""
    this = today.replace(day=day)
    return this if this <= today else (today.replace(day=1) - timedelta(days=1)).replace(day=day)


def _pick(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())
