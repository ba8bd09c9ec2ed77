"""A result's address names the code that made it: all of it."""

from functools import cache

import grimp
import pytest

from tasks import code, evaluate, order, run, shard

EVERYWHERE = {"errors", "frozen", "markdown", "progress"}  # in every address
OF_THE_MODEL = {"training"}  # who answers with a stored model names the model, whose address names this


@cache
def rooms_below(module: str) -> frozenset[str]:
    """The rooms of the library that a module runs, itself and whatever it imports, also while it runs."""
    graph = grimp.build_graph("hm_pipeline", include_external_packages=False)
    modules = {module, *graph.find_upstream_modules(module)}
    return frozenset(name.split(".")[1] for name in modules if "." in name)


@pytest.mark.parametrize(
    ("module", "named", "elsewhere"),
    [
        ("models.fit", order.ROOMS, set()),
        ("retrieval.answer", shard.ROOMS, OF_THE_MODEL),
        ("models.release", shard.ROOMS, OF_THE_MODEL),
        ("retrieval.answer", evaluate.ROOMS, OF_THE_MODEL),
        ("evaluation.evaluate", evaluate.ROOMS, set()),
        ("evaluation.mix", evaluate.ROOMS, set()),
        ("registry.promotion", run.ROOMS, set()),
        ("models.fit", run.ROOMS, set()),
        ("evaluation.longevity", run.ROOMS, set()),
    ],
)
def test_a_change_of_whatever_makes_it_is_another_address(
    module: str, named: tuple[str, ...], elsewhere: set[str]
) -> None:
    rooms = {name.removesuffix(".py") for name in named}
    assert rooms_below(f"hm_pipeline.{module}") <= rooms | EVERYWHERE | elsewhere


@pytest.mark.parametrize("library", code._BEHIND)
def test_a_new_version_of_a_library_beneath_is_another_address(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = code.version
    before = code.code_digest.__wrapped__("data")
    monkeypatch.setattr(code, "version", lambda name: "99" if name == library else installed(name))
    assert code.code_digest.__wrapped__("data") != before


def test_the_builds_of_one_torch_for_cpu_and_gpu_are_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for build in ("cpu", "cu130"):
        monkeypatch.setattr(code, "version", lambda name, build=build: f"2.13.0+{build}")
        found[build] = code.code_digest.__wrapped__("data")
    assert found["cpu"] == found["cu130"]
