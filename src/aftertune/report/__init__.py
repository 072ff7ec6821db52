"""Results as one self-contained HTML file."""

from aftertune.report.view import ResponseView, ShownResponse
from aftertune.report.write import render_report, write_report

__all__ = ["ResponseView", "ShownResponse", "render_report", "write_report"]
