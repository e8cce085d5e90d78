"""Search, feedback, flag and health over HTTP."""

import pytest

from schemas import ShadowObservation
from schemas.observation import parse_observation
from streams.errors import ConfigurationError, LaneHalted, TransientError
from tests.unit.serving.world import Embedder
from tests.waiting import until


async def test_a_search_answers_with_its_hits_and_where_they_come_from(caller):
    async with caller() as http:
        answer = await http.post("/search", json={"text": "green", "k": 2})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["hits"][0] == {
        "id": "s/1",
        "score": pytest.approx(1.0, abs=1e-5),
        "key": {"id": 1},
        "metadata": {"colour": "green"},
    }
    assert len(found["hits"]) == 2
    assert (found["lane"], found["build"], found["reason"]) == ("cloud", 1, "DEFAULT")
    assert (found["flag_version"], found["fallback"]) == (7, None)
    assert found["query_id"].startswith("q1.")


async def test_a_fallback_names_the_lane_that_it_is_from(caller, world):
    world.all_on_target()
    async with caller() as http:
        world.ollama.failures.append(TransientError("http://10.0.0.7:11434 is away"))
        answer = await http.post("/search", json={"text": "green"})
    assert (answer.status_code, answer.json()["reason"]) == (200, "FALLBACK")
    assert answer.json()["fallback"] == {
        "from": "ollama",
        "reason": "STATIC",
        "why": "unreachable",
        "message": "the embedder or the store of lane ollama can not be reached",
    }
    assert "10.0.0.7" not in answer.text


async def test_if_no_lane_answers_each_one_s_reason_is_given_without_addresses(caller, world):
    async with caller() as http:
        world.cloud.failures.append(TransientError("http://10.0.0.7 is away"))
        world.ollama.failures.append(LaneHalted("no model on http://10.0.0.8"))
        answer = await http.post("/search", json={"text": "green"})
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    error = answer.json()["error"]
    assert error["code"] == "no_lane_answered"
    assert [(each["lane"], each["why"]) for each in error["lanes"]] == [
        ("cloud", "unreachable"),
        ("ollama", "halted"),
    ]
    assert "10.0" not in answer.text


async def test_a_query_that_every_lane_refuses_is_the_caller_s_to_change(caller, world):
    async with caller() as http:
        for embedder in (world.cloud, world.ollama):
            embedder.refuses = lambda _text: True
        answer = await http.post("/search", json={"text": "green"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "refused")


async def test_before_the_control_log_is_read_searches_wait_outside(caller, world):
    world.folded = False
    async with caller() as http:
        for answer in (await http.post("/search", json={"text": "x"}), await http.get("/flag")):
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
            assert "retry-after" in answer.headers
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/livez")).status_code == 200
        world.folded = True
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        assert ready.json()["control"]["control_age_seconds"] == 0.25


async def test_a_sampled_search_is_mirrored_after_it_was_answered(caller, world):
    world.route(mirrored=True)
    async with caller(sample=1.0) as http:
        answer = await http.post("/search", json={"text": "green"})

        async def observed() -> bool:
            return bool(await world.observed())

        await until(observed, "it is observed", 5, 0.01)
        (value,) = await world.observed()
    shadow = parse_observation(value)
    assert isinstance(shadow, ShadowObservation)
    assert shadow.query_id == answer.json()["query_id"]


async def test_a_mirror_that_hangs_is_not_waited_for(caller, world):
    world.route(mirrored=True)
    async with caller(sample=1.0) as http:
        world.ollama.awake.clear()
        for _ in range(10):
            answer = await http.post("/search", json={"text": "green"})
            assert (answer.status_code, answer.json()["fallback"]) == (200, None)
        assert isinstance(world.ollama, Embedder)
        assert world.ollama.under_way <= 2


@pytest.mark.parametrize(
    ("question", "evaluation"),
    [
        ("", (False, "cloud", "DEFAULT")),
        ("?targeting_key=user-1", (False, "cloud", "SPLIT")),
        ("?targeting_key=user-1&cohort=staff", (True, "ollama", "TARGETING_MATCH")),
    ],
)
async def test_the_flag_is_evaluated_for_whoever_asks(caller, world, question, evaluation):
    world.route(percent=0.001, cohorts=frozenset({"staff", "beta"}))
    async with caller() as http:
        answer = (await http.get(f"/flag{question}")).json()
    assert (answer["value"], answer["variant"], answer["reason"]) == evaluation
    assert (answer["flag"], answer["flag_version"]) == ("useLocalEmbeddings", 7)
    assert answer["control_age_seconds"] == 0.25
    assert answer["state"] == {
        "source": "cloud",
        "target": "ollama",
        "percent": 0.001,
        "cohorts": ["beta", "staff"],
        "mirrored": False,
    }


async def test_feedback_is_accepted_once_it_is_recorded(caller, world):
    async with caller() as http:
        query_id = (await http.post("/search", json={"text": "green", "k": 2})).json()["query_id"]
        answer = await http.post("/feedback", json={"query_id": query_id, "clicked": 2})
        assert (answer.status_code, answer.json()) == (202, {"lane": "cloud", "flag_version": 7})
        assert len(await world.observed()) == 1


@pytest.mark.parametrize(
    ("feedback", "status", "code"),
    [
        ({"clicked": 3}, 422, "refused"),
        ({"clicked": 0}, 422, "invalid"),
        ({"clicked": True}, 422, "invalid"),
        ({"success": "yes"}, 422, "invalid"),
        ({"success": True, "clicked": 1}, 422, "invalid"),
        ({}, 422, "invalid"),
        ({"success": True, "query_id": "q1.AAAA"}, 404, "unknown_query"),
        ({"success": True, "query_id": "x\0"}, 404, "unknown_query"),
        ({"success": True, "query_id": "x" * 5_000}, 422, "invalid"),
    ],
)
async def test_wrong_feedback_gets_a_clear_answer(caller, feedback, status, code):
    async with caller() as http:
        query_id = (await http.post("/search", json={"text": "green", "k": 2})).json()["query_id"]
        answer = await http.post("/feedback", json={"query_id": query_id, **feedback})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_old_feedback_is_gone(caller, world):
    async with caller() as http:
        query_id = (await http.post("/search", json={"text": "green"})).json()["query_id"]
        world.now_ms += 61_000
        answer = await http.post("/feedback", json={"query_id": query_id, "success": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "expired_query")


@pytest.mark.parametrize(
    "error", [TransientError("kafka-7.internal is away"), ConfigurationError("topic o", "absent")]
)
async def test_feedback_that_is_not_recorded_is_not_accepted(caller, world, error):
    async with caller() as http:
        query_id = (await http.post("/search", json={"text": "green"})).json()["query_id"]
        world.append_error = error
        answer = await http.post("/feedback", json={"query_id": query_id, "success": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "internal" not in answer.text


async def test_a_defect_tells_the_caller_nothing_of_the_inside(caller, world):
    async with caller() as http:
        world.cloud.failures.append(ZeroDivisionError("password=hunter2"))
        answer = await http.post("/search", json={"text": "green"})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": {"code": "internal", "message": "an error on this side; it is in the log"}
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/search", 405, "method_not_allowed"),
        ("GET", "/flag?targeting_key=", 422, "invalid"),
    ],
)
async def test_every_error_has_the_one_form(caller, method, path, status, code):
    async with caller() as http:
        answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert set(answer.json()) == {"error"}


async def test_the_api_describes_itself_with_examples(caller):
    async with caller() as http:
        assert "swagger" in (await http.get("/docs")).text
        described = (await http.get("/openapi.json")).json()
    assert set(described["paths"]) == {"/search", "/feedback", "/flag", "/livez", "/readyz"}
    post = described["paths"]["/search"]["post"]
    content = post["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/SearchRequest"}
    assert content["examples"]["example 1"]["value"]["text"]
    assert set(post["responses"]) >= {"200", "400", "401", "413", "422", "429", "503"}
    references = [
        value
        for part in walk(described)
        for name, value in part.items()
        if name == "$ref" and isinstance(value, str)
    ]
    schemas = described["components"]["schemas"]
    assert {each.rpartition("/")[2] for each in references} <= set(schemas)
    assert "security" not in described


async def test_the_api_says_that_it_wants_a_token(caller):
    async with caller("a-token-of-16-letters") as http:
        http.headers["Authorization"] = "Bearer a-token-of-16-letters"
        described = (await http.get("/openapi.json")).json()
    assert described["security"] == [{"token": []}]


def walk(part):
    if isinstance(part, dict):
        yield part
        for each in part.values():
            yield from walk(each)
    elif isinstance(part, list):
        for each in part:
            yield from walk(each)
