"""Find the layout a file is in, or make one of the columns that are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aftertune.data.place import Place
from aftertune.data.sources._no_layout import what_it_is
from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange, with_prompt, with_text
from aftertune.errors import DataError, did_you_mean
from aftertune.files import Record, columns_of
from aftertune.records import Row, Turn
from aftertune.registry import load, names

COLUMNS = ("prompt", "answer", "system", "context")


@dataclass(frozen=True, slots=True)
class Known:
    """A layout that a file is read in, and the others it might have been."""

    name: str
    form: Layout
    others: Mapping[str, Layout] = field(default_factory=dict)

    def refuse_other(self, fields: Fields) -> None:
        """Refuse a record that is in another layout; one with gaps, or in none, may be a row without an answer.

        Raises:
            DataError: it is; without the place.
        """
        own = [fields.get(column, False) for column in self.form.columns]
        if None in own:
            return
        other = next((name for name, form in self.others.items() if form.matches(fields)), "")
        if other:
            raise DataError(
                f"mixed layouts: this row is in {other}, and those before it are in {self.name}",
                "put rows of one layout into one file",
            )


def detect(records: Sequence[Record]) -> str:
    """Name the one layout these records are in.

    Where the columns of all of them fit several layouts, because rows of several are mixed, it is that of the first.

    Raises:
        DataError: no layout fits their columns, or more than one does.

    >>> detect([Record({"question": "1 + 1?", "answer": "2"}, "row 1")])
    'gsm8k'
    """
    sample, known = one_of_each(records), _layouts()
    fitting = [name for name, form in known.items() if form.matches(sample)]
    if len(fitting) > 1:
        first = [name for name in fitting if known[name].matches(records[0].fields)]
        fitting = first if len(first) == 1 else fitting
    if len(fitting) == 1:
        return fitting[0]
    columns = _listed(columns_of(records))
    if fitting:
        raise DataError(
            f"the columns {columns} fit more than one layout: {', '.join(fitting)}",
            f"choose one: `data.source.layout: {fitting[0]}`",
        )
    other = what_it_is(sample)
    if other:
        raise DataError(
            f"this is {other}: no training rows",
            "name instruction data; or say which columns to train on: "
            "`data.source.columns: {prompt: ..., answer: ...}`",
        )
    wanted = "; ".join(f"{name} ({', '.join(form.columns)})" for name, form in known.items())
    raise DataError(
        f"the columns {columns} fit no known layout; known: {wanted}",
        "say which column is what: `data.source.columns: {prompt: ..., answer: ...}`, or name the "
        "layout: `data.source.layout: ...`",
    )


def chosen_layout(place: Place, first: Sequence[Record], layout: str, columns: Mapping[str, str] | None) -> Known:
    """The layout to read a file in, from its first records and what was asked for.

    Raises:
        DataError: none fits, several do, or the one that was named does not.
        UnknownName: no layout has that name.
    """
    if columns:
        return Known("columns", _by_columns(place, first, columns))
    if layout == "auto":
        try:
            layout = detect(first)
        except DataError as error:
            raise DataError(f"{place}: {error.message}", error.fix) from error
        return _known(layout)
    form: Layout = load("layout", layout)
    if not form.matches(one_of_each(first)):
        raise DataError(
            f"{place}: not in the {layout} layout, which needs {', '.join(form.columns)}; its columns are "
            f"{_listed(columns_of(first))}",
            "set `data.source.layout: auto`, or name another layout",
        )
    return _known(layout)


def _known(name: str) -> Known:
    others = _layouts()
    return Known(name, others.pop(name), others)


def one_of_each(records: Sequence[Record]) -> dict[str, Any]:
    """One value for every column, null only where no row has one: what layouts are recognised by."""
    sample: dict[str, Any] = {}
    for record in records:
        for column, value in record.fields.items():
            if sample.get(column) is None:
                sample[column] = value
    return sample


def _layouts() -> dict[str, Layout]:
    return {name: load("layout", name) for name in names("layout")}


def _by_columns(place: Place, records: Sequence[Record], columns: Mapping[str, str]) -> Layout:
    found = columns_of(records)
    for part, column in columns.items():
        if part not in COLUMNS:
            raise DataError(
                f"`columns` has no part {part!r}{did_you_mean(part, COLUMNS)}; there are: {', '.join(COLUMNS)}",
                "correct `data.source.columns`",
            )
        if column not in found:
            raise DataError(
                f"{place}: there is no column {column!r}{did_you_mean(column, found)}; its columns are "
                f"{_listed(found)}",
                f"correct `data.source.columns.{part}`",
            )
    missing = [part for part in ("prompt", "answer") if part not in columns]
    if missing:
        raise DataError(
            f"`columns` does not say which column is the {missing[0]}",
            f"add it: `data.source.columns: {{{missing[0]}: ...}}`; columns: {_listed(found)}",
        )
    return column_layout(columns)


def column_layout(columns: Mapping[str, str]) -> Layout:
    """A layout made of columns by name: `prompt`, `answer`, and perhaps `system` and `context`."""
    prompt, answer = columns["prompt"], columns["answer"]
    system, context = columns.get("system", ""), columns.get("context", "")

    def read(fields: Fields) -> tuple[Turn, ...]:
        return one_exchange(
            cell(fields, prompt), cell(fields, answer), system=cell(fields, system), context=cell(fields, context)
        )

    def write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
        made = dict(fields) if fields is not None else dict.fromkeys(columns.values(), "")
        if read(made) == row.turns:
            return made
        lead = row.turns[:1] if system and row.turns and row.turns[0].role == "system" else ()
        asked, said = only_exchange(Row(row.id, row.turns[len(lead) :]), "columns")
        if lead or system and cell(made, system).strip():
            with_text(made, system, lead[0].content if lead else "")
        if context:
            with_prompt(made, asked, prompt, context)
        else:
            with_text(made, prompt, asked)
        with_text(made, answer, said)
        return made

    return Layout("1", "Columns by name.", tuple(columns.values()), lambda fields: True, read, write)


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    return ", ".join(map(str, columns[:20])) + more
