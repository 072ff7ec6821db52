"""Results as one self-contained HTML file."""

from aftertune.records import ResponseView
from aftertune.report.write import render_report, write_report

__all__ = ["ResponseView", "render_report", "write_report"]
