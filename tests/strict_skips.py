"""With HOTSWAP_TEST_STRICT set, a test that skips itself fails: none stops being run unseen.

A user may lack what a test needs. Where everything is supposed to be there, only tests marked
`docker` may skip: an engine can not be installed from within. `tests/conftest.py` takes this in.
"""

import os
from collections.abc import Generator

import pytest

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


# The outermost of its kind: what pytest itself makes of a skip is done by then.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of each phase of each test."""
    report = yield
    expected_to_fail = hasattr(report, "wasxfail")
    if not expected_to_fail and item.get_closest_marker("docker") is None:
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Of each file: one that skips while it is imported has tests that nobody sees."""
    report = yield
    _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that says why."""
    if os.environ.get("HOTSWAP_TEST_STRICT") and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        report.outcome = "failed"
        report.longrepr = (
            f"{reason}\nHOTSWAP_TEST_STRICT is set: no test may skip but those marked docker"
        )
