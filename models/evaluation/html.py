"""What every report page is made of: one HTML file that needs nothing else, no script, no request. Callers escape their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from models.evaluation.about import About

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; color: #1f2933; background: #fff; max-width: 62rem;
  margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .5rem; border-bottom: 2px solid #1f2933; }
p { max-width: 48rem; margin: .5rem 0; } .quiet { color: #52606d; font-size: .9rem; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .8rem; text-align: right; vertical-align: top; border-bottom: 1px solid #d5dbe1; }
th { background: #eef2f6; font-weight: 600; } th:first-child, td:first-child { text-align: left; }
td small { display: block; color: #52606d; white-space: nowrap; } table.facts td { text-align: left; overflow-wrap: anywhere; }
table.facts td:first-child { white-space: nowrap; color: #52606d; } .yes { color: #1c6b36; font-weight: 600; }
.no { color: #9b2c0b; font-weight: 600; } .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(27rem, 1fr));
  gap: 1.2rem; } figure { margin: 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }
figcaption { font-size: .85rem; color: #52606d; } ul { max-width: 48rem; padding-left: 1.2rem; } .wide { overflow-x: auto; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } tr { break-inside: avoid; } }
"""


def whole(title: str, parts: Sequence[str]) -> str:
    """The page around its parts."""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><main>\n' + "\n".join(parts) + "\n</main></body></html>\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """`rows` are HTML already."""
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def quiet(text: str) -> str:
    """Small print; HTML already."""
    return f'<p class="quiet">{text}</p>'


def notes(texts: Iterable[str]) -> str:
    """A list; HTML already."""
    return "<ul>" + "".join(f"<li>{text}</li>" for text in texts) + "</ul>"


def origin(about: About, data: Mapping[str, str]) -> list[str]:
    """Where and with what it was made; `data`: digests of what was looked at."""
    rows = [["measured at", f"{about.at.isoformat()} (clock {about.clock})"], ["device", about.machine]]
    rows += [["version of " + name, version] for name, version in about.versions.items()]
    rows += [[f"SHA-256 of {name}", digest] for name, digest in about.digests.items()]
    rows += [[name, value] for name, value in (*data.items(), *about.options.items())]
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return ["<h2>Device, versions, models and settings</h2>", f'<table class="facts">{cells}</table>']
