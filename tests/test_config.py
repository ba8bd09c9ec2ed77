"""A run's configuration reads from TOML, and says what is wrong with it."""

from pathlib import Path

import pytest

from hm_pipeline.config import RunConfig, load, markets
from hm_pipeline.errors import ConfigError

DEPLOY = Path(__file__).parents[1] / "deploy"


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    """A small configuration that loads."""
    for folder in ("markets", "profiles"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pools.toml").write_text('[cpu]\nkinds = ["itemknn", "lstm"]\nrate_per_hour = 0.1\n')
    (tmp_path / "profiles" / "small.toml").write_text(
        "[models.itemknn]\n[models.lstm]\nhidden = 8\n[models.lstm.training]\nmax_lr = 0.1\n"
    )
    (tmp_path / "markets" / "SE.toml").write_text('[market]\ntimezone = "UTC"\n')
    return tmp_path


def test_every_market_that_ships_loads_under_every_profile_that_ships():
    profiles = [file.stem for file in (DEPLOY / "profiles").glob("*.toml")]
    found = {(m, p): load(DEPLOY, m, p) for m in markets(DEPLOY) for p in profiles}
    assert {"demo", "eshop", "SE"} <= {m for m, _ in found}
    assert {"small", "thesis"} <= {p for _, p in found}


def test_the_thesis_profile_has_the_sizes_of_the_thesis():
    models = load(DEPLOY, "SE", "thesis").models
    recurrent = {"user_embedding": 256, "item_embedding": 256, "layers": 3, "hidden": 512, "state_dim": 256}
    for kind in ("rnn", "lstm", "gru", "attention"):
        assert models[kind].model_dump(include=set(recurrent)) == recurrent, kind
    block = {"user_embedding": 256, "blocks": 1, "heads": 8, "feed_forward": 2048, "head": (1024, 512, 256)}
    assert models["transformer"].model_dump(include=set(block)) == block


def test_the_thesis_profile_trains_as_the_thesis_did():
    models = load(DEPLOY, "SE", "thesis").models
    own = {"batch_targets": 2048, "max_lr": 1e-3, "cycle_epochs": 10, "pct_start": 0.3, "patience": 3}
    for kind in ("rnn", "lstm", "gru", "attention", "transformer"):
        training = models[kind].training
        assert training.model_dump(include=set(own)) == own, kind
        assert (training.loss.kind, training.unknown_user_share, training.horizon) == ("full", 0.0, 1), kind


def test_a_markets_own_value_wins_key_by_key(deploy: Path):
    market = deploy / "markets" / "SE.toml"
    market.write_text(market.read_text() + "[models.lstm.training]\nmax_lr = 0.5\n")
    lstm = load(deploy, "SE").models["lstm"]
    assert (lstm.hidden, lstm.training.max_lr) == (8, 0.5)


def test_a_market_can_leave_out_a_model_of_its_profile(deploy: Path):
    market = deploy / "markets" / "SE.toml"
    market.write_text(market.read_text() + "[models.lstm]\noff = true\n")
    assert list(load(deploy, "SE").models) == ["itemknn"]


def test_samples_take_their_events_from_the_market(deploy: Path):
    (deploy / "markets" / "SE.toml").write_text(
        '[market]\ntimezone = "UTC"\ninteraction_events = ["purchase"]\n'
    )
    assert load(deploy, "SE").samples.interaction_events == ("purchase",)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("markets/SE.toml", '[market]\ntimezone = "Mars/Olympus"\n', "market.timezone"),
        ("markets/SE.toml", '[market]\ntimezone = "UTC"\nwindow = 3\n', "market.window"),
        ("markets/SE.toml", "[market\n", "is not TOML"),
        ("markets/SE.toml", 'profile = "huge"\n[market]\ntimezone = "UTC"\n', "profiles known: small"),
        ("profiles/small.toml", "[models.lstm]\nhiden = 8\n", "hiden"),
        ("profiles/small.toml", "[models.itemknn]\nkind = 'lstm'\n", "under its own name"),
        ("profiles/small.toml", "[models.popularity]\n", "no pool trains 'popularity'"),
        ("profiles/small.toml", "", "no model"),
        ("pools.toml", "[cpu]\nkinds = []\nrate_per_hour = -1\n", "pools.cpu.rate_per_hour"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(deploy: Path, file: str, text: str, said: str):
    (deploy / file).write_text(text)
    with pytest.raises(ConfigError, match=r"(SE|small|huge)\.toml") as error:
        load(deploy, "SE")
    assert said in str(error.value)


def test_an_unknown_market_is_answered_with_those_that_are_known(deploy: Path):
    with pytest.raises(ConfigError, match="markets known: SE"):
        load(deploy, "NO")


def test_the_resolved_configuration_travels_as_json(deploy: Path):
    config = load(deploy, "SE")
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert RunConfig.model_validate_json(config.model_dump_json()).fingerprint() == config.fingerprint()


def test_a_copied_market_that_kept_its_name_is_refused(deploy: Path) -> None:
    file = deploy / "markets" / "DK.toml"
    file.write_text('[market]\nname = "SE"\ntimezone = "UTC"\n')
    with pytest.raises(ConfigError, match=r"DK\.toml: market.name is 'SE', but the file is DK's"):
        load(deploy, "DK")


def test_a_model_that_is_off_must_be_one_of_the_profile(deploy: Path) -> None:
    market = deploy / "markets" / "SE.toml"
    market.write_text(market.read_text() + "[models.lstn]\noff = true\n")
    with pytest.raises(ConfigError, match=r"models\.lstn is off, but the profile has no lstn; it has .*lstm"):
        load(deploy, "SE")


def test_a_mistyped_key_of_a_model_is_named_as_the_file_writes_it(deploy: Path) -> None:
    market = deploy / "markets" / "SE.toml"
    market.write_text(market.read_text() + "[models.lstm]\nhiden = 3\n")
    with pytest.raises(ConfigError, match=r"1 wrong: models\.lstm\.hiden: Extra inputs"):
        load(deploy, "SE")


def test_a_log_without_an_event_column_is_one_line_of_toml(deploy: Path) -> None:
    market = deploy / "markets" / "DK.toml"
    market.write_text('[market]\ntimezone = "UTC"\n[market.interactions]\nconstant_event = "view"\n')
    columns = load(deploy, "DK").market.interactions
    assert (columns.constant_event, columns.event_type) == ("view", None)
    market.write_text(market.read_text() + 'event_type = "kind"\n')
    with pytest.raises(ConfigError, match="not both"):
        load(deploy, "DK")
