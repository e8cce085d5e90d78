"""Where HOTSWAP_TEST_STRICT is set, as on CI, no test is left out unseen."""

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.fixture
def absent():
    pytest.skip("nothing to set up")

def test_in_its_body(): pytest.skip("no such tool")
def test_in_a_fixture(absent): pass
@pytest.mark.skipif(True, reason="not on this machine")
def test_by_a_mark(): pass
@pytest.mark.docker
def test_of_containers(absent): pass
@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail(): assert False
def test_that_passes(): pass
"""
REASONS = ("no such tool", "nothing to set up", "not on this machine")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    def run(text: str, *, strict: bool) -> pytest.RunResult:
        monkeypatch.setenv("HOTSWAP_TEST_STRICT", "1" if strict else "")
        pytester.makepyfile(text)
        pytester.makeini("[pytest]\nmarkers = docker\nasyncio_default_fixture_loop_scope=function")
        return pytester.runpytest_inprocess("-p", "tests.strict_skips", "-p", "no:cacheprovider")

    return run


def test_a_skip_is_a_failure_that_says_why_but_for_containers(run):
    result = run(TESTS, strict=True)
    result.assert_outcomes(passed=1, failed=1, errors=2, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines_random([f"*{reason}*" for reason in REASONS])
    result.stdout.fnmatch_lines_random(["*HOTSWAP_TEST_STRICT is set*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_file_that_skips_itself_is_a_failure_too(run):
    result = run("import pytest\npytest.importorskip('no_such_module')", strict=True)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*could not import 'no_such_module'*"])
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_for_everybody_else_a_skip_is_a_skip(run):
    run(TESTS, strict=False).assert_outcomes(passed=1, skipped=4, xfailed=1)
