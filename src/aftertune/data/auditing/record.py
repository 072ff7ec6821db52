"""What an audit found, as plain records that become JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SCHEMA = "aftertune/audit/1"


@dataclass(frozen=True, slots=True)
class Example:
    """A row that shows a label.

    Attributes:
        where: Its place in the file, such as "line 12".
        text: What made the detector say so, or the beginning of the answer; cut.
    """

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """How many rows a label was found in.

    Attributes:
        rows: Rows with the label; exact for this file.
        share: Of all rows with a conversation.
        low: Lower limit of the share among rows from where these come; clusters are near-duplicate groups.
        high: Upper limit.
        reason: Why there are no limits; empty where there are.
    """

    rows: int
    share: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LabelFound:
    """One label of one detector.

    Attributes:
        background: Whether it is the ordinary case, such as prose, and no finding.
        precision: Measured share of hits that are right, with limits; None where it was not measured.
        recall: Measured share of such rows that are found, with limits; None where it was not measured.
    """

    detector: str
    label: str
    version: str
    found: Share
    background: bool
    precision: tuple[float, float, float] | None
    recall: tuple[float, float, float] | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Answer lengths over the rows: quantiles at 0, 5, 25, 50, 75, 95 and 100 %, and the mean."""

    unit: str
    mean: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be read, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows that repeat others.

    Attributes:
        exact_rows: Rows beyond the first of each set of equal rows.
        prompt_rows: Rows beyond the first of each set with an equal prompt.
        near: Rows beyond the first of each group of near-duplicates.
        groups: Groups of near-duplicates with two rows or more.
        largest: Rows in the largest group.
        rule: What counts as a near-duplicate, in words.
        examples: The places of the rows of a few groups.
    """

    exact_rows: int
    prompt_rows: int
    near: Share
    groups: int
    largest: int
    rule: str
    examples: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Risky:
    """A row that a ranking puts high, with its score."""

    where: str
    score: float
    text: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows ordered by a score that is a hypothesis about risk, not a verdict.

    Attributes:
        name: Which score.
        about: What it is, and what its order was measured to be worth.
        n: Rows that have it.
        mean: Mean over those rows.
        quantiles: At 0, 5, 25, 50, 75, 95 and 100 %.
        rows: The highest, best first.
    """

    name: str
    about: str
    n: int
    mean: float
    quantiles: tuple[float, ...]
    rows: tuple[Risky, ...]


@dataclass(frozen=True, slots=True)
class Affinity:
    """How likely a model finds the answers: mean negative log-likelihood per answer token, in nats.

    Attributes:
        model: The initial model.
        n: Rows it was computed on, drawn at random where that is not all.
        n_left_out: Drawn rows whose prompt alone fills the model's context.
        n_cut: Rows of which only the beginning of the answer fits, and was scored.
        mean: Mean over rows of a row's mean per token.
        low: Lower limit of the mean among rows from where these come.
        high: Upper limit.
        ranking: The rows it ranks highest.
    """

    model: str
    n: int
    n_left_out: int
    n_cut: int
    mean: float
    low: float
    high: float
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class Audit:
    """What an instruction data set holds.

    Attributes:
        name: The file's name.
        sha256: The hash of its bytes; empty for rows that come from no file.
        layout: The layout it was read in.
        n_records: Records in the file, those that could not be read included.
        n_rows: Rows with a conversation: what shares are shares of.
        rejected: How many records could not be read.
        reject_examples: The first of them.
        labels: Every label of every detector, those found nowhere included.
        lengths: Answer lengths in characters and in words.
        duplicates: Rows that repeat others.
        ranking: The rows that structure, length and maths rank highest.
        affinity: Given a model: how likely it finds the answers; else None.
        level: Confidence level of all limits.
        notes: What a reader should know, in sentences.
        schema: Names this form.
    """

    name: str
    sha256: str
    layout: str
    n_records: int
    n_rows: int
    rejected: int
    reject_examples: tuple[Rejected, ...]
    labels: tuple[LabelFound, ...]
    lengths: tuple[Lengths, ...]
    duplicates: Duplicates
    ranking: Ranking
    affinity: Affinity | None
    level: float
    notes: tuple[str, ...]
    schema: str = SCHEMA

    def share(self, detector: str, label: str = "") -> Share:
        """The share of a label; without one, of the detector's only label.

        Raises:
            KeyError: the audit has no such detector or label.
        """
        found = [row for row in self.labels if row.detector == detector and label in ("", row.label)]
        if len(found) != 1:
            known = ", ".join(f"{row.detector}:{row.label}" for row in self.labels)
            raise KeyError(f"{detector}:{label} names {len(found)} labels; there are: {known}")
        return found[0].found


def by_detector(audit: Audit) -> Mapping[str, tuple[LabelFound, ...]]:
    """The labels of each detector, in order."""
    names = dict.fromkeys(row.detector for row in audit.labels)
    return {name: tuple(row for row in audit.labels if row.detector == name) for name in names}
