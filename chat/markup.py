"""From what people type to safe HTML: markdown-lite, rendered once, when the message is written."""

import re
from collections.abc import Mapping
from functools import cache
from html import escape, unescape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

MENTION = re.compile(r"(?<![\w@/.])@([\w.+-]{1,150})")
MENTIONED = re.compile(r'<span class="mention" data-user="(\d+)">')  # nobody can type it: their "<" is escaped
PLAIN = re.compile(r"(?![-+\d\s])[^\\`*_\[\]<>~@\r\n\t\0]*(?<!\s)")  # one line in which nothing is markdown, most often
LINK_SCHEMES = {"http", "https", "mailto"}
TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span"}
# "*" is for every element; without it nh3 would let title and lang through.
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "span": {"class", "data-user"}, "ol": {"start"}}


def render(body: str, mentioned: Mapping[str, int] | None = None) -> str:
    """HTML for a message body. `mentioned` maps lower-case user names to ids; only those become mentions.

    Markdown's own output is escaped already; nh3 is the second wall, not the first.
    """
    if PLAIN.fullmatch(body) and "://" not in body:
        return f"<p>{escape(body)}</p>"
    html = _markdown().render(body, {"mentioned": mentioned or {}})
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=LINK_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
        attribute_filter=_keep_attribute,
    )


def names_in(body: str) -> set[str]:
    """The lower-case names after an @: of members or not, also in code or a link, where nobody is mentioned."""
    return {name.rstrip(".+-_").lower() for name in MENTION.findall(body)}


def mentioned_in(html: str) -> set[int]:
    """The ids of those who are mentioned in what `render` made: what is told is what is shown."""
    return {int(user_id) for user_id in MENTIONED.findall(html)}


def excerpt(body: str, length: int = 120) -> str:
    """The beginning of a message on one line, without marks, for quotes and notifications."""
    words = re.sub(r"^\s*```.*$", "", body, flags=re.MULTILINE)  # with the language of a code block
    line = " ".join(re.sub(r"[`*_~>#]+", "", words).split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def plain_text(html: str) -> str:
    """The text of a rendered message, without any mark. It is text again, no longer safe: escape it."""
    return " ".join(unescape(nh3.clean(html, tags=set())).split())


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("js-default", {"html": False, "linkify": False, "breaks": True, "maxNesting": 20})
    markdown.disable(["image", "heading", "lheading", "hr", "table", "reference", "html_block", "entity"])
    markdown.validateLink = _is_safe_link  # type: ignore[method-assign]
    markdown.core.ruler.push("links_and_mentions", _links_and_mentions)
    return markdown


def _is_safe_link(url: str) -> bool:
    return url.partition(":")[0].lower() in LINK_SCHEMES


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if tag == "span" and attribute == "class":
        return "mention" if value == "mention" else None
    return value


BARE_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,:;!?)\]}]")
FOUND = re.compile(f"(?P<link>{BARE_LINK.pattern})|(?P<mention>{MENTION.pattern})")


def _links_and_mentions(state):
    """Turn bare links and mentions inside text (not inside code or links) into elements of their own."""
    mentioned = state.env.get("mentioned", {})
    for block in state.tokens:
        if block.type != "inline" or not block.children:
            continue
        children, in_link = [], 0
        for token in block.children:
            in_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type != "text" or in_link:
                children.append(token)
            else:
                children += _split_text(token, mentioned)
        block.children = children


def _split_text(token: Token, mentioned: Mapping[str, int]) -> list[Token]:
    position, parts = 0, []
    for match in FOUND.finditer(token.content):
        element = _link(match["link"]) if match["link"] else _mention(match["mention"], mentioned)
        if element:
            parts += [_text(token, token.content[position : match.start()]), _html(token, element)]
            position = match.end() if match["link"] else match.start() + _mention_length(match["mention"], mentioned)
    return [*parts, _text(token, token.content[position:])] if parts else [token]


def _link(url: str) -> str:
    return f'<a href="{escape(url)}">{escape(url)}</a>'


def _mention(text: str, mentioned: Mapping[str, int]) -> str | None:
    name = text[1 : _mention_length(text, mentioned)]
    user_id = mentioned.get(name.lower())
    return f'<span class="mention" data-user="{user_id}">@{escape(name)}</span>' if user_id else None


def _mention_length(text: str, mentioned: Mapping[str, int]) -> int:
    """ "@ann." names ann at the end of a sentence, unless somebody is called "ann."."""
    return len(text) if text[1:].lower() in mentioned else len(text.rstrip(".+-_"))


def _text(token: Token, content: str) -> Token:
    copy = token.copy()
    copy.content = content
    return copy


def _html(token: Token, html: str) -> Token:
    copy = token.copy(type="html_inline")
    copy.content = html
    return copy
