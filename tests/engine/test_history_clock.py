"""A clock that is set back, or shows a wrong year for a while: samples go on at once, and two times never mix."""

from math import isnan
from random import Random

import pytest

from liqtui.core.clock import FrozenClock
from liqtui.engine.history import PATIENCE, SPACING, History
from tests.engine.desk import row
from tests.engine.fakes import START
from tests.engine.kept import NAME, sample

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0


class Machine:
    """Time passes; the wall clock is off by `skew`."""

    def __init__(self, folder=None):
        self.folder, self.passed, self.skew, self.health = folder, FrozenClock(0.0), 0.0, 1.5
        self.history = None
        self.start()

    def start(self):
        if self.history is not None:
            self.history.close()
        self.history = History(self.folder, keep_days=10_000, monotonic=self.passed.monotonic)

    @property
    def now(self):
        return START + self.passed.at + self.skew

    def read(self, times=1, every=SPACING, health=None):
        """So many readings; returns their times."""
        self.health = self.health if health is None else health
        found = []
        for _ in range(times):
            self.passed.advance(every)
            self.history.sample(sample(self.now, self.health))
            found.append(self.now)
        self.history.flush(self.now)
        return found

    def kept(self, since=0.0, until=None):
        until = self.now if until is None else until
        return [(at, health) for at, health in self.history.samples(NAME, since) if at <= until]


@pytest.fixture
def machine():
    made = []

    def make(folder=None):
        made.append(Machine(folder))
        return made[-1]

    yield make
    for each in made:
        each.history.close()


def test_samples_go_on_at_once_and_take_the_place_of_what_is_dated_later(machine):
    made = machine()
    before = made.read(120, health=1.5)
    made.skew = -HOUR
    back = made.read(10, health=1.2)
    assert [at for at, health in made.kept() if health == 1.2] == back
    line = made.kept(back[0])
    assert [health for _, health in line] == [1.2] * 10, "of what was read at the same hour before nothing is between"
    assert made.kept(until=back[0] - 1) == [(at, 1.5) for at in before if at < back[0]], "what was before it stays"
    back += made.read(70)
    assert made.kept(back[0], until=2 * made.now) == [(at, 1.2) for at in back], "and nothing is left of it"


def test_a_few_seconds_cost_nothing(machine):
    made = machine()
    first = made.read(10)
    made.skew = -5.0
    assert made.kept() == [(at, 1.5) for at in first if at <= made.now]
    second = made.read(10)
    assert made.kept() == [(at, 1.5) for at in (*first, *second[1:])], "less than a minute after the last one is none"


def test_a_wrong_year_for_a_minute_costs_nothing_of_what_was_kept(machine):
    made = machine()
    before = made.read(120)
    made.skew = -20 * YEAR
    wrong = made.read(1)
    made.skew = 0.0
    after = made.read(10)
    assert made.kept(until=START) == [(wrong[0], 1.5)]
    assert [at for at, _ in made.kept(START)] == [*before, *after]
    assert not any(isnan(health) for _, health in made.kept())


def test_a_wrong_year_and_a_silence_before_it_is_right_again(machine):
    made = machine()
    before = made.read(10)
    made.skew = -20 * YEAR
    made.read(3)
    made.skew, made.passed.at = 0.0, made.passed.at + HOUR
    after = made.read(2)
    silent = [at for at, health in made.kept() if isnan(health)]
    assert silent == [before[-1], after[0]]


def test_a_clock_that_is_nearly_right_again_goes_on_over_what_is_left(machine):
    made = machine()
    before = made.read(30)
    made.skew = -20 * YEAR
    made.read(3)
    made.skew = -600.0
    after = made.read(20, health=1.2)
    assert made.kept(START) == [(at, 1.5) for at in before if at < after[0]] + [(at, 1.2) for at in after]


def test_a_silence_meanwhile_is_one_and_covers_nothing(machine):
    made = machine()
    made.read(120)
    made.skew = -HOUR
    back = made.read(10, health=1.2)
    made.passed.advance(10 * PATIENCE)
    after = made.read(10)
    line = made.kept(back[0])
    assert [at for at, health in line if not isnan(health)] == [*back, *after]
    assert [at for at, health in line if isnan(health)] == [back[-1], after[0]]


def test_a_silence_of_before_is_no_silence_now(machine):
    made = machine()
    made.read(10)
    made.passed.advance(10 * PATIENCE)
    made.read(30)
    made.skew = -2 * HOUR
    made.read(200, health=1.2)
    assert not any(isnan(health) for _, health in made.kept())


def test_a_clock_that_was_set_back_while_nothing_ran(machine, tmp_path):
    made = machine(tmp_path)
    before = made.read(120)
    made.skew = -HOUR
    made.start()
    back = made.read(30, health=1.2)
    assert made.kept(back[0]) == [(at, 1.2) for at in back]
    made.start()
    back += made.read(60)
    assert made.kept(back[0], until=2 * made.now) == [(at, 1.2) for at in back]
    assert made.kept(until=back[0] - 1) == [(at, 1.5) for at in before if at < back[0]]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_clock_does_what_was_read_since_is_all_there_is(machine, seed):
    dice, made = Random(seed), machine()
    line = []
    for step in range(150):
        if dice.random() < 0.1:
            was, made.skew = made.now, dice.choice((0.0, -HOUR, -3 * HOUR, HOUR, -DAY, 600.0, -600.0))
            line = line if made.now == was else []
        health = 1.0 + step / 1000
        line += [(at, health) for at in made.read(1, every=dice.choice((60.0, 90.0, 400.0)), health=health)]
        told = [each for each in made.kept(line[0][0]) if not isnan(each[1])]
        assert told == line
        assert told == sorted(told)


def test_what_is_too_old_is_forgotten_although_the_clock_was_set_back_by_a_year(tmp_path):
    history = History(tmp_path, keep_days=1, monotonic=lambda: 0.0)
    history.flush(START + YEAR)
    history.sample(sample(START))
    history.flush(START)
    history.flush(START + 2 * DAY)
    assert history.samples(NAME, 0) == []
    history.close()


def test_trend_and_outline_of_a_position_go_on(desk):
    made = desk()
    for place in range(30):
        made.round(60, price=2000 - 10 * place)
    slope = row(made.monitor.publish(made.now)).trend
    made.now -= 5 * HOUR
    made.monitor.publish(made.now)
    for node in made.nodes.values():
        node.time = int(made.now)
    found = row(made.round(60, price=1690))
    assert found.trend == pytest.approx(slope - 0.016 / 2, abs=0.012)
    assert found.trend_window == pytest.approx(30 * 60, abs=120)
    assert found.spark[-1] is not None
    kept = made.history.samples
    made.monitor.save(made.now)
    assert kept(found.id, made.now - 1), "and it is recorded"


def test_a_start_takes_nothing_of_the_future(desk, tmp_path):
    made = desk(folder=tmp_path)
    for _ in range(30):
        made.round(60, price=1000)
    ended = made.now
    made.now -= 3 * HOUR
    for node in made.nodes.values():
        node.time = int(made.now)
    made.restart(tmp_path)
    while made.now < ended:
        found = row(made.round(600, price=2000))
    assert min(filter(None, found.spark)) == 1.6
