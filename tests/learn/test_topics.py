"""Every topic: whole, true at every seed, and walked through by every kind of learner."""

import dataclasses
import re
import shlex

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.learn import topic, topics
from proxysim.learn.arithmetic import names_in, value_of
from proxysim.learn.figures import names_used
from proxysim.learn.lessons import misconceptions
from proxysim.learn.ways import WAYS
from proxysim.results.registry import names as plots
from tests.learn.walking import walk

TOPICS = list(topics())
#: Whose runs take the least: the others' second seed is for `make slow`.
QUICK = ("filtering", "tls", "compression")
other_seeds = pytest.mark.parametrize(
    "name",
    [each if each in QUICK else pytest.param(each, marks=pytest.mark.slow) for each in TOPICS],
)


@pytest.fixture(params=TOPICS, scope="module")
def name(request):
    """A topic; tests are ordered by it, so that its runs are made in one process, once."""
    return request.param


def templates(value):
    """Every text of a lesson, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from templates(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from templates(inner)


def prose(lesson):
    said = lesson.model_dump(exclude={"figures", "claims", "experiments"})
    yield from templates(said)
    yield from (experiment.found for experiment in lesson.experiments.values())


def test_a_topic_is_whole(name):
    lesson = topic(name).lesson
    assert not lesson.unknown
    assert len(lesson.quiz) == 5
    assert len(lesson.socratic.steps) >= 3
    assert len(lesson.cards.cards) >= 3
    assert sum(bool(question.number) for question in lesson.quiz) >= 1
    assert lesson.picture.predict.number
    assert max(map(len, lesson.picture.diagram.splitlines())) <= 76  # and four of margin
    chart = lesson.picture.chart
    assert chart.experiment in lesson.experiments
    assert chart.plot in plots()
    if chart.plot.startswith("with_without"):
        assert chart.beside in lesson.experiments or lesson.experiments[chart.experiment].without
    else:
        assert not chart.beside
    for experiment in lesson.experiments.values():
        assert experiment.found
    ids = [question.id for _, question in lesson.questions()]
    assert len(ids) == len(set(ids))
    for _, question in lesson.questions():
        assert question.experiment in lesson.experiments
        for option in question.options:
            assert not option.experiment or option.experiment in lesson.experiments
            assert not option.belief or option.belief in misconceptions()


def test_every_figure_is_known_and_used(name):
    lesson = topic(name).lesson
    used = set().union(*(names_used(text) for text in prose(lesson)))
    used |= {question.number for _, question in lesson.questions() if question.number}
    for figure in lesson.figures.values():
        used |= names_in(figure.is_) if figure.is_ else set()
    for _, question in lesson.questions():
        used |= set().union(*(names_in(mistake.is_) for mistake in question.mistaken), set())
    used |= set().union(*map(names_in, lesson.claims))
    assert used == set(lesson.figures)


def test_what_it_claims_is_so(name):
    true_claims(name, 7)


@other_seeds
@pytest.mark.parametrize("seed", [3, pytest.param(11, marks=pytest.mark.slow)])
def test_what_it_claims_is_so_at_other_seeds(name, seed):
    true_claims(name, seed)


def true_claims(name, seed):
    lesson = topic(name).lesson
    figures = lesson.at(seed)
    for claim in lesson.claims:
        assert value_of(claim, figures), (claim, {n: figures[n] for n in names_in(claim)})


def test_every_experiment_is_held_to_what_is_said_of_it(name):
    lesson = topic(name).lesson
    claimed = set().union(*map(names_in, lesson.claims))
    while (
        deeper := {
            inner
            for each in claimed
            if lesson.figures[each].is_
            for inner in names_in(lesson.figures[each].is_)
        }
        - claimed
    ):
        claimed |= deeper
    read = {lesson.figures[each].read.partition(" ")[0] for each in claimed}
    assert set(lesson.experiments) <= read


@other_seeds
def test_another_seed_gives_other_numbers_in_the_same_words(name):
    one, other = topic(name).to_dict(7), topic(name).to_dict(3)
    first, second = "\n".join(templates(one)), "\n".join(templates(other))
    assert first != second
    assert first.count("--seed 7") == second.count("--seed 3") > 0
    number = re.compile(r"\d[\d,.]*( (us|ms|s|min|B|kB|MB|GB|%))?")
    assert sorted(number.sub("#", first).split()) == sorted(number.sub("#", second).split())


def test_every_answer_is_explained_and_every_way_ends(name, progress):
    lesson = topic(name).lesson
    for mode in ("picture", "socratic", "quiz"):
        wrong_first = walk(topic(name).way(mode).walk(progress), wrong(topic(name)))
        right_first = walk(topic(name).way(mode).walk(progress), right(topic(name)))
        assert mode in progress.done(name)
        explained = wrong_first.text
        figures = lesson.at(7)
        for way, question in lesson.questions():
            if way != mode:
                continue
            if question.number:
                assert figures.fill(question.because).strip() in explained
            if mode != "quiz":
                for option in question.options:
                    assert figures.fill(option.because).strip() in explained, question.id
        assert wrong_first.tried
        assert all(each.command.startswith("proxysim run ") for each in wrong_first.tried)
        questions = sum(way == mode for way, _ in lesson.questions())
        assert len(right_first.asked) == questions


def test_every_wrong_answer_of_a_quiz_is_told_why_with_its_run(name, progress):
    lesson, figures = topic(name).lesson, topic(name).lesson.at(7)
    longest = max(len(question.options) for question in lesson.quiz)
    for place in range(longest - 1):

        def nth_wrong(ask, _, place=place):
            question = next(each for each in lesson.quiz if each.id == ask.id)
            if question.number:
                return "0"
            keys = dict(zip(question.shuffled, (key for key, _ in ask.options), strict=True))
            bad = [option for option in question.shuffled if not option.right]
            return keys[bad[min(place, len(bad) - 1)]]

        heard = walk(topic(name).quiz().walk(progress), nth_wrong)
        assert "**0 of 5 right.**" in heard.text
        assert len(heard.tried) == 5
        for question in lesson.quiz:
            bad = [option for option in question.options if not option.right]
            if bad:
                shuffled = [option for option in question.shuffled if not option.right]
                told = shuffled[min(place, len(bad) - 1)].because
                assert figures.fill(told).strip() in heard.text
                (good,) = [option for option in question.options if option.right]
                assert figures.fill(good.because).strip() in heard.text


def test_numbers_that_show_a_mistake_are_recognised(name, progress):
    lesson, figures = topic(name).lesson, topic(name).lesson.at(7)
    for question in lesson.quiz:
        for mistake in question.mistaken:
            value = value_of(mistake.is_, figures)
            right = figures[question.number]
            assert abs(value - right) > question.within * abs(right)

            def mistaken(ask, _, question=question, value=value):
                if ask.id == question.id:
                    return typed(value, ask.unit)
                return "0" if not ask.options else "a"

            heard = walk(topic(name).quiz().walk(progress), mistaken)
            assert figures.fill(mistake.because).strip() in heard.text


def typed(value, unit):
    """*value*, in its base unit, as somebody would type it, to all its digits."""
    if unit == "share":
        return f"{100 * float(value):.10f}%"
    suffix = {"s": "s", "B": "B", "1/s": "/s"}
    return f"{float(value)!r}{suffix.get(unit, '')}"


def test_a_seed_whose_runs_are_an_exception_is_owned_up_to(progress):
    found = topic("filtering")
    odd = dataclasses.replace(
        found, lesson=found.lesson.model_copy(update={"claims": ("host_blocked < 0",)})
    )
    for mode in ("picture", "socratic", "quiz"):
        assert "an exception" in walk(odd.way(mode).walk(progress), wrong(odd)).text
        assert "an exception" not in walk(found.way(mode).walk(progress), wrong(found)).text


def right(found):
    by_id = {question.id: question for _, question in found.lesson.questions()}
    figures = found.lesson.at(7)

    def answer(ask, _):
        question = by_id[ask.id]
        if question.number:
            value = figures[question.number]
            return typed(value, ask.unit)
        (good,) = [option for option in question.options if option.right]
        text = figures.fill(good.say).strip()
        return next(key for key, said in ask.options if said == text)

    return answer


def wrong(found):
    by_id = {question.id: question for _, question in found.lesson.questions()}
    figures = found.lesson.at(7)

    def answer(ask, _):
        question = by_id[ask.id]
        if question.number:
            return "0"
        bad = {figures.fill(o.say).strip() for o in question.options if not o.right}
        return next(key for key, said in ask.options if said in bad)

    return answer


@pytest.mark.parametrize("name", misconceptions())
def test_every_misconception_is_met_and_tried(name):
    belief = misconceptions()[name]
    lesson = topic(belief.topic).lesson
    assert belief.experiment in lesson.experiments
    met = {option.belief for _, q in lesson.questions() for option in q.options}
    met |= {mistake.belief for _, q in lesson.questions() for mistake in q.mistaken}
    assert name in met


def test_there_are_fifteen_misconceptions_and_ten_topics():
    assert len(misconceptions()) == 15
    assert len(TOPICS) == 10
    assert list(WAYS) == ["picture", "socratic", "quiz", "cards"]


def test_the_command_that_is_shown_gives_the_figures_that_are_shown():
    import json

    found = topic("two-proxies").quiz()
    shown = found.experiment("office")["command"]
    asked = CliRunner().invoke(app, [*shlex.split(shown)[1:], "--json"])
    said = json.loads(asked.stdout)
    assert said["latency"]["mean"] == found.figures["office_mean"]
    assert said["requests"]["blocked"] == found.figures["office_blocked"]
