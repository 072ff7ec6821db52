"""Find a hub model's files: in the local cache, or, when allowed, by fetching them.

Only configuration, tokenizer and safetensors files are ever asked for.
"""

from __future__ import annotations

from pathlib import Path

from aftertune.errors import NoWeights
from aftertune.extras import need

_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]


def find_hub_model(name: str, revision: str, *, fetch: bool) -> Path:
    """The folder with a hub model's files at one revision.

    Raises:
        NoWeights: it is not in the local cache and may not, or could not, be fetched.
        MissingExtra: huggingface_hub is not installed.
    """
    hub = need("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=_WANTED, local_files_only=not fetch))
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        how = "could not be fetched" if fetch else "is not in the local cache"
        raise NoWeights(
            f"{name} at revision {revision} {how} ({reason})",
            f"check the name and the network, fetch it with `hf download {name} --revision {revision}`, "
            "or give a local folder with `initial_model: {path: ...}`",
        ) from error
