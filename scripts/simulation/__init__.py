"""What hostile stake can do to the market: whole jobs in forge, many more in NumPy, both against what is expected.

`rules` is who takes part and what is paid, `law` the exact odds by counting, `market` the same jobs drawn at random,
seat by seat, `forge` the figures of tests/forge/Simulation.t.sol, `compare` whether the three agree, `page` the page.
"""
