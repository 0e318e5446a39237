"""Files of banks as they are: any comma, any order of a date, any encoding, and nothing that harms."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus.imports import csvfile
from mingus.imports import figures
from mingus.imports import ofxfile
from mingus.imports.judging import Known
from mingus.imports.judging import judge
from mingus.imports.judging import key_of
from mingus.imports.rows import FileRefused
from mingus.imports.rows import FileRow
from mingus.imports.rows import FileTooLarge
from mingus.imports.rows import NoColumns
from mingus.imports.rows import NoStatement
from mingus.imports.rows import NotText
from mingus.imports.rows import Reading
from mingus.imports.rows import Unreadable
from mingus.imports.rows import UnsafeFile
from mingus.imports.texts import decode
from mingus.money import official

EURO = official("EUR")
TODAY = dt.date(2026, 5, 4)
MAY_3 = dt.date(2026, 5, 3)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("2026-05-03", "mdy"),
        ("2026/5/3", "dmy"),
        ("20260503", "dmy"),
        ("20260503120000[-5:EST]", "ymd"),
        ("03.05.2026", "dmy"),
        ("3.5.26", "dmy"),
        ("05/03/2026", "mdy"),
        ("03-May-2026", "mdy"),
        ("3 mayo 2026", "dmy"),
        ("May 3, 2026", "dmy"),
        ("2026-05-03T10:11:12Z", "ymd"),
        ("03.05.2026 23:59", "dmy"),
    ],
)
def test_a_date_is_read_in_its_order(text: str, order: str) -> None:
    assert figures.read_date(text, order) == MAY_3


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "31.02.2026", "1.1.126", "3 Nevember 2026", "20261301"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(figures.NotReadable):
        figures.read_date(text, "dmy")


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("-12.50", ".", "-12.50"),
        ("−12,50", ",", "-12.50"),
        ("1,234.56", ".", "1234.56"),
        ("1.234,56 €", ",", "1234.56"),
        ("1 234,56", ",", "1234.56"),
        ("1'234.50", ".", "1234.50"),
        ("(12.50)", ".", "-12.50"),
        ("12.50-", ".", "-12.50"),
        ("$ -3", ".", "-3"),
        ("-$3.00", ".", "-3.00"),
        ("12.50 CR", ".", "12.50"),
        ("12.50DR", ".", "-12.50"),
        ("+5", ".", "5"),
        (".50", ".", "0.50"),
        ("Rs.50", ".", "50"),
    ],
)
def test_an_amount_is_read_with_its_sign(text: str, decimal: str, value: str) -> None:
    assert figures.read_number(text, decimal) == Decimal(value)


@pytest.mark.parametrize("text", ["", "-", "n/a", "1.2.3.", "12..5", "NaN", "1e5", "1/2", "+-", "9" * 80])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(figures.NotReadable):
        figures.read_number(text, ".")


@given(st.integers(min_value=-(10**12), max_value=10**12), st.sampled_from(".,"))
def test_every_written_amount_is_read_back(minor: int, decimal: str) -> None:
    text = f"{Decimal(minor).scaleb(-2):,.2f}"
    written = text if decimal == "." else text.translate(str.maketrans(",.", ".,"))
    assert figures.read_number(written, decimal) == Decimal(minor).scaleb(-2)


def read(text: str, **changes: object) -> tuple[Reading, csvfile.Layout]:
    table = csvfile.table(text)
    layout = csvfile.guess(table, order="dmy", decimal=",").with_columns(changes)  # type: ignore[arg-type]
    return csvfile.read(text, layout, EURO, today=TODAY), layout


def told(reading: Reading) -> list[tuple[str, int, str]]:
    return [(row.on.isoformat(), row.amount_minor, row.text) for row in reading.rows]


def test_a_plain_table_needs_no_help() -> None:
    reading, _ = read(
        "Date,Description,Amount,Balance\n2026-05-01,Tea,-2.50,97.50\n2026-05-03,Pay,100.00,197.50\n"
    )
    assert told(reading) == [("2026-05-01", -250, "Tea"), ("2026-05-03", 10_000, "Pay")]
    assert reading.balance is not None
    assert (reading.balance.on, reading.balance.minor) == (MAY_3, 19_750)


def test_a_german_file_with_lines_before_its_table() -> None:
    reading, layout = read(
        '"Konto";"DE00"\n\n'
        '"Buchungstag";"Empfänger";"Verwendungszweck";"Betrag";"Saldo"\n'
        '"03.05.2026";"Bäckerei";"Brot; frisch";"-1.234,50";"5,00"\n'
        '"02.05.2026";"Chef";"Lohn";"2.000,00";"1.239,50"\n'
    )
    assert (layout.delimiter, layout.decimal, layout.order) == (";", ",", "dmy")
    assert told(reading) == [
        ("2026-05-03", -123_450, "Bäckerei Brot; frisch"),
        ("2026-05-02", 200_000, "Chef Lohn"),
    ]
    assert reading.rows[0].payee == "Bäckerei"
    assert reading.balance is not None
    assert (reading.balance.on, reading.balance.minor) == (MAY_3, 500)  # the newest comes first here


def test_two_columns_for_out_and_in() -> None:
    reading, _ = read("Fecha;Concepto;Cargo;Abono\n03/05/2026;Pan;1,50;\n03/05/2026;Nómina;;2.000,00\n")
    assert [row.amount_minor for row in reading.rows] == [-150, 200_000]


def test_the_way_of_the_money_in_words() -> None:
    reading, layout = read(
        "Date,Type,Payee,Amount\n05/03/2026,DEBIT,Tea,2.50\n05/03/2026,CREDIT,Pay,9.00\n", order="mdy"
    )
    assert layout.direction == 1
    assert [row.amount_minor for row in reading.rows] == [-250, 900]


def test_signs_can_be_turned() -> None:
    reading, _ = read("Date,Payee,Amount\n2026-05-03,Tea,2.50\n2026-05-03,Refund,-1\n", sign="turned")
    assert [row.amount_minor for row in reading.rows] == [-250, 100]


def test_a_table_without_a_head_is_told_by_its_cells() -> None:
    reading, layout = read("2026-05-03\tTea and cake\t-2,50\n2026-05-02\tCoffee\t-1,00\n")
    assert not layout.headed
    assert told(reading)[0] == ("2026-05-03", -250, "Tea and cake")


def test_what_can_not_be_read_says_why_and_the_rest_is_read() -> None:
    reading, _ = read(
        "Date,Payee,Amount,Currency\n2026-05-03,Tea,-2.50,EUR\nsoon,Tea,1,EUR\n2026-05-03,Tea,much,EUR\n"
        f"2026-05-03,Tea,{'9' * 20}.00,EUR\n2026-05-03,Tea,1.00,USD\n2027-01-01,Tea,1.00,EUR\n\n2026-05-03\n"
    )
    assert len(reading.rows) == 1
    assert [(one.number, one.reason) for one in reading.bad] == [
        (3, Unreadable.DATE),
        (4, Unreadable.AMOUNT),
        (5, Unreadable.TOO_MUCH),
        (6, Unreadable.CURRENCY),
        (7, Unreadable.FUTURE),
        (9, Unreadable.AMOUNT),
    ]


@pytest.mark.parametrize("text", ["just words", "one\ntwo\nthree", '"never closed,1\n2,3'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(FileRefused):
        csvfile.table(text)


def test_more_rows_than_can_be_kept_are_refused() -> None:
    with pytest.raises(FileTooLarge):
        csvfile.table("date,amount\n" + "2026-05-03,1\n" * 50_001)


SGML = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
CHARSET:1252

<OFX><SIGNONMSGSRSV1><SONRS><DTSERVER>20260503</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>77<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260101<DTEND>20260503
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260503120000.000[-5:EST]<TRNAMT>-2,50<FITID>A1<NAME>Tea &amp; cake<MEMO>At noon
</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260502<TRNAMT>100.00<FITID>A2<NAME>Pay</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>97.50<DTASOF>20260503</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def test_the_old_ofx_without_closing_tags_is_read() -> None:
    (statement,) = ofxfile.statements(SGML)
    reading = ofxfile.read(statement, EURO, today=TODAY)
    assert (statement.account, statement.currency) == ("77", "EUR")
    assert told(reading) == [("2026-05-03", -250, "Tea & cake At noon"), ("2026-05-02", 10_000, "Pay")]
    assert [row.bank_id for row in reading.rows] == ["A1", "A2"]
    assert reading.balance is not None
    assert (reading.balance.on, reading.balance.minor) == (MAY_3, 9_750)


XML = """<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="220"?>
<OFX><!-- two accounts --><CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>EUR</CURDEF>
<CCACCTFROM><ACCTID>card</ACCTID></CCACCTFROM><BANKTRANLIST>
<STMTTRN><DTPOSTED>20260503</DTPOSTED><TRNAMT>-1.00</TRNAMT><FITID>x</FITID><NAME><![CDATA[A <b> & c]]></NAME></STMTTRN>
<STMTTRN><DTPOSTED>never</DTPOSTED><TRNAMT>-1.00</TRNAMT></STMTTRN>
</BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD</CURDEF><BANKTRANLIST>
<STMTTRN><DTPOSTED>20260503</DTPOSTED><TRNAMT>5</TRNAMT></STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def test_the_new_ofx_with_several_statements_is_read() -> None:
    card, dollars = ofxfile.statements(XML)
    reading = ofxfile.read(card, EURO, today=TODAY)
    assert told(reading) == [("2026-05-03", -100, "A <b> & c")]
    assert [one.reason for one in reading.bad] == [Unreadable.DATE]
    assert [one.reason for one in ofxfile.read(dollars, EURO, today=TODAY).bad] == [Unreadable.CURRENCY]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{0}"><!ENTITY b "&a;&a;">]><OFX><STMTRS>&b;</STMTRS></OFX>'
)


def test_a_bomb_is_refused_unread_and_unknown_entities_stay_letters() -> None:
    with pytest.raises(UnsafeFile):
        ofxfile.statements(BOMB)
    harmless = XML.replace("A <b> & c", "").replace("<![CDATA[]]>", "&b;&b;")
    assert ofxfile.read(ofxfile.statements(harmless)[0], EURO, today=TODAY).rows[0].text == "&b;&b;"
    with pytest.raises(NoStatement):
        ofxfile.statements("<OFX></OFX>")
    with pytest.raises(FileTooLarge):
        ofxfile.statements("<OFX><STMTRS>" + "<STMTTRN><FITID>1" * 50_001)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_texts_are_read_in_the_encodings_of_banks(encoding: str) -> None:
    assert decode("Bäckerei;€ 5\r\n".encode(encoding)) == "Bäckerei;€ 5\n"


@pytest.mark.parametrize("content", [b"PK\x03\x04zip", b"%PDF-1.7", b"\x00\x01\x02", b"a\x00b"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(NotText):
        decode(content)


def test_nothing_and_too_much_are_refused() -> None:
    with pytest.raises(FileRefused):
        decode(b" \n")
    with pytest.raises(FileTooLarge):
        decode(b"x" * (5 * 1024 * 1024 + 1))


@given(st.binary(max_size=400))
def test_no_file_at_all_gets_further_than_a_refusal(content: bytes) -> None:
    try:
        text = decode(content)
        if ofxfile.is_ofx(text):
            ofxfile.statements(text)
        else:
            read(text)
    except FileRefused:
        pass


@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=5), min_size=1, max_size=6))
def test_no_table_at_all_gets_further_than_a_refusal(lines: list[list[str]]) -> None:
    with contextlib.suppress(NoColumns):
        read("\n".join(",".join(line) for line in lines))


def row(number: int, text: str = "Tea", bank_id: str | None = None, minor: int = -250) -> FileRow:
    return FileRow(
        number=number, on=MAY_3, amount_minor=minor, text=text, payee=None, bank_id=bank_id, facts={}
    )


def known(text: str = "Tea", bank_id: str | None = None) -> Known:
    return Known(plaid_id=key_of(bank_id) if bank_id else "imp_1:1", on=MAY_3, amount_minor=-250, text=text)


def new(rows: list[FileRow], here: list[Known]) -> list[int]:
    return [one.number for one in judge(rows, here).new]


def test_the_banks_id_tells_the_same_from_a_second_one() -> None:
    assert new([row(1, bank_id="a"), row(2, bank_id="b")], [known("Other", bank_id="a")]) == [2]
    assert new([row(1, bank_id="a"), row(2, bank_id="a")], []) == [1]


def test_without_ids_as_many_are_left_out_as_are_here() -> None:
    assert new([row(1), row(2), row(3)], [known(), known("  T-E-A ")]) == [3]


def test_a_row_with_an_id_is_the_same_as_one_that_came_without() -> None:
    assert new([row(1, bank_id="a"), row(2, bank_id="b")], [known()]) == [2]
    assert new([row(1, bank_id="b")], [known(bank_id="a")]) == [1]


def test_the_same_day_and_amount_with_another_text_is_new_and_marked() -> None:
    judged = judge([row(1, "Cake"), row(2, "Pay", minor=5)], [known()])
    assert [one.number for one in judged.new] == [1, 2]
    assert judged.similar == {1}
