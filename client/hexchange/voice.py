"""The voice of a role's service: what happens, said once, and the trouble of one job kept its own."""

from __future__ import annotations

from collections.abc import Callable

from hexchange.errors import HexchangeError, NodeUnreachable, StaleNode

Tell = Callable[[str, int, str], None]
"""Hears what happens: a word for it, the job (0: none) and a sentence. Never a value of a table."""


class Voice:
    """Says what a service does. What comes up at every tick is said when it is new."""

    def __init__(self, tell: Tell) -> None:
        self.say = tell
        self._said: dict[tuple[str, int], str] = {}

    def once(self, word: str, job: int, sentence: str) -> None:
        """`say`, unless it was the last that was said with this word of this job."""
        if self._said.get((word, job)) != sentence:
            self._said[word, job] = sentence
            self.say(word, job, sentence)

    def guard(self, job: int, act: Callable[[], None]) -> None:
        """Do `act` for one job; what stops it stops no other. Raises NodeUnreachable and StaleNode, which stop all."""
        try:
            act()
        except (NodeUnreachable, StaleNode):
            raise
        except HexchangeError as error:
            self.once("stuck", job, error.message)
