"""LightGBM: growing trees, writing them as text, and asking them about one row in microseconds.

In:  arrays of features (NaN allowed) and labels.
Out: LightGBM's own model text, which is the same for the same data and seed; numbers.

This is the only file that imports LightGBM, which takes about a second with scipy and is paid only where there is a
model. `Booster.predict` costs 43 us a row, most of it Python; a forecast asks 18 boosters, so one row goes through
LightGBM's documented C call for single rows: 28 us for all 18 instead of 380.
"""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS_AT_MOST = 80
PATIENCE = 10  # rounds without gain on the choosing rows
PARAMETERS = {
    "learning_rate": 0.05,
    "num_leaves": 7,  # returns are nearly noise: shallow trees, few rounds, large leaves
    "min_data_in_leaf": 60,
    "feature_fraction": 0.8,
    "lambda_l2": 1.0,
    "num_threads": 1,  # with the next two: the same trees for the same data and seed
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
FLOAT64, NORMAL = 1, 0  # C_API_DTYPE_FLOAT64, C_API_PREDICT_NORMAL

Part = tuple[Floats, Floats]


class NoOpenMP(RuntimeError):
    """LightGBM is installed, and what it runs on is not."""


def load() -> Any:
    """The module lightgbm. raises: NoOpenMP with what to install: its wheels bring everything but that."""
    try:
        import lightgbm
    except OSError as error:
        raise NoOpenMP(
            f"LightGBM cannot be loaded ({error}): it needs the OpenMP runtime of the system. "
            "Debian and Ubuntu: apt-get install libgomp1; macOS: brew install libomp"
        ) from error
    return lightgbm


def grow(teach: Part, choose: Part, quantile: float | None, seed: int) -> str:
    """Trees for one quantile of the labels, or for their mean, as model text.

    teach, choose: features of shape (n, k) and labels of shape (n,); `choose` decides how many rounds are kept.
    quantile:      in (0, 1); None for the mean.
    """
    lightgbm = load()
    objective = {"objective": "regression"} if quantile is None else {"objective": "quantile", "alpha": quantile}
    learn = lightgbm.Dataset(*teach, params={"verbosity": -1, "num_threads": 1})
    booster = lightgbm.train(
        {**PARAMETERS, **objective, "seed": seed},
        learn,
        num_boost_round=ROUNDS_AT_MOST,
        valid_sets=[learn.create_valid(*choose)],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    return str(booster.model_to_string(num_iteration=booster.best_iteration))


class Trees:
    """One grown model: `many` rows at once, or `one` in microseconds; both give the same numbers."""

    def __init__(self, text: str, width: int) -> None:
        lightgbm = load()
        self._booster = lightgbm.Booster(model_str=text)
        self._library: Any = lightgbm.libpath._LIB
        self._fast = ctypes.c_void_p()
        self._length, self._result = ctypes.c_int64(), ctypes.c_double()
        handle, setup = self._booster._handle, ctypes.c_char_p(b"num_threads=1")
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                handle, NORMAL, 0, -1, FLOAT64, ctypes.c_int32(width), setup, ctypes.byref(self._fast)
            )
        )

    def many(self, features: Floats) -> Floats:
        """features: shape (n, k); returns shape (n,)."""
        return np.asarray(self._booster.predict(features, num_threads=1), np.float64)

    def one(self, address: int) -> float:
        """address: of k float64 in a row (`features.ctypes.data`), which the caller keeps alive."""
        row = ctypes.c_void_p(address)
        call = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._check(call(self._fast, row, ctypes.byref(self._length), ctypes.byref(self._result)))
        return self._result.value

    def _check(self, code: int) -> None:
        if code != 0:
            raise RuntimeError(f"LightGBM refused a call: {self._library.LGBM_GetLastError().decode()}")

    def __del__(self) -> None:
        if self._fast:
            self._library.LGBM_FastConfigFree(self._fast)
