"""Rules: what is always so. They run over what each sync brings, in the order in which they were made.

A later rule may overrule an earlier one; none ever overrules the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.transactions import catalogues
from mingus.transactions import spending
from mingus.transactions.categories import UNCATEGORISED
from mingus.transactions.edits import MOST_AT_ONCE
from mingus.transactions.edits import Made
from mingus.transactions.edits import UnknownCategory
from mingus.transactions.edits import Wish
from mingus.transactions.filters import size_conditions
from mingus.transactions.models import TransactionRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.plaid.ledger import TransactionId
    from mingus.transactions.edits import Edits

MOST_RULES = 500


class TooManyRules(MingusError):
    """You have as many rules as there can be. Please delete one first."""

    status = 422
    code = "too_many_rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWords:
    """A rule as it is written: at least one condition, and at least one thing that is so then."""

    merchant: str | None = None
    text: str | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    money_in: bool | None = None
    account_id: AccountId | None = None
    category: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    hides: bool = False

    def wish(self) -> Wish:
        """What it asks for of each transaction that meets it."""
        values: dict[str, object] = {}
        if self.category:
            values["category"] = self.category
        if self.name:
            values["name"] = self.name
        if self.hides:
            values["hidden"] = True
        return Wish(values=values, add_tags=self.tags)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a transaction has to meet."""
        table = PlaidTransaction
        found = size_conditions(self.least, self.most)
        if self.merchant:
            merchant = func.lower(func.coalesce(table.merchant_name, table.name))
            found.append(merchant.contains(self.merchant.lower(), autoescape=True))
        if self.text:
            found.append(func.lower(table.name).contains(self.text.lower(), autoescape=True))
        if self.money_in is not None:
            found.append(table.amount_minor > 0 if self.money_in else table.amount_minor < 0)
        if self.account_id:
            found.append(table.account_id == self.account_id)
        return found


class Rules:
    """A person's rules and what they do."""

    def __init__(self, *, ambient: Ambient, edits: Edits, environment: str) -> None:
        self._ambient = ambient
        self._edits = edits
        self._environment = environment

    def write(self, user_id: UserId, words: RuleWords, rule_id: str | None = None) -> str:
        """Make a rule, or write one anew; gives its id. Raises NotFound, UnknownCategory or TooManyRules."""
        self._check(user_id, words)
        with unit_of_work() as unit:
            if rule_id is None:
                count = select(func.count()).where(TransactionRule.user_id == user_id)
                if (unit.session.scalar(count) or 0) >= MOST_RULES:
                    raise TooManyRules
                rule = TransactionRule(id=self._ambient.new_id("rul"), user_id=user_id)
                rule.created_at = self._ambient.now()
                unit.session.add(rule)
            else:
                found = unit.lock(TransactionRule, rule_id)
                if found is None or found.user_id != user_id:
                    raise NotFound
                rule = found
            _fill(rule, words)
            return rule.id

    def delete(self, user_id: UserId, rule_id: str) -> None:
        """The rule goes; what it did stays. Raises NotFound."""
        with unit_of_work() as unit:
            rule = unit.lock(TransactionRule, rule_id)
            if rule is None or rule.user_id != user_id:
                raise NotFound
            unit.session.delete(rule)

    def apply_to_past(self, user_id: UserId, rule_id: str) -> Made:
        """Apply a rule to everything that is there, except where the person decided; raises NotFound."""
        rule = rule_of(user_id, rule_id)
        if rule is None:
            raise NotFound
        ids = self.matching(user_id, words_of(rule), limit=MOST_AT_ONCE)
        return self._apply(user_id, rule, ids)

    def apply_all(self, user_id: UserId, ids: Sequence[TransactionId]) -> int:
        """Every rule, in order, over these; how many changes that made. Safe to repeat."""
        count = 0
        for rule in rules_of(user_id):
            met = self.matching(user_id, words_of(rule), among=ids, limit=len(ids))
            count += self._apply(user_id, rule, met).count
        return count

    def matching(
        self,
        user_id: UserId,
        words: RuleWords,
        *,
        limit: int,
        among: Sequence[TransactionId] | None = None,
    ) -> list[TransactionId]:
        """The newest transactions that meet the rule."""
        rows = spending.rows_of(user_id, environment=self._environment).where(*words.conditions())
        statement = rows.with_only_columns(PlaidTransaction.id)
        if among is not None:
            statement = statement.where(PlaidTransaction.id.in_(among))
        ordered = statement.order_by(PlaidTransaction.date.desc(), PlaidTransaction.id.desc())
        return list(db.session.scalars(ordered.limit(limit)))

    def _apply(self, user_id: UserId, rule: TransactionRule, ids: Sequence[TransactionId]) -> Made:
        if not ids:
            return Made(id=None, count=0)
        wish, rule_id = words_of(rule).wish(), rule.id
        with unit_of_work() as unit:
            return self._edits.write(unit, user_id, self._ambient.new_id("edt"), ids, wish, origin=rule_id)

    def _check(self, user_id: UserId, words: RuleWords) -> None:
        if (
            words.category
            and words.category != UNCATEGORISED
            and words.category not in catalogues.of(user_id)
        ):
            raise UnknownCategory
        if words.account_id:
            account = db.session.get(PlaidAccount, words.account_id)
            if account is None or account.user_id != user_id:
                raise NotFound


def rules_of(user_id: UserId) -> list[TransactionRule]:
    """The person's rules, in the order in which they run."""
    statement = select(TransactionRule).where(TransactionRule.user_id == user_id)
    return list(db.session.scalars(statement.order_by(TransactionRule.id)))


def rule_of(user_id: UserId, rule_id: str) -> TransactionRule | None:
    rule = db.session.get(TransactionRule, rule_id)
    return rule if rule is not None and rule.user_id == user_id else None


def words_of(rule: TransactionRule) -> RuleWords:
    return RuleWords(
        merchant=rule.merchant,
        text=rule.text,
        least=Decimal(rule.least) if rule.least else None,
        most=Decimal(rule.most) if rule.most else None,
        money_in=rule.money_in,
        account_id=rule.account_id,
        category=rule.category,
        name=rule.name,
        tags=tuple(rule.tags),
        hides=rule.hides,
    )


def _fill(rule: TransactionRule, words: RuleWords) -> None:
    rule.merchant, rule.text, rule.money_in = words.merchant, words.text, words.money_in
    rule.least = f"{words.least:f}" if words.least is not None else None
    rule.most = f"{words.most:f}" if words.most is not None else None
    rule.account_id, rule.category, rule.name = words.account_id, words.category, words.name
    rule.tags, rule.hides = list(words.tags), words.hides
