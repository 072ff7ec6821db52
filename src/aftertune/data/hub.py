"""Find a hub data set's files at one revision: in the local cache, or, when allowed, by fetching them.

Only files of data are ever asked for; nothing of a data set is run.
"""

from __future__ import annotations

from pathlib import Path

from aftertune.data.place import DATA_SUFFIXES
from aftertune.errors import NoData
from aftertune.extras import need

_WANTED = [f"*{suffix}{packed}" for suffix in DATA_SUFFIXES for packed in ("", ".gz")]


def find_hub_data(name: str, revision: str, *, fetch: bool) -> Path:
    """The folder with a hub data set's files.

    Args:
        name: Its id, such as `tatsu-lab/alpaca`.
        revision: A commit of its repository, 40 hex digits.
        fetch: Whether files that are not in the local cache may be fetched.

    Raises:
        NoData: it is not in the local cache and may not, or could not, be fetched.
        MissingExtra: huggingface_hub is not installed.
    """
    hub = need("huggingface_hub")
    try:
        found = hub.snapshot_download(
            name, repo_type="dataset", revision=revision, allow_patterns=_WANTED, local_files_only=not fetch
        )
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        how = "could not be fetched" if fetch else "is not in the local cache"
        raise NoData(
            f"data set {name} at revision {revision} {how} ({reason})",
            f"check the name and the network, fetch it with `hf download --repo-type dataset {name} "
            f"--revision {revision}`, or give a local folder with `path:`",
        ) from error
    return Path(found)
