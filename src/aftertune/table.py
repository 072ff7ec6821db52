"""The long table of judgments: one row per judgment, from any harness; read, write, check.

It holds no responses and no prompts, only verdicts and what they belong to. Turning it into arrays is the
business of `cells`; statistics are in `stats`.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aftertune.codes import Places, all_different, codes
from aftertune.errors import TableError, did_you_mean
from aftertune.records import Status
from aftertune.typed import WHOLE, kind, typed

if TYPE_CHECKING:
    import polars as pl

INITIAL = "initial"
COLUMNS = (
    "arm",
    "training_seed",
    "round",
    "benchmark",
    "item",
    "cluster",
    "category",
    "prompt_format",
    "replicate",
    "judge",
    "outcome",
    "value",
    "status",
)
KEY = ("arm", "training_seed", "round", "benchmark", "item", "prompt_format", "replicate", "judge", "outcome")
DEFAULTS: dict[str, Any] = {
    "training_seed": None,
    "round": 1,
    "benchmark": "benchmark",
    "cluster": "",
    "category": "",
    "prompt_format": "default",
    "replicate": 0,
    "judge": "judge",
    "outcome": "harmful",
    "status": None,
}
SUFFIXES = (".parquet", ".csv", ".jsonl", ".csv.gz", ".jsonl.gz")


def read_table(path: Path | str) -> pl.DataFrame:
    """Read and check a table of judgments.

    Args:
        path: A .parquet, .csv(.gz) or .jsonl(.gz) file.

    Returns:
        A frame with exactly `COLUMNS`, optional ones filled in.

    Raises:
        TableError: the file is missing, unreadable, or breaks the contract of `check_table`.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path}: there is no such file", "give the path of a table of judgments")
    try:
        raw = _read(path)
    except TableError:
        raise
    except Exception as error:
        first = str(error).strip().splitlines()
        raise TableError(
            f"{path}: not readable as a table: {first[0] if first else error!r}",
            f"write it as one of {', '.join(SUFFIXES)}",
        ) from error
    return check_table(raw, where=str(path))


def write_table(df: pl.DataFrame, path: Path | str) -> None:
    """Write a table so that equal tables give equal bytes; rows are sorted by their key.

    Args:
        df: A table as `check_table` returns it.
        path: Ends in .parquet, .csv or .jsonl.

    Raises:
        TableError: the ending is none of these.
    """
    path = Path(path)
    ordered = df.select(COLUMNS).sort(KEY, nulls_last=False)
    if path.suffix == ".parquet":
        ordered.write_parquet(path, compression="zstd", statistics=True)
    elif path.suffix == ".csv":
        ordered.write_csv(path)
    elif path.suffix == ".jsonl":
        ordered.write_ndjson(path)
    else:
        raise TableError(f"{path}: unknown kind of table", "end the name in .parquet, .csv or .jsonl")


def check_table(df: pl.DataFrame, *, where: str = "table") -> pl.DataFrame:
    """Fill in optional columns and refuse what cannot be analysed.

    A 1 to 5 score stays as it is here. A `truncated` row may carry a value; `abstained`, `unparsed` and
    `failed` rows carry none.

    Args:
        df: At least the columns `arm`, `item` and `value`.
        where: What to call the table in messages.

    Returns:
        The columns of `COLUMNS`, in order and typed; further columns are dropped.

    Raises:
        TableError: a column is missing or mixed, an item is in two clusters or categories, a value is NaN
            or out of range, a row occurs twice, a status is unknown or does not fit its value, an arm mixes
            training seeds with none, or the table is empty.

    >>> import polars as pl
    >>> df = check_table(pl.DataFrame({"arm": ["initial"], "item": ["a"], "value": [1.0]}))
    >>> df["status"].to_list(), df["prompt_format"].to_list()
    (['ok'], ['default'])
    """
    return check_coded(df, where=where)[0]


def check_coded(df: pl.DataFrame, *, where: str = "table") -> tuple[pl.DataFrame, Places]:
    """As `check_table`, with the codes of the key columns, which the check needs anyway.

    Args:
        df: As for `check_table`.
        where: As for `check_table`.

    Returns:
        The table, and per column of `KEY` its levels and every row's place among them.

    Raises:
        TableError: as `check_table`.
    """
    _check_columns(df, where)
    df = _filled(df, where)
    for check in (_check_keys, _check_status, _check_values, _check_seeds):
        check(df, where)
    places = {name: codes(df[name]) for name in KEY}
    _check_duplicates(df, places, where)
    _check_items(df, where)
    return df, places


def from_five_point(table: pl.DataFrame, outcomes: Sequence[str]) -> pl.DataFrame:
    """Turn scores from 1 to 5 into fractions, (score - 1) / 4, whatever values occur.

    Outcomes with a value above 1 are recognised without this; but scores that are all 1, the safest there is,
    look like a yes every time.

    Args:
        table: As `check_table` returns it.
        outcomes: The outcomes that are scores from 1 to 5.

    Returns:
        The same table with values from 0 to 1 in these outcomes.

    Raises:
        TableError: an outcome is not in the table, or has a value below 1 or above 5.

    >>> import polars as pl
    >>> df = check_table(pl.DataFrame({"arm": ["initial", "a"], "item": ["x", "x"], "value": [1, 3]}))
    >>> from_five_point(df, ["harmful"])["value"].to_list()
    [0.0, 0.5]
    """
    import polars as pl

    known = sorted(table["outcome"].unique())
    for outcome in outcomes:
        if outcome not in known:
            raise TableError(
                f"the table has no outcome {outcome!r}{did_you_mean(outcome, known)}; it has: {', '.join(known)}",
                "name one of them",
            )
    chosen = pl.col("outcome").is_in(list(outcomes))
    bad = table.filter(chosen & ((pl.col("value") < 1) | (pl.col("value") > 5)))
    if bad.height:
        row = bad.row(0, named=True)
        raise TableError(
            f"outcome {row['outcome']!r} has the value {row['value']:g}, which is no score from 1 to 5",
            "name only the outcomes that are such scores",
        )
    return table.with_columns(value=pl.when(chosen).then((pl.col("value") - 1) / 4).otherwise(pl.col("value")))


def _read(path: Path) -> pl.DataFrame:
    import polars as pl

    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise TableError(f"{path}: unknown kind of table", f"end the name in one of {', '.join(SUFFIXES)}")
    if name.endswith(".parquet"):
        return pl.read_parquet(path)
    data = path.read_bytes()
    if name.endswith(".gz"):
        data = gzip.decompress(data)
    if not data.strip():
        raise TableError(f"{path}: the file is empty", "give a table with at least one row")
    if ".csv" in name:
        text = {column: pl.String for column in COLUMNS if column not in (*WHOLE, "value")}
        return pl.read_csv(io.BytesIO(data), schema_overrides=text, infer_schema_length=None)
    return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)


def _check_columns(df: pl.DataFrame, where: str) -> None:
    for name in ("arm", "item", "value"):
        if name not in df.columns:
            hint = did_you_mean(name, df.columns)
            raise TableError(
                f"{where}: column {name!r} is missing{hint}; there are: {', '.join(df.columns)}",
                f"name the columns {', '.join(COLUMNS)}; arm, item and value are required",
            )
    for name in df.columns:
        if name not in COLUMNS and (hint := did_you_mean(name, set(COLUMNS) - set(df.columns))):
            raise TableError(f"{where}: column {name!r} means nothing here{hint}", "rename the column, or drop it")
    if df.height == 0:
        raise TableError(f"{where}: the table has no rows", "give at least one judgment")


def _filled(df: pl.DataFrame, where: str) -> pl.DataFrame:
    """Exactly `COLUMNS`, typed; nulls in optional columns take the default."""
    import polars as pl

    columns: dict[str, pl.Series | pl.Expr] = {}
    for name in COLUMNS:
        fill = pl.lit(DEFAULTS.get(name), dtype=kind(name))
        if name in df.columns:
            column = typed(df[name], where)
            empty = DEFAULTS.get(name) is not None and column.null_count() > 0
            columns[name] = column.fill_null(DEFAULTS[name]) if empty else column
        else:
            columns[name] = fill
    out = df.select(**columns)
    if out["status"].null_count():
        ok = pl.when(pl.col("value").is_null()).then(pl.lit("abstained")).otherwise(pl.lit("ok"))
        out = out.with_columns(pl.col("status").fill_null(ok))
    return out


def _check_keys(df: pl.DataFrame, where: str) -> None:
    for name in ("arm", "item", "benchmark", "judge", "outcome"):
        bad = df[name].is_null() | (df[name] == "")
        if bad.any():
            raise TableError(f"{where}: column {name!r} is empty in row {_first(bad)}", f"give every row its {name}")


def _check_status(df: pl.DataFrame, where: str) -> None:

    known = [status.value for status in Status]
    unknown = ~df["status"].is_in(known)
    if unknown.any():
        word = df["status"][_first(unknown) - 1]
        raise TableError(
            f"{where}: status {word!r} is unknown{did_you_mean(word, known)}", f"use one of {', '.join(known)}"
        )
    bare = (df["status"] == "ok") & df["value"].is_null()
    if bare.any():
        raise TableError(
            f"{where}: row {_first(bare)} has status 'ok' and no value",
            "give the value, or say why there is none: abstained, unparsed, truncated, failed",
        )
    full = df["status"].is_in(["abstained", "unparsed", "failed"]) & df["value"].is_not_null()
    if full.any():
        row = df.row(_first(full) - 1, named=True)
        raise TableError(
            f"{where}: row {_first(full)} has status {row['status']!r} and the value {row['value']}",
            "leave the value empty, or set the status to 'ok'",
        )


def _check_values(df: pl.DataFrame, where: str) -> None:
    import polars as pl

    if df["value"].is_nan().any():
        raise TableError(
            f"{where}: row {_first(df['value'].is_nan())} has the value NaN",
            "leave the value empty and set a status such as 'abstained'",
        )
    ranges = df.group_by("outcome", "judge").agg(low=pl.col("value").min(), high=pl.col("value").max())
    for row in ranges.sort("outcome", "judge").iter_rows(named=True):
        low, high = row["low"], row["high"]
        if low is None or (low >= 0 and high <= 1) or (low >= 1 and high <= 5):
            continue
        raise TableError(
            f"{where}: outcome {row['outcome']!r} by judge {row['judge']!r} has values from {low:g} to {high:g}",
            "scale them to 0..1, or give scores on a 1..5 scale",
        )


def _check_seeds(df: pl.DataFrame, where: str) -> None:
    import polars as pl

    none = df["training_seed"].is_null()
    seeded, seedless_arms = (set(df["arm"].filter(chosen).unique()) for chosen in (~none, none))
    if not seeded & seedless_arms and INITIAL not in seeded:
        return
    seedless = df.group_by("arm").agg(none=pl.col("training_seed").is_null().sum(), n=pl.len()).sort("arm")
    for arm, none, n in seedless.iter_rows():
        if arm == INITIAL and none < n:
            raise TableError(
                f"{where}: the arm 'initial' has a training seed, but it was not tuned here",
                "leave training_seed empty for 'initial', or rename the arm",
            )
        if 0 < none < n:
            raise TableError(
                f"{where}: arm {arm!r} has a training seed in {n - none} rows, none in {none}",
                "give every row of a tuned arm its training seed",
            )


def _check_duplicates(df: pl.DataFrame, places: Places, where: str) -> None:
    if all_different(places):
        return
    twice = df.select(KEY).is_duplicated()
    if twice.any():
        row = df.row(_first(twice) - 1, named=True)
        example = ", ".join(f"{name}={row[name]}" for name in KEY)
        raise TableError(
            f"{where}: {int(twice.sum())} rows are not unique, such as {example}",
            "number repeated responses in the column 'replicate', or drop the copies",
        )


def _check_items(df: pl.DataFrame, where: str) -> None:
    for name in ("cluster", "category"):
        if df[name].n_unique() == 1:
            continue
        pairs = df.select("benchmark", "item", name).unique()
        several = pairs.select("benchmark", "item").is_duplicated()
        twice = pairs.filter(several).sort("benchmark", "item", name)
        if twice.height:
            benchmark, item, first = twice.row(0)
            second = twice.row(1)[2]
            raise TableError(
                f"{where}: item {item!r} of {benchmark} has two values in {name!r}: {first!r} and {second!r}",
                f"give every item one {name}",
            )


def _first(mask: pl.Series) -> int:
    """The first true row, counted from 1."""
    found = mask.arg_max()
    return (found or 0) + 1
