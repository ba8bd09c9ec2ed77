"""The script that MLflow copies into a registered model and runs when it is loaded: models from code.

It imports nothing of ours until the wheel beside it is on the path, so that it works where hm-pipeline is
not installed. Where hm_pipeline was imported already, that one is used: one process, one version of it.
"""

import sys
from typing import Any

import mlflow
import pandas as pd  # type: ignore[import-untyped]
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE


class Recommend(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined, misc]
    """K item ids with scores for users and histories.

    Input columns, both optional: `user_id` (text or null) and `history` (a list of item ids, oldest
    first, or JSON text of one, or null). Parameter `k`, 14 by default. Output columns: `user_id`,
    `item_ids`, `scores`, best first. An unknown user is answered from the history alone; an empty
    history, and a known user without one, get a sensible list: the model knows users, not histories.
    """

    def load_context(self, context: Any) -> None:
        """Make our package importable and remember the release's folder; it is read at the first question."""
        if "hm_pipeline" not in sys.modules:
            sys.path.insert(0, context.artifacts["wheel"])
        self._folder = context.artifacts["release"]
        self._release: Any = None

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """The lists of N rows; wrong types end in an error that a server answers with 400."""
        from hm_pipeline.errors import ModelError  # noqa: PLC0415
        from hm_pipeline.registry.serving import item_lists, recommend, user_ids  # noqa: PLC0415

        nothing = [None] * len(model_input)
        try:
            users = user_ids(model_input.get("user_id", nothing))
            histories = item_lists(model_input.get("history", nothing))
            items, scores = recommend(self._loaded(), users, histories, int((params or {}).get("k", 14)))
        except ModelError as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from error
        return pd.DataFrame({"user_id": pd.Series(users, dtype=object), "item_ids": items, "scores": scores})

    def _loaded(self) -> Any:
        if self._release is None:
            from pathlib import Path  # noqa: PLC0415

            from hm_pipeline.models.release import Release  # noqa: PLC0415

            self._release = Release.load(Path(self._folder))
        return self._release


mlflow.models.set_model(Recommend())
