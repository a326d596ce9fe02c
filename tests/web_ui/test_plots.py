"""The plots of the page of health: what is drawn, what is left out, and what whoever cannot see it hears, in three languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask
import pytest
from flask_babel import Babel, gettext

from device import api, messages
from web_ui import languages, plots, show
from web_ui.house import Place
from web_ui.pages import health

BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def sample(number: int, rate: float | None, wait_s: float | None) -> api.Sample:
    at = messages.write_time(BEGAN + timedelta(minutes=5 * number))
    return api.Sample(at, 0.0, 1_000.0, 500.0, 0, rate, wait_s)


SAMPLES = [sample(0, None, None), sample(1, 12.5, 0.8), sample(2, 4.0, None), sample(3, 12.0, 1.1), sample(4, 12.25, 0.9)]


def rendered(tmp_path: Path, locale: str) -> str:
    """All plots of SAMPLES, as the page has them."""
    app = flask.Flask("web_ui")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(languages.compiled(tmp_path))
    Babel(app, locale_selector=lambda: locale)
    show.register(app)
    app.template_context_processors[None].clear()  # of the page around them, which is not asked for here
    with app.test_request_context():
        flask.g.place = Place("kiosk-7", "", "", UTC, "en")
        page = '{% import "_parts.html" as parts with context %}{% for p in plots %}{{ parts.plot(p) }}{% endfor %}'
        return flask.render_template_string(page, plots=health.drawn(SAMPLES), _=gettext)


@pytest.mark.parametrize(
    ("locale", "rate", "wait"),
    [
        ("en", "Pictures a second: between 4 and 12.5 /s", "From face to record: between 0.8 and 1.1 s"),
        ("zh_Hans_CN", "每秒画面数：此时间内介于 4 与 12.5 /s", "从露脸到记录：此时间内介于 0.8 与 1.1 s"),
        ("zh_Hant_TW", "每秒畫面數：此時間內介於 4 與 12.5 /s", "從露臉到紀錄：此時間內介於 0.8 與 1.1 s"),
    ],
)
def test_frame_rate_and_wait_are_drawn_and_said_in_words(tmp_path: Path, locale: str, rate: str, wait: str) -> None:
    page = rendered(tmp_path, locale)
    assert f'role="img" aria-label="{rate}' in page
    assert f'role="img" aria-label="{wait}' in page
    assert page.count("<svg") == 5, "this machine has no sensor, so no temperature is drawn"


def test_where_nobody_came_no_line_is_drawn() -> None:
    plot = plots.line("wait", "s", [(one.at, one.wait_s) for one in SAMPLES])
    assert plot is not None
    assert (plot.least, plot.most, plot.latest) == (0.8, 1.1, 0.9)
    alone, together = plot.lines
    assert [point.partition(",")[0] for point in alone.split()] == ["162.0", "166.0"], "one alone is a dash at its time"
    assert [point.partition(",")[0] for point in together.split()] == ["476.0", "632.0"]


def test_nothing_is_drawn_of_less_than_two() -> None:
    assert plots.line("wait", "s", [("", None), ("", 1.0)]) is None
    assert plots.line("wait", "s", []) is None


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [(0.3, 0.5, (0.0, 1.0)), (10.0, 100.0, (0.0, 109.0)), (60.0, 62.0, (58.76, 63.24)), (-2.0, 3.0, (-2.5, 3.5))],
)
def test_the_axis_starts_at_nothing_unless_that_is_far_away(low: float, high: float, ends: tuple[float, float]) -> None:
    assert plots.axis(low, high) == pytest.approx(ends)
