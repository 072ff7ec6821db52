"""What all parts of a study file share: frozen models, names, and where data comes from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Model(BaseModel):
    """Base of all parts of a study."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


def named(value: Any) -> Any:
    """`organism` is short for `{name: organism}`, `./folder` for `{path: ./folder}`."""
    if not isinstance(value, str):
        return value
    return {"path": value} if value.startswith((".", "/", "~")) else {"name": value}


def just_name(value: Any) -> Any:
    """`chat` is short for `{name: chat}`."""
    return {"name": value} if isinstance(value, str) else value


def one_of(first: str, second: str) -> Any:
    """A validator: exactly one of two keys is given."""

    def check(self: Any) -> Any:
        if (getattr(self, first) is None) == (getattr(self, second) is None):
            raise ValueError(f"give either `{first}` or `{second}`")
        return self

    return model_validator(mode="after")(check)


class SourceSpec(Model):
    """Instruction data: a packaged set by name, a file or a folder, or a data set of the hub at one revision."""

    name: Text | None = None
    path: Text | None = None
    hub: Text | None = None
    revision: Text | None = None
    split: Text | None = None
    layout: Text = "auto"
    columns: dict[Literal["prompt", "answer", "system", "context"], Text] | None = None
    rows: Annotated[int, Field(ge=1)] | None = None
    allow_empty: Share = 0.01

    @model_validator(mode="after")
    def _one_place(self) -> SourceSpec:
        given = [key for key in ("name", "path", "hub") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of `name`, `path` and `hub` (found {' and '.join(given) or 'none'})")
        if self.revision is not None and self.hub is None:
            raise ValueError("`revision` belongs to `hub`: remove it, or give the data set's id with `hub:`")
        if self.split is not None and self.name is not None:
            raise ValueError("a packaged data set has no splits: remove `split`")
        return self
