"""Templates compiled once for each language: what is constant in a text is a constant of the compiled page.

A page has hundreds of texts: looked up one by one while it renders, they cost more than all the rest (decision 048).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from typing import Any

from flask.templating import Environment
from flask_babel import get_domain
from flask_babel import get_locale
from jinja2 import nodes
from jinja2 import pass_environment
from jinja2 import pass_eval_context
from jinja2.compiler import CodeGenerator
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from mingus.web.regions import LANGUAGES
from mingus.web.texts import write_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Hashable
    from collections.abc import MutableMapping
    from gettext import NullTranslations

    from flask.sansio.app import App
    from jinja2 import Template
    from jinja2.compiler import Frame
    from jinja2.nodes import EvalContext

MOST_KEPT = 200  # pieces, of some ten kilobytes each
TEXT = "_"  # what a text is marked with, here as in Python


@pass_eval_context
def gettext(context: EvalContext, text: str, /, **words: Any) -> str:
    """A text that is not constant in its template, a category's name say."""
    environment = context.environment
    assert isinstance(environment, Templates)  # noqa: S101 (for the type alone)
    said = environment.said(text)
    return Markup(said) % words if context.autoescape else said % words  # noqa: S704 (our own text)


@pass_eval_context
def ngettext(context: EvalContext, singular: str, plural: str, count: int, **words: Any) -> str:
    """The text for so many; `%(num)s` is the number as the person writes it, the other words may be markup."""
    environment = context.environment
    assert isinstance(environment, Templates)  # noqa: S101 (for the type alone)
    said = str(environment.translations.ngettext(singular, plural, count))
    words = {"num": write_number(count), **words}
    return Markup(said) % words if context.autoescape else said % words  # noqa: S704 (our own text)


@pass_environment
def kept(environment: Environment, name: str, **words: Hashable) -> Markup:
    """A piece of a page that is made of these words alone, rendered once for them and then kept.

    It is given nothing else, not the request, not the person: what is kept for one cannot show another's.
    """
    assert isinstance(environment, Templates)  # noqa: S101 (for the type alone)
    return environment.kept(name, tuple(words.items()))


class Templates(Environment):
    """The app's templates: each is handed out as it is in the language of whom it is rendered for."""

    language: str | None = None  # none: the ground from which those of the languages are made
    translations: NullTranslations
    kept: Callable[[str, tuple[tuple[str, Hashable], ...]], Markup]

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **options)
        self._languages: dict[str, Templates] = {}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        if self.language is not None:
            return super().get_template(name, parent, globals)
        locale = get_locale()
        language = locale.language if locale else next(iter(LANGUAGES))
        own = self._languages.get(language) or self._speaking(language)
        return own.get_template(name, parent, globals)

    def _speaking(self, language: str) -> Templates:
        """The same templates in the language that is asked for now."""
        own: Templates = self.overlay()
        own.language = language
        own.translations = get_domain().get_translations()
        own.code_generator_class = _Translating
        own.kept = lru_cache(MOST_KEPT)(own._render_alone)
        self._languages[language] = own
        return own

    def _render_alone(self, name: str, words: tuple[tuple[str, Hashable], ...]) -> Markup:
        return Markup(self.get_template(name).render(**dict(words)))  # noqa: S704 (a template's own output)

    def said(self, text: str) -> str:
        return str(self.translations.gettext(text))


class _Translating(CodeGenerator):
    """Puts constant texts into the page, translated, before it is compiled."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        assert isinstance(self.environment, Templates)  # noqa: S101 (for the type alone)
        context = nodes.EvalContext(self.environment, self.name)
        super().visit_Template(_Texts(self.environment, context).visit(node), frame)


class _Texts(NodeTransformer):
    def __init__(self, environment: Templates, context: EvalContext) -> None:
        self._environment = environment
        self._as_markup = bool(context.autoescape)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        named = isinstance(node.node, nodes.Name) and node.node.name == TEXT
        if not named or len(node.args) != 1 or not isinstance(node.args[0], nodes.Const):
            return node
        text = self._environment.said(node.args[0].value)
        if not node.kwargs:
            return self._constant(text % {})  # a text is always a pattern: "%%" stands for "%"
        pairs = [nodes.Pair(nodes.Const(word.key), word.value) for word in node.kwargs]
        filled = nodes.Mod(self._constant(text), nodes.Dict(pairs))
        return filled.set_lineno(node.lineno)

    def _constant(self, text: str) -> nodes.Const:
        return nodes.Const(Markup(text) if self._as_markup else text)  # noqa: S704 (our own text)
