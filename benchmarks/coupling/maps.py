"""Random smooth maps with a given kind of feedback, noisy maps, and maps made to tempt a false claim."""

from __future__ import annotations

import numpy as np

from benchmarks.coupling.problems import Problem, Vector

#: Real parts of the eigenvalues of the slope at the solution, for each kind.
KINDS = {
    "contractive": (-0.5, 0.9),
    "oscillating": (-0.95, -0.3),
    "diverging": (-3.0, -1.0),
    "mixed": (-2.0, 0.9),
}


def random_map(kind: str, size: int, seed: int, noise: float = 0.0, declared: bool = True) -> Problem:
    """``ln g = a + A (z - a) + 0.1 |A| (quadratic)``, z = ln x: eigenvalues as in ``KINDS``, eigenvectors askew."""
    rng = np.random.default_rng([sorted(KINDS).index(kind), size, seed])
    values = rng.uniform(*KINDS[kind], size)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0] + 0.2 * rng.normal(size=(size, size)) / np.sqrt(size)
    slope = basis @ np.diag(values) @ np.linalg.inv(basis)
    bend = 0.1 * np.abs(values).max() * rng.normal(size=(size, size))
    fixed = rng.uniform(-1, 1, size)
    ripple = rng.normal(size=(size, size)) * 1e7

    def exact(x: Vector) -> Vector:
        away = np.clip(np.log(x) - fixed, -5, 5)
        return np.asarray(np.exp(fixed + slope @ away + bend @ (away * away) / np.sqrt(size)))

    def noisy(x: Vector) -> Vector:
        return np.asarray(exact(x) * np.exp(noise * np.sin(ripple @ np.log(x))))

    start = np.exp(fixed + 0.3 * rng.normal(size=size))
    label = f"{kind}, n = {size}, seed {seed}" + (f", noise {noise:g}" if noise else "")
    if not noise:
        return Problem(label, f"random {kind} maps", exact, start)
    return Problem(
        label + ("" if declared else " undeclared"),
        "noisy maps",
        noisy,
        start,
        noise=noise if declared else 0.0,
        hidden_noise=0.0 if declared else noise,
        exact=exact,
    )


def tempting_maps() -> list[Problem]:
    """Maps on which a careless test claims convergence: slow, self-reinforcing, without any solution, flat far away."""

    def toward(slope: float) -> Problem:
        return Problem(
            f"slope {slope:g}", "tempting maps", lambda x: np.asarray(np.exp(slope * np.log(x))), np.array([1.05])
        )

    slopes = [toward(slope) for slope in (0.99, 0.999, 0.9999, 1.0001, 1.01, 1.5, -50.0, -0.99)]
    rng = np.random.default_rng(7)
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    slow = basis @ np.diag([0.9999, 0.9995, 0.999, 0.995, 0.99, 0.9]) @ basis.T
    spin = 0.999 * np.roll(np.eye(6), 1, axis=0)
    return [
        *slopes,
        Problem("six slow modes", "tempting maps", lambda x: np.asarray(np.exp(slow @ np.log(x))), np.full(6, 1.02)),
        Problem(
            "cycle of six",
            "tempting maps",
            lambda x: np.asarray(np.exp(spin @ np.log(x))),
            np.linspace(0.9, 1.2, 6),
        ),
        Problem("no solution: always 1e-3 more", "tempting maps", lambda x: x * 1.001, np.array([1.0])),
        Problem(
            "no solution: fades but never ends", "tempting maps", lambda x: x * (1 + 1e-3 / (1 + x**2)), np.array([1.0])
        ),
    ]
