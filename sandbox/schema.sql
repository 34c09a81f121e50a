CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);

-- Every *_ms column may lie in the future: a late execution is a row whose time has not come yet,
-- so it happens on time even when the process is killed in between.
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    user_name TEXT NOT NULL,
    request_id TEXT NOT NULL,
    executed_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    paid_ms INTEGER,
    cancelled_ms INTEGER,
    service_type TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    spec TEXT NOT NULL,
    period_type INTEGER NOT NULL,
    period_num INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    amount REAL NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    body TEXT NOT NULL,
    body_sha256 TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (executed_ms);

CREATE TABLE IF NOT EXISTS items (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL REFERENCES orders (order_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS items_by_order ON items (order_id);

CREATE TABLE IF NOT EXISTS tags (
    order_id TEXT NOT NULL REFERENCES orders (order_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (order_id, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_by_value ON tags (key, value);
