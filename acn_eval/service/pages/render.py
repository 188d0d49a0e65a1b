"""Renders the pages: every text is escaped, and what is invisible in it is made visible."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from acn_eval.foreign_text import visible
from acn_eval.service.pages import words

__all__ = ["Renderer"]

# Nothing inline and nothing of another host: a name that became markup could do nothing.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Renderer:
    """Makes answers of the templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("acn_eval.service.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {name: getattr(words, name) for name in words.__all__}
        self._environment.globals["version"] = metadata.version("acn-eval")

    def page(
        self, request: Request, template: str, facts: Mapping[str, Any], status: int = 200
    ) -> HTMLResponse:
        """Return a page.

        Args:
            request: that it answers.
            template: its name without ``.html``.
            facts: what the template shows.
            status: of the answer.
        """
        root = request.scope.get("root_path", "")

        def link(*parts: object, **asked: object) -> str:
            path = "/".join(quote(str(part), safe="@") for part in parts)
            kept = {name: value for name, value in asked.items() if value not in {None, ""}}
            return f"{root}/{path}" + (f"?{urlencode(kept)}" if kept else "")

        text = self._environment.get_template(f"{template}.html").render(
            {"who": None, **facts}, link=link, here=template
        )
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(text, status, headers)
