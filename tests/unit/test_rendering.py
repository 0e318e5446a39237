"""Templates in the reader's language: constant texts are compiled in, the others are looked up, pieces are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask_babel import Babel
from flask_babel import force_locale
from jinja2 import DictLoader
from jinja2 import StrictUndefined
from jinja2 import UndefinedError
from markupsafe import Markup

from mingus.web import rendering

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = {
    "frame.html": '<p>{{ _("Sign out") }}</p>{% block content %}{% endblock %}',
    "page.html": (
        '{% extends "frame.html" %}'
        "{% block content %}<i title=\"{{ _('Close') }}\">{{ _(label) }}</i>{% endblock %}"
    ),
    "filled.html": '{{ _("You: %(name)s", name=name) }}|{{ _("%%n new transactions") }}',
    "letter.txt": '{{ _("You: %(name)s", name=name) }}',
    "piece.html": "<b>{{ word }}</b>",
    "greedy.html": "<b>{{ word }}{{ person }}</b>",
    "with.html": '{{ kept("piece.html", word=word) }}',
    "greedy_with.html": '{{ kept("greedy.html", word=word) }}',
}


@pytest.fixture(scope="session")
def database() -> str:
    """Templates don't care which database there is."""
    return "sqlite"


@pytest.fixture
def app(shared_app: Flask) -> Iterator[Flask]:
    app = Flask(__name__)
    app.jinja_environment = rendering.Templates
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = shared_app.config["BABEL_TRANSLATION_DIRECTORIES"]
    Babel(app, configure_jinja=False)
    app.jinja_env.loader = DictLoader(TEMPLATES)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals.update(_=rendering.gettext, kept=rendering.kept)
    with app.test_request_context():
        yield app


def rendered(app: Flask, template: str, locale: str, **words: object) -> str:
    with force_locale(locale):
        return app.jinja_env.get_template(template).render(**words)


def test_a_page_and_its_frame_speak_the_readers_language_in_turn(app: Flask) -> None:
    assert (
        rendered(app, "page.html", "en", label="Transport") == '<p>Sign out</p><i title="Close">Transport</i>'
    )
    spanish = '<p>Cerrar sesión</p><i title="Cerrar">Transporte</i>'
    assert rendered(app, "page.html", "es_MX", label="Transport") == spanish
    assert rendered(app, "page.html", "en_GB", label="Transport").startswith("<p>Sign out")


def test_what_fills_a_text_is_escaped_in_a_page_and_not_in_a_letter(app: Flask) -> None:
    assert rendered(app, "filled.html", "en", name="<Ada>") == "You: &lt;Ada&gt;|%n new transactions"
    assert rendered(app, "filled.html", "en", name=Markup("<b>A</b>")).startswith("You: <b>A</b>")
    assert rendered(app, "letter.txt", "en", name="<Ada>") == "You: <Ada>"


def test_a_kept_piece_is_escaped_once_and_is_that_of_its_words(app: Flask) -> None:
    assert rendered(app, "with.html", "en", word="&") == "<b>&amp;</b>"
    assert rendered(app, "with.html", "en", word="other") == "<b>other</b>"
    assert rendered(app, "with.html", "en", word="&") == "<b>&amp;</b>"


def test_a_kept_piece_is_given_nothing_but_its_words(app: Flask) -> None:
    with pytest.raises(UndefinedError):
        rendered(app, "greedy_with.html", "en", word="a", person="Ada")
