"""Every contract case, against this hub; and the page that says so."""

import pytest

from tests.contract.report import DOCUMENT, MEDALLION, OURS, read, render
from tests.contract.run import as_json
from tests.contract.runner import Case, Result, all_cases, run_case
from tests.contract.target import Target


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_contract(case: Case, hub_target: Target):
    result = run_case(case, hub_target)
    assert result.outcome == "pass", f"{', '.join(case.requires)}: {result.outcome}: {result.reason}"


def test_the_committed_results_are_of_the_cases_there_are():
    names = [case.name for case in all_cases()]
    assert [result["case"] for result in read(OURS)] == names
    assert [result["case"] for result in read(MEDALLION)] == names


def test_the_committed_results_say_that_every_case_passes():
    """test_contract says the same of a fresh run: so the page is true of this very tree."""
    assert [result["case"] for result in read(OURS) if result["outcome"] != "pass"] == []


def test_the_page_is_what_the_generator_makes_of_the_results():
    assert DOCUMENT.read_text("utf-8") == render(read(OURS), read(MEDALLION)), (
        "docs/conformance.md is out of date: run python -m tests.contract.report"
    )


def test_result_files_of_equal_runs_are_equal():
    one = Result("a", ("R-01",), "pass", "", 0.1)
    other = Result("a", ("R-01",), "pass", "", 0.2)
    assert as_json([one]) == as_json([other])
