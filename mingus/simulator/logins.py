"""Which usernames and passwords the simulated banks know, and what each leads to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mingus.simulator import people
from mingus.simulator.custom import CustomUser
from mingus.simulator.custom import CustomUserRefused
from mingus.simulator.custom import parse
from mingus.simulator.errors import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.institutions import Institution

MFA_CODE = "1234"
GOOD_PASSWORDS = ("pass_good", "credential_good")
DEVICES = ("Text message to ••• ••• 0100", "E-mail to u•••@example.com")
YES_NO = ("Yes", "No")


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaRound:
    """One screen of a bank's second factor.

    `kind` is "device_list" (pick one of `choices`), "device" (a code), "questions" (an answer to each
    of `prompts`) or "selections" (for each of `prompts` one of the `choices` at its place).
    """

    kind: str
    prompts: tuple[str, ...] = ()
    choices: tuple[tuple[str, ...], ...] = ()
    expected: tuple[tuple[str, ...], ...] = ()

    def accepts(self, answers: Sequence[str]) -> bool:
        """Whether the bank is content with one answer for each prompt."""
        given = [answer.strip() for answer in answers]
        return len(given) == len(self.expected) and all(
            answer in good for answer, good in zip(given, self.expected, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a pair of username and password comes to at a bank."""

    username: str
    outcome: str = "ok"
    error_code: str | None = None
    mfa: tuple[MfaRound, ...] = ()
    person: str = "good"
    custom: CustomUser | None = None


class Logins:
    """Judges credentials as Plaid's sandbox does."""

    def check(self, institution: Institution, username: str, password: str) -> Login:
        """The login; a refused one has outcome "error" and Plaid's error code."""
        if institution.status == "DOWN":
            return _refused(username, "INSTITUTION_DOWN")
        if not institution.supported:
            return _refused(username, "INSTITUTION_NO_LONGER_SUPPORTED")
        if username.startswith("user_custom"):
            return _custom_login(institution, username, password)
        person = people.person_key(username)
        if person is None or (person == "dynamic" and institution.oauth):
            return _refused(username, "INVALID_CREDENTIALS")
        return _by_password(institution, username, password, person)


def _by_password(institution: Institution, username: str, password: str, person: str) -> Login:
    if password.startswith("error_"):
        code = password.removeprefix("error_")
        return _refused(username, code if code in CATALOGUE else "INVALID_CREDENTIALS")
    if password.replace(" ", "") == '{"recaptcha":"bad"}':
        return _refused(username, "RECAPTCHA_BAD")
    rounds = mfa_rounds(password)
    if rounds:
        return Login(username=username, person=person, mfa=rounds)
    if (
        password not in GOOD_PASSWORDS
        and not password.startswith("microdeposits_")
        and not people.any_password(person)
    ):
        return _refused(username, "INVALID_CREDENTIALS")
    return Login(username=username, person=person, mfa=device_rounds() if institution.always_mfa else ())


def _custom_login(institution: Institution, username: str, password: str) -> Login:
    if institution.oauth:
        return _refused(username, "INVALID_CREDENTIALS")
    try:
        custom = parse(password)
    except CustomUserRefused:
        return _refused(username, "INVALID_CREDENTIALS")
    if custom.recaptcha == "bad":
        return _refused(username, "RECAPTCHA_BAD")
    if custom.force_error:
        return _refused(
            username, custom.force_error if custom.force_error in CATALOGUE else "INTERNAL_SERVER_ERROR"
        )
    return Login(username=username, person="custom", custom=custom, mfa=_custom_rounds(custom))


def _custom_rounds(custom: CustomUser) -> tuple[MfaRound, ...]:
    kind, mfa = custom.mfa.get("type"), custom.mfa
    if kind == "device":
        return device_rounds()
    if kind == "questions":
        return question_rounds(int(mfa.get("question_rounds") or 1), int(mfa.get("questions_per_round") or 1))
    if kind == "selections":
        return selection_rounds(
            int(mfa.get("selection_rounds") or 1), 1, int(mfa.get("selections_per_question") or len(YES_NO))
        )
    return ()


def mfa_rounds(password: str) -> tuple[MfaRound, ...]:
    """The rounds that a password beginning with mfa_ asks for; none for other passwords."""
    if password == "mfa_device":
        return device_rounds()
    if match := re.fullmatch(r"mfa_questions_([1-9])_([1-9])", password):
        return question_rounds(int(match[1]), int(match[2]))
    if password == "mfa_selections":
        return selection_rounds(1, 1, len(YES_NO))
    if match := re.fullmatch(r"mfa_selections_([1-9])_([1-9])_([1-9])", password):
        return selection_rounds(int(match[1]), int(match[2]), int(match[3]))
    return ()


def device_rounds() -> tuple[MfaRound, ...]:
    """Choose where the code goes, then type it."""
    chosen = MfaRound(
        kind="device_list",
        prompts=("Where should the code be sent?",),
        choices=(DEVICES,),
        expected=(DEVICES,),
    )
    code = MfaRound(kind="device", prompts=("Enter the code that was sent to you",), expected=((MFA_CODE,),))
    return chosen, code


def question_rounds(rounds: int, questions: int) -> tuple[MfaRound, ...]:
    """Rounds of questions; the answer to each is answer_<round>_<question>."""
    return tuple(
        MfaRound(
            kind="questions",
            prompts=tuple(
                f"What is your answer to question {q + 1} of round {r + 1}?" for q in range(questions)
            ),
            expected=tuple((f"answer_{r}_{q}",) for q in range(questions)),
        )
        for r in range(rounds)
    )


def selection_rounds(rounds: int, questions: int, options: int) -> tuple[MfaRound, ...]:
    """Rounds of multiple choice; right is the first option."""
    offered = YES_NO if options == len(YES_NO) else tuple(f"Option {n + 1}" for n in range(options))
    return tuple(
        MfaRound(
            kind="selections",
            prompts=tuple(f"Is this your account? (question {r + 1}-{q + 1})" for q in range(questions)),
            choices=(offered,) * questions,
            expected=((offered[0],),) * questions,
        )
        for r in range(rounds)
    )


def _refused(username: str, code: str) -> Login:
    return Login(username=username, outcome="error", error_code=code)
