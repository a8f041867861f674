"""Waits for snapshots that come from an engine's thread."""

import threading

PATIENCE = 10.0
"""Only reached when something is broken."""


class Seen:
    def __init__(self, engine):
        self.engine = engine
        self.news = threading.Condition()
        engine.subscribe(self.hear)

    def hear(self, version):
        with self.news:
            self.news.notify_all()

    def until(self, wanted):
        """The first snapshot that is as wanted; fails when none comes."""
        self.wait(lambda: wanted(self.engine.snapshot()))
        return self.engine.snapshot()

    def wait(self, wanted):
        with self.news:
            for _ in range(int(PATIENCE / 0.05)):
                if self.news.wait_for(wanted, 0.05):
                    return
        raise AssertionError(self.engine.snapshot())
