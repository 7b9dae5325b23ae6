"""Pages opened in Streamlit's own test harness, over the small knowledge base of `tiny.py`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_list(root) -> Open:
    """Open the list of claims, with query parameters."""

    def open_(**parameters: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in parameters.items():
            app.query_params[name] = value
        return app.run()

    return open_


@pytest.fixture
def open_claim(root) -> Open:
    """Open a claim's page by its id, with further query parameters."""

    def open_(claim: str | None = None, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30).run()
        app.switch_page("kb/pages/claim.py")
        for name, value in ({"id": claim} if claim else {}).items() | parameters.items():
            app.query_params[name] = value
        return app.run()

    return open_


@pytest.fixture
def body() -> Callable[[AppTest], str]:
    """Return what a page shows, as HTML and text; fail if it raised."""

    def of(app: AppTest) -> str:
        assert not app.exception, app.exception
        elements = (*app.html, *app.text, *app.code, *app.subheader, *app.info, *app.error, *app.warning)
        return "\n".join(
            str(element.value if hasattr(element, "value") else element.body) for element in elements
        )

    return of
