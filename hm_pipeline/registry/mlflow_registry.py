"""Registered versions and their aliases: both follow the ledger, neither is asked who is champion."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from hm_pipeline.errors import RegistryError
from hm_pipeline.registry.explained import explained
from hm_pipeline.registry.ledger import ModelRef
from hm_pipeline.registry.mlflow_runs import DIGEST
from hm_pipeline.registry.pyfunc import RELEASE
from hm_pipeline.registry.state import State

MODEL = "model"  # with the digest: the folder of a run's artifacts that holds a version
_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
_PAGE = 1000  # versions that are asked for at once
_DESCRIPTION = 5000  # characters of a description that MLflow's database takes
_USER_FILES = (f"{RELEASE}/model/user_rows.npy", f"{RELEASE}/users.parquet")  # rows before ids


def model_name(market: str) -> str:
    """The registered model of a market."""
    return f"hm-{market}"


def register(
    client: MlflowClient,
    name: str,
    run_id: str,
    folder: Path,
    *,
    digest: str,
    tags: Mapping[str, str],
    description: str = "",
) -> int:
    """The version of the model in `folder` (see `save_pyfunc`); the one there is where the digest is known.

    `tags`: kind, day …, as texts. The files become artifacts of the run first, the version comes last:
    a killed attempt leaves files that the next one overwrites.
    """
    found = find_version(client, name, digest, with_users=tags.get("users") == "true")
    if found is not None:
        return found
    with explained(f"register {folder} in {name}"):
        _ensure(client, name)
        place = f"{MODEL}-{digest}"  # a run whose verdict changed has more than one version
        client.log_artifacts(run_id, str(folder), place)
        source = f"{client.get_run(run_id).info.artifact_uri.rstrip('/')}/{place}"
        told = {**tags, DIGEST: digest}
        made = client.create_model_version(
            name, source, run_id=run_id, tags=told, description=description[:_DESCRIPTION]
        )
        return int(made.version)


def find_version(client: MlflowClient, name: str, digest: str, *, with_users: bool = False) -> int | None:
    """The first version with that digest; None where nothing was registered under it.

    `with_users`: one that still has them; they were taken from it where a promotion was taken back.
    """
    users = " and tags.`users` = 'true'" if with_users else ""
    with explained(f"look for version {digest} of {name}"):
        found = client.search_model_versions(f"name = '{name}' and tags.`{DIGEST}` = '{digest}'{users}")
        return min((int(version.version) for version in found), default=None)


def version_uri(name: str, version: int) -> str:
    """The uri that `mlflow models serve -m` takes."""
    return f"models:/{name}/{version}"


def align_aliases(client: MlflowClient, name: str, state: State) -> list[str]:
    """Make the aliases say what the ledger says; returns what was changed, in words.

    Also repairs what a killed run or a hand left wrong. A version that MLflow does not have, or has under
    another model's number, is no reason to fail: its alias is nobody's, and the words say so. Other aliases
    than ours are left alone.
    """
    refs = {"champion": state.champion, "challenger": state.challenger, "previous": state.previous}
    if not any(refs.values()) and not _exists(client, name):
        return []
    with explained(f"set the aliases of {name}"):
        there = _aliases(client, name)
        return [
            _set(client, name, alias, there.get(alias), ref)
            for alias, ref in refs.items()
            if there.get(alias) != (ref and ref.version)
        ]


def forget_users(
    client: MlflowClient, name: str, version: int, work: Path, forget: Callable[[Path], int]
) -> int:
    """Erase users in a registered version: `forget` gets its release's user files and rewrites them.

    Returns what `forget` returns; 0 for a version without a user table. Only files whose content
    changed are written back, the rows before the ids, so that a killed erasure still finds its users.
    `work` is an empty folder for the copies; it is the caller's to remove.
    """
    with explained(f"erase users in version {version} of {name}"):
        run_id, model = _place_of(client, name, version)
        places = [f"{model}/{file}" for file in _USER_FILES]
        there = [place for place in places if _has(client, run_id, place)]
        was = {place: _fetched(client, run_id, place, work).read_bytes() for place in there}
        count = forget(work / model / RELEASE) if there else 0
        for place, content in was.items():
            if (work / place).read_bytes() != content:
                client.log_artifact(run_id, str(work / place), str(Path(place).parent))
        return count


def versions(client: MlflowClient, name: str) -> list[int]:
    """All versions of a market's model but those that say they hold no users, oldest first."""
    with explained(f"list the versions of {name}"):
        found = _searched(client, f"name = '{name}'")
        return sorted(int(v.version) for v in found if v.tags.get("users") != "false")


def versions_with_users(client: MlflowClient, name: str, last: date) -> list[int]:
    """Versions of run dates up to `last` that still hold users (tags `users` and `day`)."""
    with explained(f"list the versions of {name}"):
        wanted = f"name = '{name}' and tags.`users` = 'true'"
        tagged = _searched(client, wanted)
        return sorted(int(v.version) for v in tagged if v.tags.get("day", "9999") <= last.isoformat())


def describe(client: MlflowClient, name: str, version: int, card: str, file: str) -> None:
    """Another description of a version, and the file of its folder that holds it."""
    with explained(f"describe version {version} of {name}"):
        run_id, model = _place_of(client, name, version)
        client.log_text(run_id, card, f"{model}/{file}")
        client.update_model_version(name, str(version), card[:_DESCRIPTION])


def mark_without_users(client: MlflowClient, name: str, version: int) -> None:
    """Remember that nobody is left in a version."""
    with explained(f"tag version {version} of {name}"):
        client.set_model_version_tag(name, str(version), "users", "false")


def _searched(client: MlflowClient, wanted: str) -> Iterator[ModelVersion]:
    """All versions that a filter finds, page after page: a market that registers a dozen a night has many."""
    token = None
    while True:
        page = client.search_model_versions(wanted, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _has(client: MlflowClient, run_id: str, place: str) -> bool:
    folder = str(Path(place).parent)
    return place in {file.path for file in client.list_artifacts(run_id, folder)}


def _fetched(client: MlflowClient, run_id: str, place: str, work: Path) -> Path:
    """A copy at the same place below `work`; MLflow itself drops the folders of a single file."""
    copy = work / place
    copy.parent.mkdir(parents=True, exist_ok=True)
    return Path(client.download_artifacts(run_id, place, str(work))).replace(copy)


def _place_of(client: MlflowClient, name: str, version: int) -> tuple[str, str]:
    """The run whose artifact a version is, and the artifact's folder there."""
    known = client.get_model_version(name, str(version))
    if not known.run_id:
        raise RegistryError(
            f"version {version} of {name} belongs to no run, so its files cannot be rewritten: it was not "
            "registered by hm-pipeline. Delete that version by hand."
        )
    return str(known.run_id), str(known.source).rsplit("/", 1)[-1]


def _set(client: MlflowClient, name: str, alias: str, old: int | None, ref: ModelRef | None) -> str:
    new = ref.version if ref and _is_there(client, name, ref) else None
    if new is not None:
        client.set_registered_model_alias(name, alias, str(new))
    elif old is not None:
        client.delete_registered_model_alias(name, alias)
    lost = f"; the ledger names version {ref.version}, which is not in MLflow" if ref and not new else ""
    return f"{alias}: {old or 'nobody'} -> {new or 'nobody'}{lost}"


def _is_there(client: MlflowClient, name: str, ref: ModelRef) -> bool:
    """Whether a version is the ledger's: in a database that was made anew, numbers begin again."""
    try:
        tags = client.get_model_version(name, str(ref.version)).tags
    except MlflowException as error:
        if error.error_code != _NOT_FOUND:
            raise
        return False
    return not ref.run_digest or tags.get(DIGEST, ref.run_digest) == ref.run_digest


def _aliases(client: MlflowClient, name: str) -> dict[str, int]:
    if not _exists(client, name):
        return {}
    return {alias: int(v) for alias, v in client.get_registered_model(name).aliases.items()}


def _exists(client: MlflowClient, name: str) -> bool:
    with explained(f"look for {name}"):
        return bool(client.search_registered_models(f"name = '{name}'"))


def _ensure(client: MlflowClient, name: str) -> None:
    """Make the registered model; another process may be faster."""
    if _exists(client, name):
        return
    try:
        client.create_registered_model(name)
    except MlflowException:
        client.get_registered_model(name)
