"""A chat template is tried before anything runs; only certain refusals count."""

from __future__ import annotations

import pytest

from aftertune.generate.template import refusal
from aftertune.records import Turn
from tests_support.models import TEMPLATES

USER, SYSTEM = Turn("user", "Hi"), Turn("system", "Be kind.")


@pytest.mark.parametrize("family", sorted(TEMPLATES))
def test_templates_of_families_take_a_system_turn_or_have_it_folded(family):
    assert refusal(TEMPLATES[family], [USER]) == ""
    assert refusal(TEMPLATES[family], [SYSTEM, USER]) == ""


def test_a_template_that_refuses_is_quoted():
    assert refusal("{{ raise_exception('only in ' ~ messages[0].role) }}", [USER]) == "only in user"
    assert refusal("{{ raise_exception('') }}", [USER]) == "it gives no reason"


def test_a_syntax_error_is_named_with_its_line():
    assert refusal("a\n{% for %}", [USER]).startswith("line 2:")


@pytest.mark.parametrize(
    "template",
    [
        "{% generation %}x{% endgeneration %}",  # a tag of transformers' own
        "{{ strftime_now('%d %b %Y') }}",  # a function of its own
        "{{ messages[7]['content'] + 1 }}",
        "{{ ().__class__.__bases__ }}",  # the sandbox forbids it
    ],
)
def test_what_only_the_tokenizer_can_tell_is_left_to_it(template):
    assert refusal(template, [USER]) == ""
