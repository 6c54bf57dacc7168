"""The client against a small real HTTP server that replays replies shaped as the schemas."""

import hashlib
import io
import json
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pandas as pd
import pytest

from calculation_engine.client import Client
from calculation_engine.client.ids import new_id
from calculation_engine.errors import (
    Conflict,
    EngineError,
    InvalidInput,
    JobFailed,
    NotFound,
    ServerUnreachable,
    Unauthorized,
)
from calculation_engine.schemas.event import Event
from calculation_engine.states import State
from calculation_engine.tables import write_parquet

JOB = "01900000-0000-7000-8000-000000000001"
Reply = tuple[int, str, bytes]


class Replay(ThreadingHTTPServer):
    """Answers each address with its replies in order, the last one again and again; a None hangs up instead."""

    daemon_threads = True

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply | Callable[[bytes], Reply] | None]] = defaultdict(list)
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), Replayer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, address: str, body: Any, status: int = 200, media_type: str = "application/json") -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.replies[address].append((status, media_type, content))

    def sent(self, method: str) -> list[tuple[str, bytes, dict[str, str]]]:
        return [request for request in self.requests if request[0].startswith(method)]


class Replayer(BaseHTTPRequestHandler):
    server: Replay

    def answer(self) -> None:
        body = self._body()
        self.server.requests.append((f"{self.command} {self.path}", body, dict(self.headers)))
        path = urlsplit(self.path).path
        address = f"{self.command} {path.replace(path.split('/')[3], '*') if path.startswith('/api/job/') else path}"
        replies = self.server.replies[address]
        if not replies:
            self.send_error(404, f"no reply for {address}")
            return
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is None:
            self.connection.shutdown(2)
            return
        status, media_type, content = reply(body) if callable(reply) else reply
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


@pytest.fixture
def server() -> Iterator[Replay]:
    replay = Replay()
    thread = threading.Thread(target=replay.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield replay
    replay.shutdown()
    thread.join()
    replay.server_close()


@pytest.fixture
def client(server: Replay) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def job_reply(state: str = "succeeded", *, steps: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": JOB,
        "name": "",
        "owner": "local",
        "description": "",
        "tags": {},
        "slot": None,
        "state": state,
        "reason": None,
        "message": "",
        "progress": {"fraction": None, "seconds_left": None},
        "created": "2030-01-01T00:00:00.000Z",
        "started": None,
        "ended": None,
        "cancel_requested": None,
        "links": dict.fromkeys(("self", "log", "events", "results", "cancel"), "/"),
        "workflow": {"processes": [{"name": "cbc", "module": "cbc"}]},
        "loops": [],
        "steps": steps if steps is not None else [step_reply()],
        **fields,
    }


def step_reply(state: str = "succeeded", **fields: Any) -> dict[str, Any]:
    empty = (
        "module_version",
        "executor",
        "reason",
        "progress",
        "reused_from",
        "verdict",
        "exit_code",
        "started",
        "ended",
    )
    more = ("cpu_seconds", "peak_memory_bytes", "host", "image", "key")
    return {
        **dict.fromkeys((*empty, *more)),
        "id": "s1",
        "path": "cbc",
        "process": "cbc",
        "module": "cbc",
        "attempt": 1,
        "state": state,
        "message": "",
        "queued": "2030-01-01T00:00:00.000Z",
        **fields,
    }


def accept_upload(body: bytes) -> Reply:
    reply = {"uuid": new_id(), "sha256": hashlib.sha256(body).hexdigest()}
    return 201, "application/json", json.dumps(reply).encode()


def result_file(path: str, content: bytes, media_type: str = "text/csv", label: str | None = None) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    common = {"path": path, "sha256": sha256, "size": len(content), "media_type": media_type}
    return {**common, "label": label, "step": "s1", "link": "/"}


def add_results(server: Replay, *files: tuple[str, bytes, str, str | None]) -> None:
    server.add("GET /api/job/*", job_reply())
    server.add("GET /api/job/*/results", [result_file(*file) for file in files])
    for path, content, media_type, _ in files:
        server.add(f"GET /api/job/*/results/{path}", content, media_type=media_type)


def test_files_folders_tables_and_texts_reach_the_server_as_references(
    server: Replay, client: Client, tmp_path: Path
) -> None:
    server.replies["PUT /api/upload"].append(accept_upload)
    server.add("PUT /api/job/*", job_reply("queued"))
    (tmp_path / "data.txt").write_text("set YEAR := 2030;\n")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "YEAR.csv").write_text("VALUE\n2030\n")
    (tmp_path / "csv" / ".hidden").write_text("not sent")
    inputs = {
        "file": tmp_path / "data.txt",
        "folder": str(tmp_path / "csv"),
        "table": pd.DataFrame({"YEAR": [2030], "VALUE": [0.1]}),
        "tables": {"YEAR": pd.DataFrame({"VALUE": [2030]}), "note.txt": "one line"},
        "text": "a\nb\n",
        "bytes": b"\0\1",
    }

    job = client.submit(module="cbc", config={"model": "osemosys"}, inputs=inputs)

    uploads = [
        (parse_qs(urlsplit(address.split()[1]).query)["name"][0], body) for address, body, _ in server.requests[:-1]
    ]
    contents = dict(uploads)
    assert job.state is State.QUEUED
    assert [name for name, _ in uploads] == ["data.txt", "folder.zip", "table.csv", "folder.zip", "bytes"]
    assert contents["data.txt"] == b"set YEAR := 2030;\n"
    assert contents["table.csv"] == b"YEAR,VALUE\n2030,0.1\n"
    assert zipfile.ZipFile(io.BytesIO(uploads[1][1])).namelist() == ["YEAR.csv"]
    assert zipfile.ZipFile(io.BytesIO(uploads[3][1])).namelist() == ["YEAR.csv", "note.txt"]
    body = json.loads(server.requests[-1][1])
    assert body["inputs"]["text"] == {"type": "inline", "text": "a\nb\n"}
    references = [body["inputs"][label] for label in ("file", "folder", "table", "tables", "bytes")]
    sent = [f"sha256:{hashlib.sha256(content).hexdigest()}" for _, content in uploads]
    assert [(item["type"], item["checksum"]) for item in references] == [("upload", checksum) for checksum in sent]


def test_paths_in_a_document_start_from_its_own_folder(server: Replay, client: Client, tmp_path: Path) -> None:
    server.replies["PUT /api/upload"].append(accept_upload)
    server.add("PUT /api/job/*", job_reply("queued"))
    (tmp_path / "data.txt").write_text("x")
    inputs = "{data: data.txt, model: {type: file, path: data.txt}}"
    (tmp_path / "utopia.yaml").write_text(f"workflow: {{processes: [{{name: a, module: cbc, inputs: {inputs}}}]}}")

    client.submit(tmp_path / "utopia.yaml")

    body = json.loads(server.requests[-1][1])
    given = body["workflow"]["processes"][0]["inputs"]
    assert body["name"] == "utopia"
    assert given["data"] == given["model"]
    assert len(server.sent("PUT /api/upload")) == 1


def test_paths_under_a_baseline_are_uploaded_and_what_it_leaves_out_stays_out(
    server: Replay, client: Client, tmp_path: Path
) -> None:
    server.replies["PUT /api/upload"].append(accept_upload)
    server.add("PUT /api/job/*", job_reply("queued"))
    (tmp_path / "base.txt").write_text("x")
    baseline: dict[str, Any] = {"a": {"inputs": {"data": "base.txt", "model": None}}, "b": {"config": {"x": 1}}}
    document = {
        "workflow": {
            "processes": [{"name": "a", "module": "cbc"}, {"name": "b", "module": "cbc"}],
            "components": [{"type": "loop", "name": "agree", "sequence": ["a", "b"], "baseline": baseline}],
        }
    }

    client.submit(document, folder=tmp_path)
    with pytest.raises(InvalidInput) as caught:
        client.submit(document, folder=tmp_path / "elsewhere")

    [component] = json.loads(server.sent("PUT /api/job")[-1][1])["workflow"]["components"]
    assert component["baseline"]["a"]["inputs"]["data"]["type"] == "upload"
    assert component["baseline"]["a"]["inputs"]["model"] is None
    assert component["baseline"]["b"] == {"config": {"x": 1}}
    assert [fault.path for fault in caught.value.faults] == ["workflow.components[0].baseline.a.inputs.data"]
    assert baseline["a"]["inputs"]["data"] == "base.txt"


SWEPT: dict[str, Any] = {"name": "energy", "module": "cbc", "inputs": {"data": "data.txt"}}


def swept(**design: Any) -> dict[str, Any]:
    """Return a workflow with a sweep of this design."""
    sweep = {"type": "sweep", "name": "scan", "component": "energy", "design": {"type": "table", **design}}
    return {"processes": [SWEPT], "components": [sweep]}


def test_a_design_and_its_values_may_be_files_of_this_side(server: Replay, client: Client, tmp_path: Path) -> None:
    server.replies["PUT /api/upload"].append(accept_upload)
    server.add("PUT /api/job/*", job_reply("queued"))
    for name in ("data.txt", "points.csv", "dry.csv"):
        (tmp_path / name).write_text(name)
    dry: dict[str, Any] = {"type": "file", "path": "dry.csv"}
    wet = {"type": "inline", "text": "x"}
    column: dict[str, Any] = {"set": "energy.inputs.data", "values": {"dry": dry, "wet": wet}}
    document = swept(file="points.csv", columns={"weather": column})

    client.submit(document, folder=tmp_path)

    design = json.loads(server.requests[-1][1])["components"][0]["design"]
    assert design["file"]["checksum"] == f"sha256:{hashlib.sha256(b'points.csv').hexdigest()}"
    assert (
        design["columns"]["weather"]["values"]["dry"]["checksum"] == f"sha256:{hashlib.sha256(b'dry.csv').hexdigest()}"
    )
    assert design["columns"]["weather"]["values"]["wet"] == wet
    assert column["values"]["dry"] is dry
    assert len(server.sent("PUT /api/upload")) == 3


def test_every_file_that_is_not_there_is_told_with_all_that_the_server_finds_and_none_is_sent(
    server: Replay, client: Client, tmp_path: Path
) -> None:
    found = {"path": "processes[0].module", "message": "there is no module 'cb'", "hint": "did you mean cbc?"}
    server.add("POST /api/workflow/check", {"faults": [found]})
    (tmp_path / "there.txt").write_text("x")
    document = swept(
        file="absent.csv", columns={"weather": {"set": "a", "values": [{"type": "file", "path": "no.csv"}]}}
    )
    inputs: dict[str, Any] = {"data": {"type": "file", "name": "x"}, "model": 7, "csv": "there.txt"}
    document["processes"] = [SWEPT | {"module": "cb"}, {"name": "b", "module": "cbc", "inputs": inputs}]

    with pytest.raises(InvalidInput) as caught:
        client.submit(document, folder=tmp_path)

    assert [fault.path for fault in caught.value.faults] == [
        "processes[0].inputs.data",
        "processes[1].inputs.data",
        "processes[1].inputs.model",
        "components[0].design.file",
        "components[0].design.columns.weather.values[0]",
        "processes[0].module",
    ]
    assert [request[0] for request in server.requests] == ["POST /api/workflow/check"]


def test_a_job_whose_answer_was_lost_is_sent_again_under_the_same_id(server: Replay, client: Client) -> None:
    server.replies["PUT /api/job/*"].append(None)
    server.add("PUT /api/job/*", job_reply("queued"))

    client.submit(module="cbc")

    first, second = server.requests
    assert first[:2] == second[:2]
    assert UUID(first[0].rpartition("/")[2]).version == 7


def test_an_upload_whose_bytes_arrive_changed_is_an_error(server: Replay, client: Client) -> None:
    server.add("PUT /api/upload", {"uuid": new_id(), "sha256": "0" * 64}, 201)

    with pytest.raises(EngineError, match="other bytes"):
        client.submit(module="cbc", inputs={"data": b"x"})

    assert len(server.requests) == 1


def test_a_job_that_json_cannot_express_is_refused_here(server: Replay, client: Client) -> None:
    with pytest.raises(InvalidInput, match="JSON"):
        client.submit(module="cbc", config={"gap": float("nan")})

    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (422, "InvalidInput", InvalidInput),
        (404, "NotFound", NotFound),
        (409, "Conflict", Conflict),
        (401, "Unauthorized", Unauthorized),
        (418, "Teapot", InvalidInput.__base__),
        (500, "Unheard", EngineError),
    ],
)
def test_a_problem_document_becomes_the_error_that_it_names(
    server: Replay, client: Client, status: int, name: str, kind: type[Exception]
) -> None:
    fault = {"path": "config.model", "message": "expected a text", "hint": "x"}
    problem = {
        "type": f"about:blank#{name}",
        "title": "T",
        "status": status,
        "detail": "it is wrong",
        "hint": "do this",
    }
    server.add(
        "GET /api/module/cbc", problem | {"faults": [fault], "instance": "id7"}, status, "application/problem+json"
    )

    with pytest.raises(kind) as caught:
        client.module("cbc")

    error = caught.value
    assert type(error) is kind
    assert str(error).splitlines() == [
        "it is wrong",
        "  config.model: expected a text (x)",
        "hint: do this; the server's log has more under id7",
    ]


def test_what_is_no_calculation_engine_is_said_to_be_none(server: Replay, client: Client) -> None:
    server.add("GET /api/module", b"<html>", media_type="text/html")
    server.add("GET /api/module/cbc", b"<html>no</html>", 404, "text/html")

    with pytest.raises(EngineError, match="expected JSON"):
        client.modules()
    with pytest.raises(Exception, match="404: <html>no</html>"):
        client.module("cbc")


def test_a_server_that_is_not_there_is_told_with_what_to_do() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServerUnreachable) as caught:
        client.modules()

    assert "127.0.0.1:9" in caught.value.message
    assert "serve" in (caught.value.hint or "")


@pytest.mark.parametrize("address", ["", "here", "ftp://host", "http://", "http://a:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="expected an address"):
        Client(address)


def test_events_come_once_each_although_the_stream_breaks_off(server: Replay, client: Client) -> None:
    def event(number: int) -> bytes:
        data = json.dumps({"id": number, "time": "2030-01-01T00:00:00Z", "kind": "step", "data": {}})
        return f"id: {number}\ndata: {data}\n\n".encode()

    running, ended = job_reply("running"), job_reply("succeeded")
    for reply in (running, running, ended):
        server.add("GET /api/job/*", reply)
    server.add("GET /api/job/*/events", event(1) + b": alive\n\n" + event(2)[:12], media_type="text/event-stream")
    server.add("GET /api/job/*/events", event(2) + event(3), media_type="text/event-stream")
    seen: list[Event] = []

    job = client.job(JOB).wait(on_event=seen.append)

    streams = [headers for address, _, headers in server.requests if address.endswith("/events")]
    assert job.state is State.SUCCEEDED
    assert [event.id for event in seen] == [1, 2, 3]
    assert [headers["Last-Event-ID"] for headers in streams] == ["0", "1"]


def test_waiting_ends_with_the_time_that_it_was_given(server: Replay, client: Client) -> None:
    server.add("GET /api/job/*", job_reply("running"))
    server.add("GET /api/job/*/events", b"", media_type="text/event-stream")

    job = client.job(JOB).wait(timeout=0.3)

    assert not job.ended


def test_solving_a_job_that_fails_raises_what_went_wrong(server: Replay, client: Client) -> None:
    step = step_reply("failed", reason="no_solution", exit_code=1, message="infeasible: relax Demand")
    failed = job_reply("failed", reason="no_solution", message="infeasible: relax Demand", steps=[step])
    server.add("PUT /api/job/*", failed)
    server.add("GET /api/job/*", failed)
    server.add("GET /api/job/*/events", b"", media_type="text/event-stream")

    with pytest.raises(JobFailed) as caught:
        client.solve("cbc")

    assert str(caught.value).splitlines() == [
        "job 01900000-0000 failed: no_solution",
        "  cbc: no_solution, exit code 1: infeasible: relax Demand",
        "hint: the whole log: calculation-engine job log 01900000-0000",
    ]


def test_a_list_of_jobs_goes_on_over_its_pages(server: Replay, client: Client) -> None:
    following = "/api/job?tag=a%3A1&tag=b%3A2&limit=100&cursor=x"
    server.add("GET /api/job", {"jobs": [job_reply(), job_reply()], "next": following})
    server.add("GET /api/job", {"jobs": [job_reply()], "next": None})

    jobs = client.jobs(limit=200, tags={"a": "1", "b": "2"}, state="succeeded")

    queries = [parse_qs(urlsplit(address.split()[1]).query) for address, _, _ in server.requests]
    assert len(jobs) == 3
    assert queries[0] == {"tag": ["a:1", "b:2"], "state": ["succeeded"], "limit": ["100"]}
    assert queries[1] == {"tag": ["a:1", "b:2"], "limit": ["100"], "cursor": ["x"]}


def test_results_are_named_by_any_end_of_their_path_that_is_unique(server: Replay, client: Client) -> None:
    table, answer = b"REGION,VALUE\nNO,0.1\n", b'{"objective": 46.4}'
    add_results(
        server,
        ("cbc/output/results/Cost.csv", table, "text/csv", "results"),
        ("cbc/output/solution.json", answer, "application/json", "solution"),
        ("cbc/output/a/x.txt", b"a", "text/plain", None),
        ("cbc/output/b/x.txt", b"b", "text/plain", None),
        ("cbc/output/raw.bin", b"\0", "application/octet-stream", None),
    )
    results = client.job(JOB).results

    assert results["solution"] == {"objective": 46.4}
    assert results["results/Cost.csv"].to_dict("list") == {"REGION": ["NO"], "VALUE": [0.1]}
    assert results["b/x"] == "b"
    assert results["raw.bin"] == b"\0"
    assert results.tables == ["cbc/output/results/Cost.csv"]
    assert ("Cost" in results, "x" in results, len(results)) == (True, False, 5)
    with pytest.raises(InvalidInput, match="several"):
        results["x.txt"]
    with pytest.raises(NotFound, match="no result") as caught:
        results["Costs"]
    assert "Cost" in (caught.value.hint or "")


def test_a_table_that_is_there_twice_is_read_as_csv_or_as_parquet(
    server: Replay, client: Client, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"REGION": ["NO"], "VALUE": [0.1]})
    write_parquet(frame, tmp_path / "cost.parquet")
    add_results(
        server,
        ("agree/report/output/cost.csv", b"REGION,VALUE\nNO,0.2\n", "text/csv", "files"),
        ("agree/report/output/cost.parquet", (tmp_path / "cost.parquet").read_bytes(), "application/x", "files"),
        ("agree/report/output/broken.parquet", b"PAR1", "application/x", "files"),
    )
    results = client.job(JOB).results

    assert results["cost"]["VALUE"].to_list() == [0.2]
    pd.testing.assert_frame_equal(results["report/output/cost.parquet"], frame)
    assert len(results.tables) == 3
    with pytest.raises(InvalidInput, match=r"agree/report/output/broken\.parquet: not readable as Parquet"):
        results["broken"]


def test_a_table_has_the_units_of_its_modules_manifest(server: Replay, client: Client) -> None:
    add_results(server, ("cbc/output/results/Cost.csv", b"YEAR,VALUE\n2030,1\n", "text/csv", "results"))
    column = {"name": "VALUE", "type": "number", "unit": "MUSD"}
    manifest = {"name": "cbc", "version": "1", "title": "t", "licence": "EPL-2.0", "source": "s", "command": ["x"]}
    outputs = [{"label": "results", "path": "results", "kind": "folder", "columns": [column]}]
    image = {"repository": "r", "tag": "t"}
    server.add("GET /api/module/cbc", manifest | {"outputs": outputs, "image": image, "cases": ["added later"]})

    table = client.job(JOB).results.table("Cost")

    assert table.attrs["units"] == {"VALUE": "MUSD"}
    assert list(table.dtypes.astype(str)) == ["int64", "float64"]


def test_a_result_that_arrives_changed_is_an_error_and_leaves_no_file(
    server: Replay, client: Client, tmp_path: Path
) -> None:
    server.add("GET /api/job/*", job_reply())
    server.add("GET /api/job/*/results", [result_file("cbc/output/x.csv", b"as promised")])
    server.add("GET /api/job/*/results/cbc/output/x.csv", b"something else", media_type="text/csv")
    results = client.job(JOB).results

    with pytest.raises(EngineError, match="sha256"):
        results.read("x.csv")
    with pytest.raises(EngineError, match="sha256"):
        results.save(tmp_path)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_server_cannot_have_results_written_outside_the_folder(server: Replay, client: Client) -> None:
    server.add("GET /api/job/*", job_reply())
    server.add("GET /api/job/*/results", [result_file("../../outside.csv", b"x")])

    with pytest.raises(EngineError, match="not understood"):
        _ = client.job(JOB).results


def test_a_reply_of_a_newer_server_is_read_as_far_as_it_is_known(server: Replay, client: Client) -> None:
    server.add("GET /api/job/*", job_reply(added_later=1))

    assert client.job(JOB).state is State.SUCCEEDED


def test_what_a_module_wrote_is_escaped_in_a_notebook(server: Replay, client: Client) -> None:
    step = step_reply("failed", message="<script>alert(1)</script>", verdict={"status": "<b>"})
    server.add("GET /api/job/*", job_reply("failed", name="<i>", message="<u>", steps=[step]))

    html = client.job(JOB)._repr_html_()

    assert not any(tag in html for tag in ("<script>", "<i>", "<u>", "<b>&lt;b&gt;<"))
    assert "&lt;script&gt;" in html


def test_a_token_goes_with_every_request(server: Replay) -> None:
    server.add("GET /api/module", [])
    with Client(f"{server.url}/api/", "secret") as client:
        client.modules()

    assert server.requests[0][2]["Authorization"] == "Bearer secret"


def test_new_ids_are_of_version_7_and_in_the_order_of_time() -> None:
    ids = [new_id() for _ in range(1000)]

    assert {(UUID(one).version, UUID(one).variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert len(set(ids)) == 1000
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)


def test_server_and_token_come_from_the_environment_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with Client() as client:
        assert client.transport.server == "http://127.0.0.1:8081"
    monkeypatch.setenv("CE_SERVER", "http://ce:8081")
    with Client() as client, Client("http://elsewhere:1") as other:
        assert client.transport.server == "http://ce:8081"
        assert other.transport.server == "http://elsewhere:1"
