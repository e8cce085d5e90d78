"""One request, one lane's answer, and it says which lane and why."""

import asyncio

import pytest

from schemas import SearchRequest, Why
from streams.core.breaker import Rules
from streams.core.query_ids import decode
from streams.errors import InputRefused, LaneHalted, TransientError
from streams.services.serving.failures import NotReady, Unanswered
from streams.services.serving.searcher import Deadlines
from tests.unit.serving.world import NOW, TEXTS, built
from tests.waiting import until


async def test_the_lane_that_the_flag_picks_embeds_the_query_and_is_searched(world):
    async with world.serving() as serving:
        world.cloud.asked.clear()
        found = await world.search(serving, "green")
        assert (found.lane, found.reason, found.flag_version) == ("cloud", "DEFAULT", 7)
        assert found.fallback is None
        assert found.hits[0].id == "s/1"
        assert found.hits[0].score == pytest.approx(1.0, abs=1e-5)
        assert found.hits[0].metadata == {"colour": "green"}
        assert world.cloud.asked == ["green"]
        assert world.ollama.asked == []

        world.all_on_target()
        found = await world.search(serving, "green")
        assert (found.lane, found.reason) == ("ollama", "STATIC")
        assert world.ollama.asked == ["green"]


async def test_a_cohort_goes_to_the_target_and_says_so(world):
    world.route(percent=5.0, cohorts=frozenset({"staff"}))
    async with world.serving() as serving:
        found = await world.search(serving, targeting_key="u", cohort="staff")
        assert (found.lane, found.reason) == ("ollama", "TARGETING_MATCH")


async def test_the_query_id_says_which_lane_answered(world):
    world.all_on_target()
    async with world.serving() as serving:
        world.ollama.failures.append(TransientError("away"))
        found = await world.search(serving)
        query = decode(found.query_id, "salt")
        assert query is not None
        assert (query.lane, query.flag_version, query.issued_at, query.k) == ("cloud", 7, NOW, 3)


async def test_a_filter_and_k_reach_the_store(world):
    async with world.serving() as serving:
        found = await world.search(serving, filter={"field": "colour", "in": ["red", "blue"]})
        assert {hit.id for hit in found.hits} == {"s/0", "s/2"}
        assert len((await world.search(serving, k=1)).hits) == 1


async def test_a_stored_vector_is_searched_with_in_the_lane_that_is_read(world):
    async with world.serving() as serving:
        world.cloud.asked.clear()
        found = await world.search(serving, None, vector_by="s/3")
        assert (found.hits[0].id, found.lane) == ("s/3", "cloud")
        assert found.embed_ms is None
        assert world.cloud.asked == []


async def test_a_document_that_no_lane_holds_is_refused_by_all_of_them(world):
    async with world.serving() as serving:
        with pytest.raises(Unanswered) as refusal:
            await world.search(serving, None, vector_by="s/99")
        assert refusal.value.refused
        assert [each.lane for each in refusal.value.failures] == ["cloud", "ollama"]
        assert serving.breakers.closed("cloud")


@pytest.mark.parametrize("text", ["", " \n", "\0", "\ud800"])
async def test_a_query_without_text_is_refused_before_any_lane_is_asked(world, text):
    async with world.serving() as serving:
        calls = world.cloud.calls
        with pytest.raises(InputRefused):
            await serving.searcher.search(SearchRequest.model_construct(text=text, k=1))
        assert world.cloud.calls == calls


async def test_a_query_has_the_canonical_form_that_documents_have(world):
    async with world.serving() as serving:
        world.cloud.asked.clear()
        await world.search(serving, "  cafe\u0301\0 ")
        assert world.cloud.asked == ["café"]


async def test_an_equal_query_is_embedded_once_for_each_lane(world):
    async with world.serving() as serving:
        world.cloud.asked.clear()
        for _ in range(3):
            await world.search(serving, "green")
        assert world.cloud.asked == ["green"]
        world.all_on_target()
        for _ in range(3):
            assert (await world.search(serving, "green")).hits[0].id == "s/1"
        assert world.ollama.asked == ["green"]


async def test_a_query_is_embedded_anew_for_a_build_of_other_weights_under_the_same_name(world):
    world.builds["cloud"] = await built("cloud", world.cloud, world.store, canaries=True)
    async with world.serving() as serving:
        assert (await world.search(serving, "green")).hits[0].id == "s/1"
        world.cloud.weights = "others"
        world.builds["cloud"] = await built("cloud", world.cloud, world.store, 2, canaries=True)
        world.cloud.asked.clear()
        found = await world.search(serving, "green")
        assert (found.lane, found.build, found.hits[0].id) == ("cloud", 2, "s/1")
        assert "green" in world.cloud.asked


async def test_no_more_queries_are_kept_than_configured(world):
    async with world.serving(kept=2) as serving:
        for text in TEXTS:
            await world.search(serving, text)
        world.cloud.asked.clear()
        await world.search(serving, TEXTS[-1])
        assert world.cloud.asked == []
        await world.search(serving, TEXTS[0])
        assert world.cloud.asked == [TEXTS[0]]


async def test_nothing_is_kept_if_nothing_is_to_be_kept(world):
    async with world.serving(kept=0) as serving:
        world.cloud.asked.clear()
        await world.search(serving, "green")
        await world.search(serving, "green")
        assert world.cloud.asked == ["green", "green"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TransientError("http://10.0.0.7 is away"), Why.UNREACHABLE),
        (LaneHalted("key sk-123 is wrong"), Why.HALTED),
        (InputRefused("too long"), Why.REFUSED),
    ],
)
async def test_a_lane_that_fails_is_replaced_within_the_request_and_the_answer_says_so(
    world, error, why
):
    world.all_on_target()
    async with world.serving() as serving:
        world.ollama.failures.append(error)
        found = await world.search(serving)
        assert (found.lane, found.reason) == ("cloud", "FALLBACK")
        assert found.hits[0].id == "s/1"
        assert found.fallback is not None
        assert (found.fallback.lane, found.fallback.reason) == ("ollama", "STATIC")
        assert found.fallback.why is why
        assert "10.0" not in found.fallback.message
        assert "sk-" not in found.fallback.message


async def test_a_lane_that_hangs_costs_its_deadline_and_then_the_other_one_answers(world):
    world.all_on_target()
    async with world.serving() as serving:
        world.ollama.awake.clear()
        async with asyncio.timeout(5):
            found = await world.search(serving)
        assert found.lane == "cloud"
        assert found.fallback is not None
        assert found.fallback.why is Why.DEADLINE


async def test_a_dead_target_costs_one_deadline_and_not_one_per_request(world):
    world.all_on_target()
    async with world.serving(rules=Rules(failures=3, cool_down=60.0)) as serving:
        world.ollama.awake.clear()
        world.ollama.asked.clear()
        answers = [await world.search(serving, text) for text in TEXTS * 4]
        assert {answer.lane for answer in answers} == {"cloud"}
        whys = [answer.fallback.why for answer in answers if answer.fallback]
        assert whys == [Why.DEADLINE] + [Why.BREAKER_OPEN] * 19
        # The others are the probe, which nobody waits for.
        assert [text for text in world.ollama.asked if text != "probe"] == [TEXTS[0]]


async def test_a_query_that_is_refused_says_nothing_about_the_lane(world):
    world.all_on_target()
    async with world.serving(rules=Rules(failures=1, cool_down=60.0)) as serving:
        world.ollama.refuses = lambda text: text == "odd"
        for _ in range(5):
            assert (await world.search(serving, "odd")).lane == "cloud"
        assert serving.breakers.closed("ollama")
        assert (await world.search(serving, "green")).lane == "ollama"


async def test_a_lane_that_may_not_answer_is_no_fallback(world):
    world.readable = frozenset({"cloud"})
    async with world.serving() as serving:
        world.cloud.failures.append(TransientError("away"))
        with pytest.raises(Unanswered) as failed:
            await world.search(serving)
        assert [each.lane for each in failed.value.failures] == ["cloud"]
        assert world.ollama.asked == []


async def test_an_only_lane_is_asked_even_after_it_failed(world):
    world.readable = frozenset({"cloud"})
    async with world.serving(rules=Rules(failures=1, cool_down=60.0)) as serving:
        world.cloud.failures.append(TransientError("away"))
        world.cloud.refuses = lambda text: text == "probe"
        with pytest.raises(Unanswered):
            await world.search(serving)
        await until(lambda: "probe" in world.cloud.asked, "the lane is probed", 5, 0)
        assert not serving.breakers.closed("cloud")
        assert (await world.search(serving, "blue")).lane == "cloud"


async def test_with_both_lanes_left_alone_the_one_that_the_flag_picks_is_tried(world):
    async with world.serving(rules=Rules(failures=1, cool_down=60.0)) as serving:
        for embedder in (world.cloud, world.ollama):
            embedder.refuses = lambda text: text == "probe"
        for lane in ("cloud", "ollama"):
            serving.breakers.failed(lane, "away", late=True)
        await until(lambda: "probe" in world.cloud.asked, "the lane is probed", 5, 0)
        assert not serving.breakers.closed("cloud")
        found = await world.search(serving)
        assert (found.lane, found.fallback) == ("cloud", None)


async def test_if_both_lanes_fail_both_reasons_are_given(world):
    async with world.serving() as serving:
        world.cloud.failures.append(TransientError("away"))
        world.ollama.failures.append(LaneHalted("no model"))
        with pytest.raises(Unanswered) as failed:
            await world.search(serving)
        assert [(each.lane, each.why) for each in failed.value.failures] == [
            ("cloud", Why.UNREACHABLE),
            ("ollama", Why.HALTED),
        ]
        assert not failed.value.refused


async def test_both_lanes_together_take_no_longer_than_the_whole_deadline(world):
    deadlines = Deadlines(lane=0.2, total=0.25)
    async with world.serving(deadlines=deadlines) as serving:
        world.cloud.awake.clear()
        world.ollama.awake.clear()
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unanswered):
            await world.search(serving)
        assert asyncio.get_running_loop().time() - started < 0.38
        # Its deadline was cut short, which is not the lane's fault.
        assert serving.breakers.closed("ollama")
        assert not serving.breakers.closed("cloud")


async def test_nothing_is_searched_before_the_flag_is_known(world):
    async with world.serving() as serving:
        world.folded = False
        with pytest.raises(NotReady, match="not read to its end"):
            await world.search(serving)
        world.folded, world.routing = True, None
        with pytest.raises(NotReady, match="no migration"):
            await world.search(serving)


async def test_the_next_request_goes_by_the_new_build(world):
    async with world.serving() as serving:
        assert (await world.search(serving)).build == 1
        world.builds["cloud"] = await built("cloud", world.cloud, world.store, 2, source="t")
        found = await world.search(serving)
        assert found.build == 2
        assert {hit.id[0] for hit in found.hits} == {"t"}


async def test_a_build_that_is_replaced_while_it_is_searched_is_not_the_lane_s_failure(world):
    async with world.serving() as serving:
        second = await built("cloud", world.cloud, world.store, 2, source="t")
        world.cloud.awake.clear()
        searching = asyncio.create_task(world.search(serving))
        await until(lambda: world.cloud.under_way, "the query is being embedded", 5, 0)
        await world.store.drop(world.builds["cloud"].collection)
        world.builds["cloud"] = second
        world.cloud.awake.set()
        found = await searching
        assert (found.build, found.fallback) == (2, None)
        assert {hit.id[0] for hit in found.hits} == {"t"}


async def test_a_lane_whose_model_was_replaced_is_not_asked(world):
    world.all_on_target()
    async with world.serving() as serving:
        world.ollama.digest = "another"
        await world.identity(serving.models, "ollama").look()
        calls = world.ollama.calls
        found = await world.search(serving)
        assert found.lane == "cloud"
        assert found.fallback is not None
        assert found.fallback.why is Why.MODEL_CHANGED
        assert world.ollama.calls == calls


async def test_a_lane_without_a_build_or_that_is_not_configured_is_replaced(world):
    world.all_on_target()
    async with world.serving() as serving:
        del world.builds["ollama"]
        found = await world.search(serving)
        assert found.fallback is not None
        assert found.fallback.why is Why.NOT_BUILT
        world.route(target="elsewhere")
        found = await world.search(serving)
        assert found.fallback is not None
        assert found.fallback.lane == "elsewhere"
