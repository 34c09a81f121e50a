"""Everything this cloud has sold, on disk: a purchase is executed when `record` returns, and not before."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.moments import now_ms
from sandbox.purchase import Goods, Purchase

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()

VISIBLE = "o.executed_ms <= :now AND o.visible_ms <= :now"


class Ledger:
    """One SQLite file, one connection, one lock; durable at every commit (WAL, synchronous=FULL)."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def record(self, purchase: Purchase) -> None:
        """Raise sqlite3.IntegrityError when the order id is taken; nothing is written then."""
        goods = purchase.goods
        with self._transaction() as db:
            db.execute(
                "INSERT INTO orders (order_id, service, user_name, request_id, executed_ms, visible_ms,"
                " paid_ms, service_type, resource_type, spec, period_type, period_num, quantity, amount,"
                " enterprise_project_id, facts, body, body_sha256)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    purchase.order_id,
                    purchase.service,
                    purchase.user_name,
                    purchase.request_id,
                    purchase.executed_ms,
                    purchase.visible_ms,
                    purchase.paid_ms,
                    goods.service_type,
                    goods.resource_type,
                    goods.spec,
                    goods.period_type,
                    goods.period_num,
                    goods.quantity,
                    goods.amount,
                    goods.enterprise_project_id,
                    json.dumps(goods.facts),
                    purchase.body,
                    purchase.body_sha256,
                ),
            )
            items = [(item_id, purchase.order_id) for item_id in purchase.item_ids]
            db.executemany("INSERT INTO items (item_id, order_id) VALUES (?, ?)", items)
            tags = [(purchase.order_id, key, value) for key, value in goods.tags.items()]
            db.executemany("INSERT INTO tags (order_id, key, value) VALUES (?, ?, ?)", tags)

    def pay(self, order_id: str, moment: int) -> bool:
        """False when somebody else paid or cancelled it first."""
        return self._settle("paid_ms", order_id, moment)

    def cancel(self, order_id: str, moment: int) -> bool:
        return self._settle("cancelled_ms", order_id, moment)

    def _settle(self, column: str, order_id: str, moment: int) -> bool:
        with self._transaction() as db:
            changed = db.execute(
                f"UPDATE orders SET {column} = ? WHERE order_id = ?"  # noqa: S608 - two fixed names
                " AND paid_ms IS NULL AND cancelled_ms IS NULL",
                (moment, order_id),
            )
            return changed.rowcount == 1

    def reset(self) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM orders")

    def executed(self) -> list[Purchase]:
        """Every purchase that has happened by now, oldest first, visible to the look-back or not."""
        return self._select("o.executed_ms <= :now", {}, "o.executed_ms, o.seq")

    def newest(self, count: int) -> list[Purchase]:
        return self._select("o.executed_ms <= :now", {"limit": count}, "o.executed_ms DESC, o.seq DESC LIMIT :limit")

    def count(self) -> int:
        return self._number("SELECT count(*) FROM orders o WHERE o.executed_ms <= :now", {})

    def orders(self, where: str = "1", values: dict[str, object] | None = None, by: str = "o.seq") -> list[Purchase]:
        """Visible orders. `where` and `by` are SQL written by this package; `values` are the caller's."""
        return self._select(f"{VISIBLE} AND {where}", values or {}, by)

    def count_orders(self, where: str, values: dict[str, object]) -> int:
        return self._number(f"SELECT count(*) FROM orders o WHERE {VISIBLE} AND {where}", values)  # noqa: S608

    def items(
        self, where: str = "1", values: dict[str, object] | None = None, by: str = "i.seq"
    ) -> list[tuple[str, Purchase]]:
        """Visible items with their orders; item rows come in the order asked for."""
        sql = (
            "SELECT i.item_id AS this_item, o.* FROM items i JOIN orders o USING (order_id)"  # noqa: S608
            f" WHERE {VISIBLE} AND {where} ORDER BY {by}"
        )
        with self._lock:
            rows = self._db.execute(sql, {"now": now_ms(), **(values or {})}).fetchall()
            found = self._purchases(rows)
        return [(row["this_item"], purchase) for row, purchase in zip(rows, found, strict=True)]

    def count_items(self, where: str = "1", values: dict[str, object] | None = None) -> int:
        return self._number(
            "SELECT count(*) FROM items i JOIN orders o USING (order_id)"  # noqa: S608
            f" WHERE {VISIBLE} AND {where}",
            values or {},
        )

    def last_certificate_number(self) -> int:
        with self._lock:
            row = self._db.execute("SELECT max(item_id) AS last FROM items WHERE item_id GLOB 'scs*'").fetchone()
        return int(row["last"][3:]) if row["last"] else 0

    def secret(self, name: str, fresh: bytes) -> bytes:
        """A value that is chosen once and then survives restarts."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", (name, fresh))
            return bytes(db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()["value"])

    def _number(self, sql: str, values: dict[str, object]) -> int:
        with self._lock:
            return int(self._db.execute(sql, {"now": now_ms(), **values}).fetchone()[0])

    def _select(self, where: str, values: dict[str, object], by: str) -> list[Purchase]:
        sql = f"SELECT o.* FROM orders o WHERE {where} ORDER BY {by}"  # noqa: S608
        with self._lock:
            return self._purchases(self._db.execute(sql, {"now": now_ms(), **values}).fetchall())

    def _purchases(self, rows: Sequence[sqlite3.Row]) -> list[Purchase]:
        ids = sorted({row["order_id"] for row in rows})
        items = self._grouped("SELECT order_id, item_id FROM items WHERE order_id IN ({}) ORDER BY seq", ids)
        tags = self._grouped("SELECT order_id, key, value FROM tags WHERE order_id IN ({}) ORDER BY key", ids)
        return [_purchase(row, items.get(row["order_id"], []), tags.get(row["order_id"], [])) for row in rows]

    def _grouped(self, sql: str, ids: Sequence[str], size: int = 500) -> dict[str, list[sqlite3.Row]]:
        grouped: dict[str, list[sqlite3.Row]] = {}
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            for row in self._db.execute(sql.format(",".join("?" * len(part))), part):
                grouped.setdefault(row["order_id"], []).append(row)
        return grouped


def _purchase(row: sqlite3.Row, items: Iterable[sqlite3.Row], tags: Iterable[sqlite3.Row]) -> Purchase:
    goods = Goods(
        service_type=row["service_type"],
        resource_type=row["resource_type"],
        spec=row["spec"],
        period_type=row["period_type"],
        period_num=row["period_num"],
        quantity=row["quantity"],
        amount=row["amount"],
        enterprise_project_id=row["enterprise_project_id"],
        facts=json.loads(row["facts"]),
        tags={tag["key"]: tag["value"] for tag in tags},
    )
    return Purchase(
        order_id=row["order_id"],
        service=row["service"],
        user_name=row["user_name"],
        request_id=row["request_id"],
        executed_ms=row["executed_ms"],
        visible_ms=row["visible_ms"],
        paid_ms=row["paid_ms"],
        cancelled_ms=row["cancelled_ms"],
        goods=goods,
        body=row["body"],
        body_sha256=row["body_sha256"],
        item_ids=tuple(item["item_id"] for item in items),
    )
