"""What a modeller does in the page, in a real browser, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.integration.test_loop import body as loop_of_two

TOKEN = "anne-token-0123456789"


def end_of(http: httpx2.Client, job: str) -> None:
    """Return when a job has ended: its events end then."""
    http.get(f"/api/job/{job}/events").raise_for_status()


def test_job_of_a_form_is_watched_to_its_end_and_its_results_are_read(server: str, page: Page) -> None:
    page.goto(server)
    page.get_by_role("link", name="New job").click()
    page.get_by_role("link", name="probe").click()
    page.get_by_label("sleep").fill("0.5")
    page.get_by_label("Name").fill("from the page")
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_role("heading", name="from the page")).to_be_visible()
    expect(page.locator("header .state")).to_have_text("succeeded")
    page.get_by_role("link", name="Results", exact=True).click()
    page.get_by_role("link", name="table.csv").click()
    expect(page.locator("table.values thead")).to_contain_text("VALUE")
    page.get_by_role("link", name="Jobs", exact=True).first.click()
    expect(page.get_by_role("link", name="from the page")).to_be_visible()


def test_file_that_is_chosen_becomes_the_input(server: str, page: Page, tmp_path: Path) -> None:
    table = tmp_path / "numbers.csv"
    table.write_text("VALUE\n1\n2\n")
    page.goto(f"{server}/#/new/probe")
    page.get_by_role("group", name="table").locator("input[type=file]").set_input_files(table)
    expect(page.get_by_role("group", name="table")).to_contain_text("numbers.csv")
    page.get_by_role("button", name="Run").click()

    expect(page.locator("header .state")).to_have_text("succeeded")
    page.get_by_role("link", name="Request").click()
    expect(page.locator(".panel")).to_contain_text("a file that was sent")


def test_wrong_values_are_all_told_at_their_fields(server: str, page: Page) -> None:
    page.expected = ["422"]  # type: ignore[attr-defined]
    page.goto(f"{server}/#/new/probe")
    page.get_by_label("sleep").fill("-1")
    page.get_by_label("Where it runs").fill("nowhere")
    page.get_by_label("other fields").fill('{"surprise": 1}') if page.get_by_label("other fields").count() else None
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_role("alert")).to_contain_text("config.sleep")
    expect(page.get_by_role("alert")).to_contain_text("executor")
    expect(page.locator(".field.wrong")).to_have_count(2)


def test_form_tells_which_inputs_go_together(server: str, page: Page) -> None:
    page.expected = ["422"]  # type: ignore[attr-defined]
    page.goto(f"{server}/#/new/glpk")
    rules = page.locator("[data-path=inputs]")
    expect(rules).to_contain_text("At least one of data, csv, model, lp, mps must be given.")
    page.get_by_role("button", name="Run").click()

    expect(rules.locator(".fault")).to_have_text("give at least one of data, csv, model, lp, mps")


def test_faults_of_a_document_are_told_by_path(server: str, page: Page) -> None:
    page.expected = ["422", "400"]  # type: ignore[attr-defined]
    page.goto(f"{server}/#/new/document")
    page.get_by_label("Document").fill(
        "processes:\n- {name: a, module: nothing}\n- {name: b, module: probe, config: {sleep: x}}\n"
    )
    for button in ("Check", "Run"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert")).to_contain_text("processes[0].module")
        expect(page.get_by_role("alert")).to_contain_text("processes[1].config.sleep")
    page.get_by_label("Document").fill("module: probe\n")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#notes")).to_contain_text("It can run.")

    page.get_by_label("Document").fill("processes: ]")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("line 1")


def test_running_job_is_cancelled_and_deleted(server: str, page: Page, run: Callable[..., str]) -> None:
    job = run({"module": "probe", "config": {"sleep": 600}, "name": "long"})
    page.goto(f"{server}/#/job/{job}")
    expect(page.locator("header .state")).to_have_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("header .state")).to_have_text("cancelled")

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.locator("table.jobs, .empty")).not_to_contain_text(job[:13])


def test_loop_shows_how_its_models_came_to_agree(server: str, page: Page, run: Callable[..., str]) -> None:
    job = run({**loop_of_two(), "name": "two that agree"})
    page.goto(f"{server}/#/job/{job}/agreement")

    expect(page.get_by_role("heading", name="The models agree")).to_be_visible()
    expect(page.get_by_role("img", name="Residual of each evaluation")).to_be_visible()
    expect(page.locator(".level-label")).to_contain_text("tolerance")
    expect(page.get_by_role("heading", name="Exchange variables settling")).to_be_visible()
    assert page.locator(".line.final path").count() == 1


def test_sweep_shows_its_rows_and_its_table(server: str, page: Page, run: Callable[..., str]) -> None:
    process = {"name": "add", "module": "sum", "config": {"base": 1, "parts": []}}
    design = {"type": "grid", "columns": {"add.config.base": [40, 50]}}
    sweep = {"type": "sweep", "name": "scan", "component": "add", "design": design}
    job = run({"processes": [process], "components": [sweep]})
    page.goto(f"{server}/#/job/{job}/steps")
    expect(page.locator("table.steps")).to_contain_text("row 2")

    page.goto(f"{server}/#/job/{job}/steps/scan")
    expect(page.locator(".past")).to_contain_text("It only puts the rows of the sweep into tables.")
    page.goto(f"{server}/#/job/{job}/results/scan/table.csv")
    expect(page.locator("table.values thead")).to_contain_text("add.total")
    expect(page.locator("table.values tbody")).to_contain_text("50")


def test_earlier_job_is_run_again_with_changes(server: str, page: Page, run: Callable[..., str]) -> None:
    job = run({"module": "probe", "config": {"note": "first"}, "name": "one", "tags": {"country": "Utopia"}})
    page.goto(f"{server}/#/job/{job}")
    page.get_by_role("link", name="Run again").click()
    expect(page.get_by_label("note")).to_have_value("first")
    page.get_by_label("note").fill("second")
    page.get_by_role("button", name="Run").click()

    expect(page.locator("header .state")).to_have_text("succeeded")
    assert page.url.split("/job/")[1] != job
    page.get_by_role("link", name="Request").click()
    expect(page.locator(".panel")).to_contain_text("second")


def test_job_is_exported_and_repeated_exactly(server: str, page: Page, run: Callable[..., str]) -> None:
    job = run({"module": "probe", "config": {"note": "kept"}, "name": "kept"})
    page.goto(f"{server}/#/job/{job}")
    expect(page.locator("header .state")).to_have_text("succeeded")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    with ZipFile(download.value.path()) as crate:
        assert "ro-crate-metadata.json" in crate.namelist()
        assert json.loads(crate.read("provenance.json"))["job"]["id"] == job

    page.get_by_role("button", name="Repeat exactly").click()

    expect(page.locator("header.job-head")).to_contain_text(f"Repeats {job[:13]}")
    expect(page.locator("header .state")).to_have_text("succeeded")
    assert page.url.split("/job/")[1] != job


def test_why_names_what_changed_and_a_step_lists_its_attempts(
    server: str, page: Page, http: httpx2.Client, run: Callable[..., str]
) -> None:
    first = run({"module": "sum", "config": {"base": 1000, "parts": [], "wait": 0.5}, "name": "of before"})
    end_of(http, first)
    tight = {"resources": {"memory": "2MiB"}, "retry": {"wait": 0, "memory_limit": "256MiB", "memory_growth": 16}}
    job = run({"module": "sum", "config": {"base": 1001, "parts": [], "wait": 0.5}, **tight})
    end_of(http, job)
    page.goto(f"{server}/#/job/{job}/why")

    row = page.locator("table.why tbody tr")
    expect(row).to_contain_text("config.base 1000 → 1001")
    expect(row.get_by_role("link", name="sum of of before")).to_have_attribute("href", f"#/job/{first}/steps/sum")
    row.get_by_role("link", name="sum", exact=True).click()
    attempts = page.locator("table.attempts tbody tr")
    expect(attempts).to_have_count(2)
    expect(attempts.first).to_contain_text("It needed more memory than its limit.")
    expect(attempts.last).to_contain_text("succeeded")


def test_job_is_compared_with_one_that_is_picked_from_a_list(
    server: str, page: Page, http: httpx2.Client, run: Callable[..., str]
) -> None:
    jobs = [
        run({"module": "sum", "config": {"base": base, "parts": []}, "name": f"adds {base}"}) for base in (100, 101)
    ]
    for job in jobs:
        end_of(http, job)
    page.goto(f"{server}/#/job/{jobs[0]}/compare")
    page.get_by_label("Name begins with").press_sequentially("adds")
    page.get_by_role("link", name="adds 101").press("Enter")

    expect(page.get_by_role("heading", name="The two jobs differ")).to_be_visible()
    expect(page.locator("table.compared").first).to_contain_text("processes.sum.config.base100101")
    expect(page.locator(".panel")).to_contain_text("largest relative difference 0.0099 at total")
    page.get_by_label("relative").fill("0.5")
    page.get_by_label("relative").press("Enter")
    expect(page.get_by_role("heading", name="Results")).to_contain_text("the same within what is allowed")
    page.get_by_label("relative").fill("much")
    page.expected = ["422"]  # type: ignore[attr-defined]
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("query.relative")


def test_outdated_results_of_a_slot_are_marked_until_the_new_ones_are_there(
    server: str, page: Page, http: httpx2.Client, run: Callable[..., str]
) -> None:
    old = run({"module": "probe", "config": {"note": "old"}, "name": "old", "slot": "a place"})
    end_of(http, old)
    new = run({"module": "probe", "config": {"sleep": 600}, "name": "new", "slot": "a place"})
    page.goto(f"{server}/#/job/{old}/results")
    expect(page.locator("header .outdated")).to_contain_text("has not succeeded: these are the last results")
    page.get_by_role("link", name="a newer job").click()
    expect(page.locator("header.job-head")).to_contain_text("the last result of its slot stays, outdated: old")
    page.get_by_role("link", name="slot a place").click()
    row = page.locator("table.slots tr", has_text="a place")
    expect(row).to_contain_text("outdated")

    http.post(f"/api/job/{new}/cancel").raise_for_status()
    newest = run({"module": "probe", "config": {"note": "newest"}, "name": "newest", "slot": "a place"})
    expect(row.get_by_role("link", name="newest")).to_have_count(2)
    expect(row).not_to_contain_text("outdated")
    row.get_by_role("link", name="Its results").click()
    assert newest in page.url


def test_exported_job_is_brought_in_from_its_file(
    server: str, page: Page, http: httpx2.Client, run: Callable[..., str], tmp_path: Path
) -> None:
    page.expected = ["422"]  # type: ignore[attr-defined]
    job = run({"module": "probe", "config": {"note": "travels"}, "name": "travels"})
    end_of(http, job)
    crate, damaged = tmp_path / "travels.crate.zip", tmp_path / "damaged.zip"
    crate.write_bytes(http.get(f"/api/job/{job}/crate.zip").raise_for_status().content)
    damaged.write_bytes(crate.read_bytes()[:-200])
    http.delete(f"/api/job/{job}").raise_for_status()
    page.goto(f"{server}/#/jobs")
    button = page.get_by_role("button", name="Import a job")
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(damaged)
    expect(page.get_by_role("alert")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(crate)

    expect(page.locator("header.job-head")).to_contain_text("Brought here")
    assert page.url.endswith(job)


def test_jobs_are_filtered_by_state_name_time_and_module(server: str, page: Page, run: Callable[..., str]) -> None:
    for name in ("filter a", "filter b"):
        run({"module": "probe", "config": {"note": name}, "name": name})
    page.goto(f"{server}/#/jobs")
    page.get_by_label("Name begins with").fill("filter a")
    expect(page.locator("table.jobs tbody tr")).to_have_count(1)
    page.get_by_label("Name begins with").fill("filter")
    expect(page.locator("table.jobs tbody tr")).to_have_count(2)
    page.get_by_label("Stored from").fill("2020-01-31")
    expect(page.locator("table.jobs tbody tr")).to_have_count(2)
    page.get_by_label("to", exact=True).fill("2020-02-01")
    expect(page.locator(".empty")).to_be_visible()
    assert "since=2020-01-31&until=2020-02-01" in page.url
    page.get_by_label("to", exact=True).fill("")
    expect(page.locator("table.jobs tbody tr")).to_have_count(2)
    page.get_by_label("Module").select_option("halfway")
    expect(page.locator(".empty")).to_be_visible()


def test_everything_is_downloaded_as_one_archive(
    server: str, page: Page, run: Callable[..., str], tmp_path: Path
) -> None:
    job = run({"module": "probe", "name": "archive"})
    page.goto(f"{server}/#/job/{job}")
    expect(page.locator("header .state")).to_have_text("succeeded")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    download.value.save_as(tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as archive:
        assert json.loads(archive.read("job.json"))["id"] == job
        assert "probe/output/table.csv" in archive.namelist()


@pytest.mark.parametrize(
    "part",
    [
        "results/hostile/output/report.html",
        "results/hostile/output/table.csv",
        "results/hostile/output/tree.json",
        "log",
        "request",
        "steps/hostile",
    ],
)
def test_hostile_results_and_names_run_no_script(server: str, page: Page, run: Callable[..., str], part: str) -> None:
    page.expected = ["Content Security Policy", "Content-Security-Policy"]  # type: ignore[attr-defined]  # the report's own script
    name = "<img src=x onerror='window.hacked=1'>"
    job = run({"module": "hostile", "name": name, "tags": {name: name}, "config": {name: name, "part": part}})
    page.goto(f"{server}/#/job/{job}/{part}")
    expect(page.locator("header .state").first).to_have_text("succeeded")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    if part.endswith("html"):
        frame = page.frame_locator("iframe.report")
        expect(frame.locator("#said")).to_have_css("color", "rgb(1, 2, 3)")
        inner = page.frames[-1]
        assert inner.evaluate("[window.hacked, window.origin]") == [None, "null"]
    else:
        expect(page.locator(".panel")).to_contain_text("onerror")
    assert page.evaluate("window.hacked") is None


def test_long_table_is_read_page_by_page_and_drawn(server: str, page: Page, run: Callable[..., str]) -> None:
    job = run({"module": "hostile"})
    page.goto(f"{server}/#/job/{job}/results/hostile/output/table.csv")
    expect(page.locator(".pager")).to_contain_text("1 to 25 of 61 rows")
    page.get_by_role("button", name="After").click()
    expect(page.locator("table.values tbody tr").first).to_contain_text("2025")
    expect(page.get_by_role("img", name="VALUE over YEAR")).to_be_visible()


def test_server_with_tokens_asks_for_one_and_keeps_it_in_the_tab(
    start_server: Callable[..., str], page: Page, tmp_path: Path
) -> None:
    page.expected = ["401"]  # type: ignore[attr-defined]
    tokens = tmp_path / "tokens"
    tokens.write_text(f"anne:{TOKEN}\n")
    server = start_server(CE_TOKENS_FILE=str(tokens))
    stored = httpx2.put(
        f"{server}/api/job", json={"module": "probe", "name": "of anne"}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert stored.status_code == 201

    page.goto(server)
    page.get_by_label("Token that the administrator gave you").fill(TOKEN)
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("link", name="of anne").click()
    expect(page.locator("header .state")).to_have_text("succeeded")
    assert page.evaluate("localStorage.length") == 0


def test_every_view_is_reached_by_keyboard_and_fits_a_small_window(
    server: str, page: Page, run: Callable[..., str]
) -> None:
    job = run({"module": "probe", "name": "small"})
    page.set_viewport_size({"width": 380, "height": 700})
    for view in (
        "#/jobs",
        "#/new",
        "#/new/probe",
        "#/modules",
        "#/module/probe",
        f"#/job/{job}",
        f"#/job/{job}/results",
        f"#/job/{job}/why",
        f"#/job/{job}/compare",
        "#/slots",
    ):
        page.goto("about:blank")
        page.goto(f"{server}/{view}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, view
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_link_from_elsewhere_opens_the_page_and_nothing_else(http: httpx2.Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert http.get("/", headers=link).status_code == 200
    assert http.get("/", headers=link | {"Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert http.get("/api/job", headers=link).status_code == 403
    assert http.get("/", headers=link | {"Host": "evil.example"}).status_code == 403
    assert http.get("/web/../settings.py").status_code == 404
