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
    """Instruction data: a file, or a packaged set by name."""

    name: Text | None = None
    path: Text | None = None
    layout: Text = "auto"
    columns: dict[Literal["prompt", "answer", "system", "context"], Text] | None = None
    rows: Annotated[int, Field(ge=1)] | None = None
    allow_empty: Share = 0.01

    _either = one_of("name", "path")
