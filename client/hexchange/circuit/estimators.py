"""Fitted scikit-learn estimators from released numbers, in the columns' own units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hexchange.circuit.document import Column
from hexchange.circuit.least_squares import Fit
from hexchange.circuit.moments import Moments, names


def fitted(model: Any, features: tuple[Column, ...], learnt: Mapping[str, Any]) -> Any:
    """`model` with what it learnt, as `fit` would have left it on a DataFrame of `features`."""
    model.feature_names_in_ = np.array(names(features), dtype=object)
    model.n_features_in_ = len(features)
    for name, value in learnt.items():
        setattr(model, name, value)
    return model


def regressor(model: Any, fit: Fit, moments: Moments) -> Any:
    """A linear regression. Of an exact release it says in `coef_error_` and `intercept_error_` how far each number
    can be from that of the same regression on clear columns."""
    learnt = {"coef_": fit.coefficients, "intercept_": fit.intercept}
    if not moments.noise():
        learnt |= {"coef_error_": fit.coefficient_errors, "intercept_error_": fit.intercept_error}
    return fitted(model, fit.features, learnt)
