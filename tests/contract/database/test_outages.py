"""What is said when a database cannot be reached, is in somebody's way, or comes back."""

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobFilter
from calculation_engine.db.session import Again, Sessions, Transaction
from calculation_engine.db.tables import jobs
from calculation_engine.errors import DatabaseUnavailable, InvalidInput, NotFound
from tests.contract.database.cases import Maker, Together


class Proxy:
    """A port that leads to a server until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.open()

    def open(self) -> None:
        """Listen, on the same port as before."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        """Close every connection and listen no more."""
        for each in (self.listener, *self.sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
                self.sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def behind_a_proxy(mariadb_url: str) -> Iterator[tuple[Database, Proxy]]:
    """A MariaDB that can be cut off."""
    url = sqlalchemy.make_url(mariadb_url)
    proxy = Proxy(url.host or "127.0.0.1", url.port or 3306)
    database = Database(url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False))
    database.migrate()
    yield database, proxy
    proxy.cut()
    database.close()


@pytest.mark.needs("mariadb")
def test_server_that_goes_away_is_told_and_heals_when_it_is_back(behind_a_proxy: tuple[Database, Proxy]) -> None:
    database, proxy = behind_a_proxy
    make = Maker(database)
    job_id = make.stored()

    proxy.cut()
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            database.jobs.get(job_id)
        with pytest.raises(DatabaseUnavailable):
            database.check()
    proxy.open()

    assert database.jobs.get(job_id).id == job_id
    database.check()


@pytest.mark.needs("mariadb")
def test_server_that_goes_away_within_a_transaction_undoes_it(behind_a_proxy: tuple[Database, Proxy]) -> None:
    database, proxy = behind_a_proxy
    make = Maker(database)
    job_id = make.stored()

    def work(tx: Transaction) -> None:
        tx.run(jobs.update().values(name="half"))
        proxy.cut()
        tx.run(jobs.update().values(name="whole"))

    with pytest.raises(DatabaseUnavailable):
        database.sessions.write(work)
    proxy.open()

    assert database.jobs.get(job_id).name == "a job"


@pytest.mark.needs("mariadb")
def test_connections_that_the_server_closed_are_replaced_unnoticed(mariadb_url: str, together: Together) -> None:
    database = Database(mariadb_url)
    database.migrate()
    together(4, lambda _: database.jobs.find(JobFilter()))
    ids = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    killer = sqlalchemy.create_engine(mariadb_url, poolclass=sqlalchemy.NullPool)
    with killer.connect() as connection:
        for connection_id in connection.execute(text(ids)).scalars().all():
            connection.execute(text(f"KILL {connection_id}"))

    assert together(4, lambda _: database.jobs.find(JobFilter())) == [([], None)] * 4
    database.close()


@pytest.mark.needs("mariadb")
@pytest.mark.parametrize(
    ("change", "hint"),
    [({"password": "secret-but-wrong"}, "password"), ({"database": "ce_test_absent"}, "CREATE DATABASE|rights")],
)
def test_refused_connection_says_what_to_check(mariadb_url: str, change: dict[str, Any], hint: str) -> None:
    url = sqlalchemy.make_url(mariadb_url).set(username="nobody", **change)
    if "database" in change:
        url = url.set(username=sqlalchemy.make_url(mariadb_url).username)
    database = Database(url.render_as_string(hide_password=False))

    with pytest.raises(DatabaseUnavailable, match=hint) as refused:
        database.check()

    assert "secret-but-wrong" not in str(refused.value)
    database.close()


def test_port_without_a_server_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = Database(f"mysql+pymysql://ce:secret@127.0.0.1:{port}/ce")

    with pytest.raises(DatabaseUnavailable, match=str(port)) as refused:
        database.migrate()

    assert refused.value.retryable
    assert "secret" not in str(refused.value)


def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "ce.sqlite"
    file.write_text("a letter, not a database\n" * 1000)
    database = Database(f"sqlite:///{file}")

    with pytest.raises(DatabaseUnavailable, match="not a database"):
        database.check()
    database.close()


def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DatabaseUnavailable, match="folder"):
        Database(f"sqlite:///{tmp_path / 'file' / 'ce.sqlite'}")


def test_writer_that_stays_is_told_after_some_patience(tmp_path: Path) -> None:
    file = tmp_path / "ce.sqlite"
    Database(f"sqlite:///{file}").migrate()
    sessions = Sessions(f"sqlite:///{file}", patience_seconds=0.2)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnavailable, match="in the way"):
        sessions.write(lambda tx: tx.run(jobs.delete()))
    assert sessions.read(lambda tx: tx.run(jobs.select()).all()) == []
    other.close()

    sessions.write(lambda tx: tx.run(jobs.delete()))
    sessions.close()


def test_transaction_is_begun_again_after_another_came_in_between(database: Database, make: Maker) -> None:
    job_id = make.stored()
    seen: list[str] = []

    def work(tx: Transaction) -> None:
        seen.append(tx.run(jobs.select()).one().name)
        tx.run(jobs.update().values(name="written"))
        if len(seen) < 3:
            raise Again

    database.sessions.write(work)

    assert seen == ["a job"] * 3
    assert database.jobs.get(job_id).name == "written"


@pytest.mark.needs("mariadb")
def test_deadlock_is_resolved_by_beginning_again(mariadb_url: str, together: Together) -> None:
    database = Database(mariadb_url)
    database.migrate()
    make = Maker(database)
    ids = [make.stored(), make.stored()]
    both = threading.Barrier(2)
    tries: list[int] = []

    def lock_in_order(number: int) -> None:
        def work(tx: Transaction) -> None:
            tries.append(number)
            first, second = ids if number == 0 else ids[::-1]
            tx.run(jobs.update().where(jobs.c.id == first).values(name=str(number)))
            if len(tries) <= 2:
                both.wait(timeout=10)
            tx.run(jobs.update().where(jobs.c.id == second).values(name=str(number)))

        database.sessions.write(work)

    together(2, lock_in_order)

    assert len(tries) == 3
    assert len({database.jobs.get(job_id).name for job_id in ids}) == 1
    database.close()


def test_exception_of_the_work_itself_undoes_it(database: Database, make: Maker) -> None:
    job_id = make.stored()

    def work(tx: Transaction) -> None:
        tx.run(jobs.delete())
        raise NotFound("nothing")

    with pytest.raises(NotFound):
        database.sessions.write(work)

    assert database.jobs.get(job_id).id == job_id


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_url_of_another_kind_is_refused_with_examples(url: str) -> None:
    with pytest.raises(InvalidInput, match="for example sqlite:///"):
        Database(url)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mariadb+pymysql", "mysql+pymysql"])
def test_every_spelling_of_a_mariadb_url_is_understood(scheme: str) -> None:
    sessions = Sessions(f"{scheme}://user:secret@host/name")

    assert sessions.place == "mysql+pymysql://user:***@host/name"
