"""What may be a reaction, and how many different ones a message bears."""

import re
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.test import SimpleTestCase

from chat import services
from chat.services.messages import REACTIONS_PER_MESSAGE, is_emoji
from chat.tests.people import Place
from realtime.protocol import Refusal
from realtime.testing import RealtimeTestCase, forget_limits


class EmojiTests(SimpleTestCase):
    def test_one_emoji_is_one_however_many_code_points_it_has(self):
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "❤",
            "☝🏿",
            "1️⃣",
            "#️⃣",
            "🇳🇴",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "🧑🏽‍🚀",
            "❤️‍🔥",
            "©",
            "ℹ️",
            "㊗️",
            "🫡",
            "🆗",
        ]:
            self.assertTrue(is_emoji(emoji), emoji)

    def test_anything_else_is_none(self):
        for text in [
            "",
            "a",
            "1",
            "<b>",
            "漢",
            "かな",
            "한",
            "\u202e",
            "\u3164",
            "\u200d",
            "\ufe0f",
            "👍👍",
            "👍a",
            "🇳",
            "👍\u200d",
            "👍\n",
        ]:
            self.assertFalse(is_emoji(text), repr(text))

    def test_all_that_the_picker_offers_are_emoji(self):
        source = (Path(settings.BASE_DIR) / "chat/static/chat/emoji.js").read_text()
        offered = [word.split()[0] for word in "|".join(re.findall(r'gettext\("(.*)"\)', source)).split("|")]
        self.assertGreater(len(offered), 50)
        self.assertEqual([emoji for emoji in offered if not is_emoji(emoji)], [])


class NumberTests(RealtimeTestCase):
    def test_a_message_bears_so_many_different_ones_and_any_number_of_each(self):
        place = Place()
        message = place.say(place.owner)

        def react(user, emoji, on=True):
            forget_limits()
            services.set_reaction(user, place.room.pk, message.pk, emoji, on, uuid4())

        emoji = [chr(0x1F600 + i) for i in range(REACTIONS_PER_MESSAGE + 1)]
        for one in emoji[:-1]:
            react(place.member, one)
        with self.assertRaises(Refusal) as caught:
            react(place.member, emoji[-1])
        self.assertEqual(caught.exception.code, "not_allowed")
        react(place.owner, emoji[0])
        react(place.member, emoji[1], on=False)
        react(place.member, emoji[-1])
