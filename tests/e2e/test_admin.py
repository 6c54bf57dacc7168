"""``calculation-engine admin`` on a real data folder, and what a server says that has no room."""

import json
from pathlib import Path

import httpx2
import pytest

from tests.e2e.cli_place import ce, make_modules, read_document, running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in whose ``data`` two jobs have run."""
    folder = tmp_path_factory.mktemp("admin")
    make_modules(folder)
    for factor in ("2", "3"):
        words = ["run", "--module", "scaling", "--set", f"factor={factor}", "--input", "table=table.csv"]
        made = ce(*words, folder=folder, **settings(folder))
        assert made.returncode == 0, made.stderr
    return folder


def settings(folder: Path, data: str = "data", **more: str) -> dict[str, str]:
    return {"CE_MODULE_PATH": str(folder / "modules"), "CE_DATA_DIR": str(folder / data)} | more


def test_du_tells_what_uses_the_disk(folder: Path) -> None:
    told = json.loads(ce("admin", "du", "--json", folder=folder, **settings(folder)).stdout)

    assert told["jobs"] == {"succeeded": 2}
    assert told["parts"]["stored files"] > 0
    assert {job["bytes"] > 0 for job in told["largest"]} == {True}
    text = ce("admin", "du", folder=folder, **settings(folder)).stdout
    assert "stored files" in text
    assert "free on its disk" in text
    assert "2 succeeded" in text


def test_backup_comes_back_in_another_place_and_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    saved = ce("admin", "backup", str(tmp_path / "backups"), "--json", folder=folder, **settings(folder))
    assert saved.returncode == 0, saved.stderr
    assert json.loads(saved.stdout)["jobs"] == 2

    words = ["admin", "restore", str(tmp_path / "backups")]
    back = ce(*words, folder=folder, **settings(folder, "restored"))
    assert back.returncode == 0, back.stderr
    assert back.stdout.startswith("restored 2 jobs")

    here, there = (
        ce("job", "list", "--json", folder=folder, **settings(folder, name)) for name in ("data", "restored")
    )
    assert here.stdout == there.stdout
    again = ce(*words, folder=folder, **settings(folder, "restored"))
    assert again.returncode == 1
    assert "it has jobs already" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restore", "nowhere"], "there is no backup in it"),
        (["restore", "nowhere", "--name", "x"], "there is no backup x in it"),
        (["backup", "data/inside"], "lies in the data folder"),
        (["prune", "--keep-days", "0"], "expected more than 0"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(folder: Path, words: list[str], said: str) -> None:
    refused = ce("admin", *words, folder=folder, **settings(folder))

    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_prune_names_and_then_deletes_what_no_rule_keeps(folder: Path) -> None:
    copy = settings(folder, "pruned")
    saved = ce("admin", "backup", "backups", folder=folder, **settings(folder))
    assert saved.returncode == 0, saved.stderr
    ce("admin", "restore", "backups", folder=folder, **copy)

    nothing = json.loads(ce("admin", "prune", "--json", folder=folder, **copy).stdout)
    named = ce("admin", "prune", "--keep-last", "1", "--dry-run", folder=folder, **copy).stdout.split()
    done = json.loads(ce("admin", "prune", "--keep-last", "1", "--json", folder=folder, **copy).stdout)

    assert nothing["jobs"] == []
    assert len(named) == 1
    assert done["jobs"] == named
    left = json.loads(ce("job", "list", "--json", folder=folder, **copy).stdout)
    assert len(left) == 1


def test_migrate_makes_the_tables_once(folder: Path) -> None:
    fresh = settings(folder, "fresh")
    (folder / "fresh").mkdir()
    first, second = (json.loads(ce("admin", "migrate", "--json", folder=folder, **fresh).stdout) for _ in range(2))

    assert first["before"] is None
    assert first["after"] == second["before"] == second["after"]


def test_server_without_room_refuses_jobs_and_files_and_says_so(folder: Path) -> None:
    full = settings(folder, CE_DISK_FREE="1000TB")
    with running("serve", "--port", "0", "--json", folder=folder, **full) as process:
        api = f"{read_document(process)['server']}/api"
        answers = [
            httpx2.put(f"{api}/job", json={"module": "scaling", "config": {"factor": 9}}),
            httpx2.put(f"{api}/upload", content=b"x" * 3_000_000),
        ]
        ready = httpx2.get(f"{api.removesuffix('/api')}/readyz")
        listed = httpx2.get(f"{api}/job")

    for answer in answers:
        assert answer.status_code == 507
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"].endswith("StorageFull")
        assert "stay free" in problem["detail"]
        assert "ce admin prune" in problem["hint"]
    assert ready.status_code == 503
    assert "stay free" in ready.json()["data_dir"]["detail"]
    assert len(listed.json()["jobs"]) == 2
