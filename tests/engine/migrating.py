"""Kills itself at step K of bringing an old history up to date: `python -m tests.engine.migrating FOLDER`.

FOLDER holds an old file; for each K a copy of it is opened in a process of its own, which kills itself after K times
`GRAIN` instructions of SQLite. Prints how often, the last copy not counted, which came to its end.
"""

import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

from liqtui.engine import database
from liqtui.engine.history import FILE, History

GRAIN = 3000


class Killing(sqlite3.Connection):
    left = 0

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.set_progress_handler(self._step, GRAIN)

    def _step(self):
        Killing.left -= 1
        if not Killing.left:
            os.kill(os.getpid(), signal.SIGKILL)


def opened(folder, step):
    """Whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        Killing.left = step
        connect = sqlite3.connect
        sqlite3.connect = lambda *args, **more: connect(*args, **more | {"factory": Killing})
        database._SPARE = 0  # so that even a small file is packed, and killed in it
        history = History(folder)
        os._exit(bool(history.notice))
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(f"step {step}: the history could not be opened")
    return status == 0


if __name__ == "__main__":
    where = Path(sys.argv[1])
    number, whole = 0, False
    while not whole:
        number += 1
        place = where / f"k{number}"
        place.mkdir()
        shutil.copy(where / FILE, place)
        whole = opened(place, number)
    print(number - 1)
