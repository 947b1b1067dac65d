"""How far one row can move a result: the joint L2 sensitivity of all outputs, from what is declared.

Neighbouring tables differ in one row, present or zeroed; the number of rows is public. A sum over rows of
f(row) then moves by f(row) - f(0), where f is a polynomial in columns of [-1, 1] and the row's Euclidean
length is at most R, the declared norm. Trained weights move by what `bounding` proves of bounded steps; Nesterov
steps over whitened rows and per-row outputs have no useful bound.
"""

from __future__ import annotations

from collections import defaultdict
from math import sqrt

from hexchange.circuit.bounding import one_row
from hexchange.circuit.counting import count_sensitivity, input_name
from hexchange.circuit.document import Binary, BoundedDescend, Circuit, Indicator, Read, Sum, Unary

#: A monomial as its columns' names, sorted, with repetition; a polynomial as its coefficients.
Monomial = tuple[str, ...]
Polynomial = dict[Monomial, float]

#: A coefficient below this vanishes among the rounding of constants, and with it what it multiplies.
LEAST_COEFFICIENT = 2.0**-24
#: Circuits whose polynomials have more terms than this in all are not followed.
_MOST_TERMS = 1_000_000
#: A term of a product takes this many times as long as one of a sum: it is sorted, and gathered with its equals.
_PRODUCT_TERM = 4


def sensitivity(circuit: Circuit) -> float | None:
    """Joint L2 sensitivity in the circuit's own units, or None where it is not bounded."""
    if isinstance(circuit.nodes[0], BoundedDescend):
        return one_row(circuit.nodes[0], circuit.table.rows)
    if not all(isinstance(circuit.nodes[output.node], Sum) for output in circuit.outputs):
        return None
    if circuit.profile.scheme == "bfv":
        return count_sensitivity(circuit)
    rows = polynomials(circuit)
    if rows is None:
        return None
    summed = [rows[circuit.nodes[output.node].of[0]] for output in circuit.outputs]
    return sqrt(_joint(summed, circuit.table.norm))


def polynomials(circuit: Circuit) -> list[Polynomial] | None:
    """Each node as a polynomial in the columns of one row; None for training or above the limit of terms."""
    found: list[Polynomial] = []
    left = _MOST_TERMS
    for node in circuit.nodes:
        polynomial: Polynomial
        of = [found[index] for index in node.of]
        match node:
            case Read():
                polynomial = {(node.column,): 1.0}
            case Indicator():
                polynomial = {(input_name(node.column, node.value),): 1.0}
            case Binary(op="multiply"):
                left -= _PRODUCT_TERM * len(of[0]) * len(of[1])
                if left < 0:
                    return None
                polynomial = _product(*of)
            case Binary():
                polynomial = _combined(of[0], of[1], 1.0 if node.op == "add" else -1.0)
            case Unary(op="scale"):
                polynomial = {monomial: value * node.by for monomial, value in of[0].items()}
            case Unary():
                polynomial = _combined(of[0], {(): node.by}, 1.0)
            case Sum():
                polynomial = of[0]
            case _:
                return None
        found.append({monomial: value for monomial, value in polynomial.items() if value != 0})
        left -= len(polynomial)
        if left < 0:
            return None
    return found


def _joint(summed: list[Polynomial], norm: float | None) -> float:
    """Bound of the squared length of (f_1(row), .., f_m(row)).

    Outputs with one term each share the row's length: over different monomials of one kind the weighted sum
    of squares is at most the largest weight times what the kind can reach. Others count for themselves.
    """
    weights: dict[Monomial, float] = defaultdict(float)
    apart = 0.0
    for polynomial in summed:
        terms = {monomial: value for monomial, value in polynomial.items() if monomial}
        if len(terms) == 1:
            ((monomial, value),) = terms.items()
            weights[monomial] += value**2
        else:
            apart += sum(abs(value) for value in terms.values()) ** 2
    kinds: dict[tuple[int, int], list[float]] = defaultdict(list)
    for monomial, weight in weights.items():
        kinds[len(monomial), len(set(monomial))].append(weight)
    alone = {kind: _kind(*kind, values, norm) for kind, values in kinds.items()}
    squares, products = kinds.get((2, 1), []), kinds.get((2, 2), [])
    if norm is not None and squares and products:
        width = len({name for monomial in weights for name in monomial})
        together = _products(max(squares), max(products), width, norm**2)
        spared = max(0.0, alone[2, 1] + alone[2, 2] - together)
        return apart + sum(alone.values()) - spared
    return apart + sum(alone.values())


def _products(square: float, product: float, width: int, length: float) -> float:
    """Bound of square * Σ x_i⁴ + product * Σ_{i<j} x_i² x_j² over rows of `width` columns with Σ x_i² <= length.

    With f the sum of fourth powers it is product * (length² - f) / 2 + square * f, and f lies between
    length² / width and the lesser of length and length².
    """
    least, most = length**2 / width, min(length, length**2)
    fourth = most if square >= product / 2 else min(least, most)
    return product * length**2 / 2 + (square - product / 2) * fourth


def _kind(degree: int, distinct: int, weights: list[float], norm: float | None) -> float:
    """Bound of the weighted squares over monomials of one degree and number of distinct columns."""
    total = sum(weights)  # each column is at most 1
    if norm is None:
        return total
    square = norm**2
    if distinct == 1:  # x^degree: sum of x^2d <= sum of x² if |x| <= 1, and <= (sum of x²)^d
        reach = min(square, square**degree)
    elif degree == distinct:  # products of different columns: a symmetric function of the squares
        reach = square**degree / 2
    else:
        reach = square**degree
    return min(total, max(weights) * reach)


def _combined(left: Polynomial, right: Polynomial, sign: float) -> Polynomial:
    result = dict(left)
    for monomial, value in right.items():
        result[monomial] = result.get(monomial, 0.0) + sign * value
    return result


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    result: Polynomial = defaultdict(float)
    for one, value in left.items():
        for other, factor in right.items():
            result[tuple(sorted((*one, *other)))] += value * factor
    return dict(result)
