"""The tables of the history, as scripts from one version to the next. `docs/history.md` explains them."""

from __future__ import annotations

FILE = "history.sqlite"

READING = ("block_at", "nearest", "sigmas", "eta", "unsafe")
"""Columns of a sample that a later version added, as `core.rehearse.Point` names them."""

MIGRATIONS = (
    """
    CREATE TABLE position (
        id INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, protocol TEXT NOT NULL, market TEXT NOT NULL,
        wallet TEXT NOT NULL, market_id TEXT NOT NULL, open INTEGER NOT NULL,
        UNIQUE (chain_id, protocol, market, wallet, market_id));
    CREATE TABLE sample (
        position TEXT NOT NULL, at REAL NOT NULL, block INTEGER NOT NULL, health TEXT NOT NULL, cushion REAL,
        PRIMARY KEY (position, at)) WITHOUT ROWID;
    CREATE INDEX sample_at ON sample (at);
    CREATE TABLE round (
        chain_id INTEGER NOT NULL, feed TEXT NOT NULL, at INTEGER NOT NULL, factor TEXT NOT NULL,
        answer TEXT NOT NULL, PRIMARY KEY (chain_id, feed, at)) WITHOUT ROWID;
    CREATE INDEX round_at ON round (at);
    CREATE TABLE alert (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, severity TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
        text TEXT NOT NULL, position TEXT NOT NULL, cure TEXT NOT NULL, acked_at REAL, block INTEGER);
    CREATE TABLE memory (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE trail (
        place TEXT NOT NULL, wallet TEXT NOT NULL, next_block INTEGER NOT NULL, found TEXT NOT NULL,
        PRIMARY KEY (place, wallet)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE alert ADD COLUMN level TEXT NOT NULL DEFAULT 'notice';
    ALTER TABLE alert ADD COLUMN positions TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE alert ADD COLUMN facts TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE alert ADD COLUMN cause TEXT NOT NULL DEFAULT '';
    ALTER TABLE alert ADD COLUMN snoozed_until REAL;
    ALTER TABLE alert ADD COLUMN over_at REAL;
    ALTER TABLE alert ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE alert ADD COLUMN held TEXT NOT NULL DEFAULT '';
    UPDATE alert SET level = CASE severity WHEN 'warn' THEN 'call' WHEN 'blind' THEN 'call' WHEN 'unknown' THEN 'call'
        WHEN 'ok' THEN 'notice' ELSE severity END,
        positions = CASE position WHEN '' THEN '[]' ELSE json_array(position) END;
    """,
    """
    CREATE TABLE feed (
        chain_id INTEGER NOT NULL, feed TEXT NOT NULL, label TEXT NOT NULL, decimals INTEGER NOT NULL,
        PRIMARY KEY (chain_id, feed)) WITHOUT ROWID;
    CREATE TABLE reliance (
        position TEXT NOT NULL, chain_id INTEGER NOT NULL, feed TEXT NOT NULL, since REAL NOT NULL, until REAL,
        PRIMARY KEY (position, chain_id, feed)) WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY, alert INTEGER NOT NULL, at REAL, what TEXT NOT NULL, by TEXT NOT NULL,
        detail TEXT NOT NULL);
    CREATE INDEX event_alert ON event (alert);
    """,
    """
    CREATE TABLE delivery (
        alert INTEGER NOT NULL, channel TEXT NOT NULL, escalation INTEGER NOT NULL, state TEXT NOT NULL,
        tries INTEGER NOT NULL, made_at REAL NOT NULL, at REAL NOT NULL, next_at REAL, reason TEXT NOT NULL,
        PRIMARY KEY (alert, channel, escalation)) WITHOUT ROWID;
    """,
    """
    CREATE TABLE silence (
        position TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL,
        PRIMARY KEY (position, since)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE sample ADD COLUMN block_at INTEGER;
    ALTER TABLE sample ADD COLUMN nearest REAL;
    ALTER TABLE sample ADD COLUMN sigmas REAL;
    ALTER TABLE sample ADD COLUMN eta REAL;
    ALTER TABLE sample ADD COLUMN unsafe INTEGER;
    """,
    """
    CREATE TABLE position_number (number INTEGER PRIMARY KEY, position TEXT NOT NULL UNIQUE);
    INSERT INTO position_number (position)
        SELECT position FROM sample UNION SELECT position FROM silence ORDER BY position;
    CREATE TABLE feed_number (
        number INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, feed TEXT NOT NULL, UNIQUE (chain_id, feed));
    INSERT INTO feed_number (chain_id, feed) SELECT DISTINCT chain_id, feed FROM round ORDER BY chain_id, feed;

    CREATE TABLE reading (
        position INTEGER NOT NULL, at REAL NOT NULL, block INTEGER NOT NULL, health NOT NULL, cushion REAL,
        block_at INTEGER, nearest REAL, sigmas REAL, eta REAL, unsafe INTEGER,
        PRIMARY KEY (position, at)) WITHOUT ROWID;
    INSERT INTO reading SELECT number, at, block,
        CASE WHEN CAST(CAST(health AS INTEGER) AS TEXT) = health THEN CAST(health AS INTEGER) ELSE health END,
        cushion, block_at, nearest, sigmas, eta, unsafe
        FROM position_number JOIN sample USING (position) ORDER BY number, at;
    DROP TABLE sample;
    CREATE INDEX reading_at ON reading (at);
    CREATE VIEW sample AS SELECT n.position, r.at, r.block, CAST(r.health AS TEXT) AS health, r.cushion, r.block_at,
        r.nearest, r.sigmas, r.eta, r.unsafe FROM position_number n JOIN reading r ON r.position = n.number;

    CREATE TABLE gap (
        position INTEGER NOT NULL, since REAL NOT NULL, until REAL NOT NULL,
        PRIMARY KEY (position, since)) WITHOUT ROWID;
    INSERT INTO gap SELECT number, since, until FROM position_number JOIN silence USING (position) ORDER BY 1, 2;
    DROP TABLE silence;
    CREATE VIEW silence AS SELECT n.position, g.since, g.until
        FROM position_number n JOIN gap g ON g.position = n.number;

    CREATE TABLE answer (
        feed INTEGER NOT NULL, at INTEGER NOT NULL, factor TEXT NOT NULL, answer TEXT NOT NULL,
        PRIMARY KEY (feed, at)) WITHOUT ROWID;
    INSERT INTO answer SELECT number, at, factor, answer FROM feed_number JOIN round USING (chain_id, feed)
        ORDER BY 1, 2;
    DROP TABLE round;
    CREATE INDEX answer_at ON answer (at);
    CREATE VIEW round AS SELECT n.chain_id, n.feed, a.at, a.factor, a.answer
        FROM feed_number n JOIN answer a ON a.feed = n.number;
    """,
)
"""Script n brings a file from version n to n + 1; `user_version` says where it stands.

The last one gives positions and feeds small numbers, since their ids were most of each row, and keeps health as an
integer where it fits. `sample`, `silence` and `round` read as before, also to who opened the file before it changed.
"""
