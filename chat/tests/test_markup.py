"""Whatever is typed, what comes out is text and a few harmless elements, in bounded time."""

import re
import time
from html import unescape
from html.parser import HTMLParser
from unittest import mock

import pytest
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import markup
from chat.models import BODY_LENGTH

pytestmark = pytest.mark.once

ALLOWED = {
    "a": {"href", "rel"},
    "ol": {"start"},
    "span": {"class", "data-user"},
    **{tag: set() for tag in ["p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "li"]},
}
NAMES = {"ann": 1, "bob.jones": 2, "x'\"><script>": 3}

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><a><animate attributeName=href values="javascript:alert(1)"/><text>x</text></a></svg>',
    "<math><mtext></mtext><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<body onload=alert(1)><style>*{background:url(//evil.example)}</style>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<button hx-get=/accounts/logout/ hx-trigger=load hx-on:click=alert(1)>",
    '<div hx-ws:connect="//evil.example" data-hx-get="/x"></div>',
    "{{7*7}} {% load static %} ${7*7} <%= 7*7 %>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](%6aavascript:alert(1))",
    "[x]( javascript:alert(1) 'title')",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](//evil.example)",
    "[x](/accounts/logout/)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://example.com/1)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "![x](https://evil.example/track.png)",
    "![x](javascript:alert(1))",
    '[x](https://a.example "title\\" onmouseover=alert(1) x=")',
    'https://a.example/"onmouseover="alert(1)',
    "https://a.example/<script>alert(1)</script>",
    "[a]: javascript:alert(1)\n\n[a]",
    "```<script>\n</code></pre><script>alert(1)</script>\n```",
    '```x" onmouseover="alert(1)\ncode\n```',
    "`</code><script>alert(1)</script>`",
    "@x'\"><script>",
    "<span class='mention' data-user='1'>@ann</span>",
    "<a href='https://a.example' class=button target=_top>x</a>",
    "\u202e<script>\u202c",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "＜script＞alert(1)＜/script＞",
]


class Elements(HTMLParser):
    """What a browser would make of it: elements with attributes, and the text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.found, self.text, self.odd = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, attributes))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.odd.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


class MarkupTestCase(SimpleTestCase):
    def check(self, html, source=""):
        """Nothing but what is on the list. Mirrors no code: read it as the specification."""
        elements = Elements(html)
        self.assertEqual(elements.odd, [], source)
        for tag, attributes in elements.found:
            self.assertIn(tag, ALLOWED, source)
            for name, value in attributes:
                self.assertIn(name, ALLOWED[tag], source)
                match name:
                    case "href":
                        self.assertRegex(value, r"^(https?|mailto):", source)
                    case "rel":
                        self.assertEqual(value, "noopener noreferrer nofollow ugc")
                    case "class":
                        self.assertEqual(value, "mention")
                    case "data-user":
                        self.assertIn(int(value), NAMES.values())
                    case "start":
                        self.assertRegex(value, r"^\d{1,9}$", source)
            if tag == "a":
                self.assertIn("rel", dict(attributes), source)
        return elements


class AttackTests(MarkupTestCase):
    def test_every_attack_is_shown_literally(self):
        for attack in ATTACKS:
            for body in [attack, f"hello {attack} there", f"> {attack}", f"- {attack}", f"**{attack}**", f"{attack}\n{attack}"]:
                self.check(markup.render(body, NAMES), body)

    def test_what_looks_like_html_is_text(self):
        for body in ["<script>alert(1)</script>", "<b>x</b>", "a < b && c > d", "&lt;b&gt;", "&amp;"]:
            self.assertEqual(Elements(markup.render(body)).text.strip(), body)

    def test_the_sanitiser_alone_would_hold_too(self):
        """Should markdown ever let something through, as it did in others' versions."""
        for attack in ATTACKS:
            with mock.patch.object(markup, "_markdown", return_value=mock.Mock(render=lambda body, env: body)):
                html = markup.render(f"{attack}\n", NAMES)
            for tag, attributes in Elements(html).found:
                self.assertIn(tag, ALLOWED, attack)
                self.assertLessEqual({name for name, _ in attributes}, ALLOWED[tag], attack)
                self.assertNotRegex(dict(attributes).get("href") or "", r"(?i)^\s*(javascript|data|vbscript|file|blob):")

    def test_a_plain_line_is_escaped_without_markdown(self):
        with mock.patch.object(markup, "_markdown", side_effect=AssertionError):
            self.assertEqual(
                Elements(markup.render("It's \"fine\" & well, isn't it? (yes!) 3 = 3; #1: a/b")).text,
                "It's \"fine\" & well, isn't it? (yes!) 3 = 3; #1: a/b",
            )


MARKS = st.sampled_from(
    [
        *"*_`~<>[]()!@&\"'\\ #-+.:/|={}\n\t\0\u202e\u200b\u2028",
        *["\n\n", "```", "    ", "> ", "- ", "1. ", "**", "~~", "](", "https://", "javascript:", "mailto:", "data:", "@ann"],
        *["&#x6a;", "&Tab;", "<a href=", "onclick=", "</p>"],
        *ATTACKS,
    ]
)


class PropertyTests(MarkupTestCase):
    @settings(max_examples=400, deadline=None)
    @given(st.lists(MARKS | st.text(max_size=8), max_size=25).map("".join))
    def test_nothing_outside_the_list_ever_comes_out(self, body):
        self.check(markup.render(body, NAMES), body)

    @settings(max_examples=300, deadline=None)
    @given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40).map(str.strip))
    def test_the_short_way_for_plain_lines_says_the_same_as_the_long_one(self, body):
        if not body or not markup.PLAIN.fullmatch(body) or "://" in body:
            return
        with mock.patch.object(markup, "PLAIN", re.compile("(?!)")):
            slowly = markup.render(body)
        self.assertEqual(unescape(markup.render(body)), unescape(slowly.strip()))

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=300))
    def test_plain_text_and_excerpts_are_one_line(self, body):
        self.assertNotIn("\n", markup.plain_text(markup.render(body)))
        self.assertLessEqual(len(markup.excerpt(body)), 120)


class BombTests(MarkupTestCase):
    SECONDS = 1.0  # of the processor; the slowest takes a tenth of it on a slow machine

    def test_no_message_takes_long_to_render(self):
        pieces = [
            "`",
            "``a",
            "`a",
            "*",
            "*a ",
            "**a",
            "*a**b",
            "_a_",
            "~~a",
            ">",
            "> ",
            "- ",
            "1. ",
            "> - 1. ",
            "[",
            "[a](",
            "![",
            "](",
        ]
        pieces += [
            "<",
            "<http://a",
            "\\",
            "\n",
            "a\n",
            "> a\n",
            "```\n",
            "@",
            "@a ",
            "a@",
            "http://",
            "http://a.b ",
            "&",
            "&amp;",
            "-",
            "=\n",
        ]
        pieces += ["\u200b", "\u202e", "\u0301", "W", "(", "[a]: b\n", "|a|b\n|-|-\n", "    a\n", "\t"]
        for piece in pieces:
            body = (piece * BODY_LENGTH)[:BODY_LENGTH]
            started = time.thread_time()
            html = markup.render(body, NAMES)
            self.assertLess(time.thread_time() - started, self.SECONDS, repr(piece))
            self.assertLess(len(html), 25 * BODY_LENGTH, repr(piece))
            self.check(html, repr(piece))

    def test_quotes_and_lists_nest_to_a_depth_and_no_deeper(self):
        for body in [">" * 500 + "a", "- " * 500 + "a", "\n".join("  " * depth + "- a" for depth in range(60))]:
            html = markup.render(body)
            self.assertLessEqual(html.count("<blockquote>") + html.count("<ul>"), 20)

    def test_a_word_without_end_stays_one_word(self):
        self.assertEqual(Elements(markup.render("W" * BODY_LENGTH)).text, "W" * BODY_LENGTH)


class MarkdownTests(MarkupTestCase):
    def test_what_it_can(self):
        for body, html in {
            "**bold** *it* ~~off~~": "<p><strong>bold</strong> <em>it</em> <s>off</s></p>",
            "`a < b`": "<p><code>a &lt; b</code></p>",
            "one\ntwo": "<p>one<br>\ntwo</p>",
            "> said": "<blockquote>\n<p>said</p>\n</blockquote>",
            "- a\n- b": "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
            "3. a": '<ol start="3">\n<li>a</li>\n</ol>',
            "```python\nx = 1\n```": "<pre><code>x = 1\n</code></pre>",
            "snake_case_name": "<p>snake_case_name</p>",
            "# no heading": "<p># no heading</p>",
        }.items():
            self.assertEqual(markup.render(body).strip(), html, body)

    def test_a_picture_is_a_link_at_most(self):
        self.assertNotIn("<img", markup.render("![x](https://a.example/x.png)"))

    def test_plain_text_has_the_words_without_the_marks(self):
        self.assertEqual(markup.plain_text(markup.render("**a**\n\n> b & c\n\n`<d>`")), "a b & c <d>")


class LinkTests(MarkupTestCase):
    def links(self, body):
        return [dict(attributes)["href"] for tag, attributes in Elements(markup.render(body, NAMES)).found if tag == "a"]

    def test_bare_links_become_links_and_end_where_the_sentence_does(self):
        for body, link in {
            "see https://a.example/x?y=1&z=2#f.": "https://a.example/x?y=1&z=2#f",
            "(http://a.example)": "http://a.example",
            "https://a.example/a_b_c!": "https://a.example/a_b_c",
            "https://a.example/ä": "https://a.example/ä",
            "**https://a.example**": "https://a.example",
        }.items():
            self.assertEqual(self.links(body), [link], body)

    def test_written_links(self):
        self.assertEqual(
            self.links("[x](https://a.example) <https://b.example> [m](mailto:a@b.example)"),
            [
                "https://a.example",
                "https://b.example",
                "mailto:a@b.example",
            ],
        )

    def test_no_links_in_code(self):
        self.assertEqual(self.links("`https://a.example`\n\n```\nhttps://b.example @ann\n```"), [])

    def test_no_link_inside_a_link(self):
        self.assertEqual(self.links("[https://b.example](https://a.example)"), ["https://a.example"])


class MentionTests(MarkupTestCase):
    def mentioned(self, body):
        found = Elements(markup.render(body, NAMES)).found
        return [int(dict(attributes)["data-user"]) for tag, attributes in found if tag == "span"]

    def test_people_who_are_there_are_mentioned(self):
        for body, users in {
            "@ann": [1],
            "hey @Ann, and @bob.jones.": [1, 2],
            "**@ann**": [1],
            "> @ann said": [1],
            "(@ann)": [1],
            "@nobody": [],
            "ann@ann.example": [],
            "https://a.example/@ann": [],
            "`@ann`": [],
            "[@ann](https://a.example)": [],
            "@annie": [],
            "@@ann": [],
        }.items():
            self.assertEqual(self.mentioned(body), users, body)

    def test_a_name_at_the_end_of_a_sentence_keeps_its_full_stop_outside(self):
        self.assertEqual(markup.render("@ann.", NAMES).strip(), '<p><span class="mention" data-user="1">@ann</span>.</p>')

    def test_names_in_finds_what_might_be_a_person(self):
        self.assertEqual(markup.names_in("@Ann, @bob.jones. mail@ann.example @x"), {"ann", "bob.jones", "x"})

    def test_those_who_are_mentioned_are_those_who_are_shown_so(self):
        for body in ["@ann", "`@ann`", "[@ann](https://a.example)", "@nobody", '<span class="mention" data-user="7">@eve</span>']:
            self.assertEqual(markup.mentioned_in(markup.render(body, NAMES)), set(self.mentioned(body)), body)

    def test_names_with_an_underscore_are_mentioned_whole(self):
        html = markup.render("@snow_white and @a_b_c", {"snow_white": 1, "a_b_c": 2})
        self.assertEqual(html.count('class="mention"'), 2)


class ExcerptTests(SimpleTestCase):
    def test_it_is_one_line_without_marks_and_not_too_long(self):
        self.assertEqual(markup.excerpt("**a**\n> b `c`"), "a b c")
        self.assertEqual(len(markup.excerpt("word " * 100)), 120)
        self.assertTrue(markup.excerpt("word " * 100).endswith("…"))
