"""The teacher's page, docs/learning.md, made from the lessons themselves.

``python docs/learning.py`` prints it; ``--write`` puts it where it belongs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from proxysim.learn.exercises import exercises
from proxysim.learn.lessons import Question, misconceptions
from proxysim.learn.topics import Topic, topics

PAGE = Path(__file__).with_name("learning.md")

HEAD = """\
# Teaching with proxysim

<!-- Written by `python docs/learning.py --write`; edit proxysim/learn/content instead. -->

For whoever teaches, or learns alone and wants the map. Ten topics, each with four ways in:

* **picture**: an analogy, a diagram, a prediction, a worked example, one question.
* **socratic**: questions that lead on. A wrong answer is a way of thinking; it leads to an
  experiment that shows what comes of it, and back to the question.
* **quiz**: five questions, easy to tricky. What was wrong is explained at the end, with its run.
* **cards**: what to keep, with cards that come back when they are about to be forgotten.

`proxysim learn` is the map, `proxysim learn caching --mode quiz` one way into one topic, and in a
notebook `proxysim.learn.topic("caching").quiz().widget()` the same. Nothing has to be online.

## How to use it

People who only watch a demonstration learn little more than people who do not see it; those who
first **predict** what will come do learn (Crouch et al., American Journal of Physics 72, 2004). So
each lesson asks before it shows. In class: let everybody write a number down, run the command, look
at the gap, and ask who can explain it. `proxysim learn --report` shows a learner's predictions
beside what came; with `--json` it can be collected from a whole class.

Every number in a lesson comes from the run whose command stands beside it, at seed 7 unless
`--seed` says otherwise. Change a value in the command, and predict again: that is an exercise.
On paper, or in other programs: `proxysim learn --export anki cards.apkg`,
`--export jupyterquiz quiz.json`, `--export jupytercards cards.json`.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join([HEAD, *_order(), *_misconceptions(), *_topics(), *_exercises()])


def _order() -> Iterator[str]:
    found = topics().values()
    yield "## The order, and the time it takes\n"
    yield "| | topic | about | minutes |"
    yield "|---|---|---|---|"
    for number, topic in enumerate(found, 1):
        link = f"[{topic.title}](#{_anchor(topic.title)})"
        yield f"| {number} | {link} | {topic.lesson.about} | {topic.lesson.minutes} |"
    total = sum(topic.lesson.minutes for topic in found)
    yield (
        f"\nIn all {total} minutes for pictures and dialogues; a quiz takes five more, the cards a"
        " few minutes on other days. (That is with thinking, and with an experiment or two of one's"
        " own; who only reads and answers needs about ten minutes a topic.) The first two come"
        " first. Any of the others can stand alone, but *queues* goes well before *failures* and"
        " *capacity*. With one hour: 1, 2, 4 and the"
        " picture of 5.\n"
    )


def _misconceptions() -> Iterator[str]:
    yield "## What many believe, and where it is met\n"
    yield "| many believe | what is so | met in | the experiment |"
    yield "|---|---|---|---|"
    for belief in misconceptions().values():
        topic = topics()[belief.topic]
        command = topic.quiz().experiment(belief.experiment)["command"]
        source = f" ({belief.source})" if belief.source else ""
        link = f"[{belief.topic}](#{_anchor(topic.title)})"
        cells = (belief.believed, f"{belief.instead.strip()}{source}", link, f"`{command}`")
        yield f"| {' | '.join(cells)} |"
    yield ""


def _topics() -> Iterator[str]:
    for topic in topics().values():
        yield from _topic(topic)


def _topic(topic: Topic) -> Iterator[str]:
    lesson, quiz = topic.lesson, topic.quiz()
    fill = quiz.figures.fill
    yield f"## {topic.title}\n"
    yield f"`proxysim learn {topic.name}` · {lesson.minutes} minutes · {lesson.about}\n"
    kept, hook = (fill(text).strip() for text in (lesson.cards.intuition, lesson.cards.hook))
    yield f"**To keep:** {kept} *{hook}*\n"
    yield "**To predict:**\n"
    for question in [lesson.picture.predict, *(each for each in lesson.quiz if each.number)]:
        answer = quiz.figures.text(question.number)
        yield f"* {fill(question.ask).strip()} **{answer}**"
    yield "\n**The dialogue asks**, and these are the answers:\n"
    for number, step in enumerate(lesson.socratic.steps, 1):
        yield f"{number}. {fill(step.ask).strip()} **{_right(step, fill)}**"
    yield "\n**The quiz asks:**\n"
    for number, question in enumerate(lesson.quiz, 1):
        right = quiz.figures.text(question.number) if question.number else _right(question, fill)
        yield f"{number}. {fill(question.ask).strip()} **{right}**"
    yield "\n**The experiments:**\n"
    for name in lesson.experiments:
        shown = quiz.experiment(name)
        yield f"* `{shown['command']}`  "
        yield f"  {shown['found']}"
    if lesson.contested:
        yield "\n**Contested, or so in some products only:**\n"
        yield from (f"* {each.strip()}" for each in lesson.contested)
    if lesson.sources:
        yield "\n**Sources:**\n"
        yield from (f"* {each.strip()}" for each in lesson.sources)
    yield ""


def _right(question: Question, fill) -> str:  # type: ignore[no-untyped-def]
    (option,) = [option for option in question.options if option.right]
    return str(fill(option.say).strip())


def _exercises() -> Iterator[str]:
    stock = exercises()
    yield "## Exercises of the notebooks, with answers\n"
    yield "Each is checked by `check(name, answer)` from `proxysim.learn`.\n"
    for name, exercise in stock.exercises.items():
        yield f"**{name}**: {exercise.ask.strip()}\n"
        if exercise.is_:
            figures = stock.at(exercise.seed)
            answer = figures.fill(exercise.right)
        elif exercise.word:
            answer = f"{exercise.word}. {exercise.right.strip()}"
        else:
            answer = ""
        solution = f" `{exercise.solution.strip()}`" if exercise.solution else ""
        yield f"> {answer.strip()}{solution}\n".replace(">  ", "> ")


def _anchor(title: str) -> str:
    kept = "".join(each for each in title.lower() if each.isalnum() or each in " -")
    return kept.strip().replace(" ", "-")


if __name__ == "__main__":
    text = f"{page().rstrip()}\n"
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
