"""The words that link tokens may hold: languages, countries, products, account types with their subtypes."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# `no` is the older name of `nb`; both are taken, as the client libraries are of both ages.
LANGUAGES = tuple(sorted(_words("da nl en et fr de hi ht it lv lt nb no pl pt ro es sv vi")))

COUNTRIES = tuple(sorted(_words("US GB ES NL FR IE CA DE IT PL DK NO SE EE LT LV PT BE AT FI")))

PRODUCTS = _words("""
    assets auth balance_plus beacon identity identity_match investments investments_auth liabilities
    payment_initiation identity_verification transactions credit_details income income_verification
    standing_orders transfer employment signal statements processor_payments processor_identity profile
    cra_base_report cra_income_insights cra_partner_insights cra_network_insights cra_cashflow_insights
    cra_monitoring cra_lend_score cra_plaid_credit_score cra_qualify cra_home_lending layer pay_by_bank
    protect_linked_bank protect_transactions
    """)

REQUIRED_IF_SUPPORTED = _words(
    "auth identity investments liabilities transactions signal statements protect_linked_bank"
    " protect_transactions"
)

OPTIONAL = _words("""
    auth identity investments liabilities signal statements transactions cra_base_report cra_income_insights
    cra_cashflow_insights cra_lend_score cra_partner_insights cra_network_insights cra_monitoring
    """)

ADDITIONAL_CONSENT = _words(
    "auth balance_plus identity investments investments_auth liabilities transactions signal"
)

SUBTYPES = {
    "depository": frozenset(
        {
            "checking",
            "savings",
            "hsa",
            "cd",
            "money market",
            "paypal",
            "prepaid",
            "cash management",
            "ebt",
            "limited purpose checking",
        }
    ),
    "credit": frozenset({"credit card", "paypal"}),
    "loan": frozenset(
        {
            "auto",
            "business",
            "commercial",
            "construction",
            "consumer",
            "home equity",
            "home equity loan",
            "loan",
            "mortgage",
            "overdraft",
            "line of credit",
            "commercial line of credit",
            "student",
            "other",
        }
    ),
    "investment": frozenset(
        """
        529|401a|401k|403B|457b|brokerage|cash isa|crypto exchange|education savings account|fhsa|fixed annuity
        |gic|health reimbursement arrangement|hsa|ira|isa|keogh|lif|life insurance|line of credit|lira|lrif|lrsp
        |mutual fund|non-custodial wallet|non-taxable brokerage account|other|other annuity|other insurance
        |pension|prediction market|prif|profit sharing plan|qshr|rdsp|resp|retirement|rlif|roth|roth 401k
        |roth 403B|roth 457b|roth pension|roth profit sharing plan|roth thrift savings plan|rrif|rrsp|sarsep
        |sep ira|simple ira|sipp|stock plan|tfsa|thrift savings plan|trust|ugma|utma|variable annuity
        """.replace("\n        ", "").split("|")
    ),
    "other": frozenset({"other"}),
}

# What a person reads about a product on the consent pane; products without a line share account names only.
SHARED = {
    "transactions": ("Transactions", "amounts, dates, descriptions and categories"),
    "auth": ("Account and routing numbers", "to recognise or pay your accounts"),
    "identity": ("Who holds the accounts", "name, address, phone and e-mail"),
    "liabilities": ("Loans and cards", "balances owed, interest and due dates"),
    "investments": ("Investments", "holdings, prices and trades"),
    "statements": ("Statements", "the documents your bank keeps"),
    "assets": ("A report of your assets", "balances and their history"),
}
