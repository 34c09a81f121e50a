"""The portal in Chinese: every marked text is translated, and no page falls back to English."""

from __future__ import annotations

import gettext
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real
from pytest_django import Settings

from orders.actions import stopping
from orders.models import Stop
from orders.states import Status
from portal.management.commands import extract_messages
from portal.management.commands.extract_messages import Key, catalogues, extracted, merged
from portal.models import User
from tests import making

CATALOGUES = [pytest.param(path, id=path.parent.parent.name) for path in catalogues()]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|%[a-z]|\{\w*\}|<[^>]+>")
HAN = "[\u4e00-\u9fff]"


def texts(entry: polib.POEntry) -> list[str]:
    """The translation, in each of its forms."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


# ---------------------------------------------------------------- the catalogue


def test_there_is_a_chinese_catalogue() -> None:
    assert [path.parent.parent.name for path in catalogues()] == ["zh_Hans"]


@pytest.mark.parametrize("path", CATALOGUES)
def test_the_catalogue_holds_exactly_what_is_marked(path: Path) -> None:
    catalogue = polib.pofile(str(path))
    found = extracted()
    assert {Key(entry.msgid, entry.msgctxt) for entry in catalogue} == set(found)
    assert str(merged(catalogue, found)) == path.read_text(), "run make messages"


@pytest.mark.parametrize("path", CATALOGUES)
def test_every_text_is_translated(path: Path) -> None:
    catalogue = polib.pofile(str(path))
    assert [entry.msgid for entry in catalogue if not all(texts(entry)) or entry.fuzzy or entry.obsolete] == []


@pytest.mark.parametrize("path", CATALOGUES)
def test_a_translation_names_what_its_text_names(path: Path) -> None:
    """With a plural: as the plural does, or as the singular, which may leave out the number."""
    wrong = []
    for entry in polib.pofile(str(path)):
        least, most = placeholders(entry.msgid), placeholders(entry.msgid_plural or entry.msgid)
        wrong += [text for text in texts(entry) if placeholders(text) not in (least, most)]
    assert wrong == []


def test_a_product_and_a_heading_of_the_same_word_are_two_texts() -> None:
    with translation.override("zh-hans"):
        assert translation.gettext("Certificate") == "证书"
        assert translation.npgettext("heading", "Certificate", "%(n)s certificates", 3) == "%(n)s 张证书"


@pytest.mark.parametrize("path", CATALOGUES)
def test_the_catalogue_compiles(path: Path) -> None:
    catalogue = polib.pofile(str(path))
    compiled = gettext.GNUTranslations(io.BytesIO(catalogue.to_binary()))
    for entry in catalogue:
        context = f"{entry.msgctxt}\x04" if entry.msgctxt else ""
        if entry.msgid_plural:
            assert compiled.ngettext(context + entry.msgid, entry.msgid_plural, 1) == entry.msgstr_plural[0]
        else:
            assert compiled.gettext(context + entry.msgid) == entry.msgstr


def test_chinese_is_written_in_chinese() -> None:
    catalogue = next(path for path in catalogues() if path.parent.parent.name == "zh_Hans")
    every = [text for entry in polib.pofile(str(catalogue)) for text in texts(entry)]
    words = [text for text in every if re.search(r"\w", re.sub(r"%\(\w+\)s", "", text))]
    assert [text for text in words if not re.search(HAN, text)] == []
    assert [text for text in every if re.search(f"{HAN}[,;:?!.]|[,;:?!]{HAN}", text)] == [], "half-width punctuation"


# ---------------------------------------------------------------- extraction

TEMPLATE = """{% if a %}
    {% translate "Say 100%" %}{{ b|default:_("never") }}
  {% endif %}
{% blocktranslate trimmed count n=n %}
  {{ n }} thing
{% plural %}
  {{ n }} things
{% endblocktranslate %}
      {% translate "May" context "month" %}
<p title="{% translate 'Two words' %}">it's "quoted" (</p>
"""
MODULE = """
_("beside"), _("of two "
  "parts"), gettext_lazy("lazy"), pgettext("verb", "order"), ngettext("day", "days", n), _("day")
npgettext_lazy("ctx", "one", "many", 2)
_(name)
"""
HEADER = 'msgid ""\nmsgstr ""\n"Language: xx\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
OLD = """msgid "beside"
msgstr "daneben"

#, fuzzy
msgid "lazy"
msgstr "faul"

msgid "gone"
msgstr "weg"

msgid "order"
msgstr "Auftrag"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the catalogue of a small project."""
    for name, text in {
        "templates/a/b.html": TEMPLATE,
        "orders/models.py": MODULE,
        "orders/migrations/0001.py": '_("in a migration")',
        "portal/x.py": '_("beside")',
        "locale/xx/LC_MESSAGES/django.po": HEADER + OLD,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(extract_messages, "ROOT", tmp_path)
    return tmp_path / "locale/xx/LC_MESSAGES/django.po"


def test_extraction_finds_what_makemessages_finds(project: Path) -> None:
    plurals = {key: message.plural for key, message in extracted().items()}
    assert plurals == {
        Key("Say 100%%"): None,
        Key("never"): None,
        Key("%(n)s thing"): "%(n)s things",
        Key("May", "month"): None,
        Key("Two words"): None,
        Key("beside"): None,
        Key("of two parts"): None,
        Key("lazy"): None,
        Key("order", "verb"): None,
        Key("day"): "days",
        Key("one", "ctx"): "many",
    }
    assert extracted()[Key("beside")].places == ["orders/models.py", "portal/x.py"]


def test_extraction_keeps_what_is_translated_and_drops_what_is_gone(project: Path) -> None:
    call_command("extract_messages", stdout=io.StringIO())
    entries = {Key(entry.msgid, entry.msgctxt): entry for entry in polib.pofile(str(project))}
    assert set(entries) == set(extracted())
    assert entries[Key("beside")].msgstr == "daneben"
    assert entries[Key("lazy")].fuzzy
    assert entries[Key("order", "verb")].msgstr == ""
    assert entries[Key("day")].msgstr_plural == {0: "", 1: ""}
    assert [key for key, entry in entries.items() if entry.fuzzy] == [Key("lazy")]
    assert "gone" not in project.read_text()


def test_extraction_again_changes_nothing(project: Path) -> None:
    call_command("extract_messages", stdout=io.StringIO())
    text, stamp = project.read_text(), project.stat().st_mtime_ns
    call_command("extract_messages", stdout=io.StringIO())
    assert (project.read_text(), project.stat().st_mtime_ns) == (text, stamp)


# ---------------------------------------------------------------- the pages

NAMES = {
    *("Countersign", "SSL", "TLS", "CA", "ID", "IAM", "API", "HTTP", "SHA", "Token", "Cookie", "default", "ms", "UTC"),
    *("OV", "EV", "DV", "Pro", "Basic", "ORD"),
    *("GlobalSign", "GeoTrust", "DigiCert", "SYMANTEC", "CFCA", "TrustAsia", "vTrus"),
}
"""Words that are the same in Chinese."""
DATA = ("Shop front", "Service mesh", "Payments", "Platform", "Not needed.", "No.", "lin", "ana", "mei", "omar", "noor")
"""What people typed into the orders below, and their names."""
IDS = re.compile(r"(?<![A-Za-z0-9])(scs\d+|CS\d+[A-Z0-9]*|[0-9a-f]{32,64}|[a-z*.-]+\.example\.com)(?![A-Za-z0-9])")
SHOWN_ATTRIBUTES = ("aria-label", "placeholder", "title", "alt", "data-copied")


class Shown(HTMLParser):
    """What a person sees or hears of a page, without what is marked as not to be translated."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.lists: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = bool(self.open and self.open[-1][1]) or (
            tag in ("script", "style")
            or given.get("translate") == "no"
            or given.get("lang", "zh-hans") != "zh-hans"
            or (tag == "dd" and bool(self.lists) and self.lists[-1] == "data")
        )
        if not hidden:
            self.texts += [given[name] or "" for name in SHOWN_ATTRIBUTES if name in given]
        if tag not in self.VOID:
            self.open.append((tag, hidden))
        if tag == "dl":
            self.lists.append(given.get("class") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag == "dl":
            self.lists.pop()
        opened, _hidden = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1][1]):
            self.texts.append(" ".join(data.split()))


def left_in_english(page: str) -> list[str]:
    """Shown texts with a word that is neither Chinese, nor a name, nor typed by somebody."""
    found = []
    for text in Shown(page).texts:
        rest = text
        for known in DATA:
            rest = re.sub(rf"(?<![A-Za-z-]){re.escape(known)}(?![A-Za-z])", "", rest)
        rest = IDS.sub("", rest)
        if set(re.findall(r"[A-Za-z]{2,}", rest)) - NAMES:
            found.append(text)
    return found


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    call_command("compile_translations")
    vars(trans_real)["_translations"].pop("zh-hans", None)


@pytest.fixture
def chinese(client: Client) -> Client:
    client.cookies["django_language"] = "zh-hans"
    return client


def page(client: Client, address: str, status: int = 200, **post: str) -> str:
    response = client.post(address, post) if post else client.get(address)
    assert response.status_code == status
    text = response.content.decode()
    assert '<html lang="zh-hans">' in text
    return text


def test_the_check_sees_english() -> None:
    html = '<p>你好 <b>Not marked</b><i translate="no">code</i></p><img alt="A picture">'
    html += '<dl class="data"><dd>data</dd></dl>'
    assert left_in_english(html) == ["Not marked", "A picture"]


@pytest.mark.django_db
def test_a_chinese_browser_is_answered_in_chinese(client: Client) -> None:
    response = client.get("/sign-in/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert response.headers["Content-Language"] == "zh-hans"
    assert "<h1>登录</h1>" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.urls("tests.portal.test_views")
def test_signing_in_is_chinese(chinese: Client, lin: User, mei: User, noor: User, settings: Settings) -> None:
    settings.DEMO = True
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    assert left_in_english(page(chinese, "/sign-in/")) == []
    assert left_in_english(page(chinese, "/sign-in/", username="lin", password="wrong")) == []


FORM = {"cert_brand": "CFCA", "cert_type": "DV_SSL_CERT", "domain_type": "WILDCARD", "domain_numbers": "3"}


@pytest.mark.django_db
def test_the_forms_are_chinese(chinese: Client, lin: User, mei: User, omar: User) -> None:
    chinese.force_login(lin)
    draft = making.order(lin, request=False).get_absolute_url()
    wrong = FORM | {"domain_names": "a b.example.com b.example.com *.c.example.com", "order_number": "5000"}
    shown = [page(chinese, address) for address in ("/orders/new/", "/orders/new/certificate/", "/orders/new/ca/")]
    shown += [page(chinese, f"/orders/new/certificate/?from={draft.split('/')[2]}"), page(chinese, f"{draft}edit/")]
    shown += [page(chinese, f"/orders/new/{product}/", 422, **wrong) for product in ("certificate", "ca")]
    shown.append(page(chinese, "/orders/new/ca/", 422, period_num="9999", period_type="x"))
    assert [left_in_english(each) for each in shown] == [[]] * len(shown)


@pytest.mark.django_db
@pytest.mark.parametrize("status", Status)
def test_an_order_is_chinese_in_every_status(
    chinese: Client, lin: User, mei: User, omar: User, noor: User, status: Status
) -> None:
    order = making.in_status(status, lin, mei)
    for viewer in (lin, mei, omar, noor):
        chinese.force_login(viewer)
        assert left_in_english(page(chinese, order.get_absolute_url())) == [], viewer


@pytest.mark.django_db
def test_what_an_order_answers_is_chinese(chinese: Client, lin: User, mei: User, omar: User) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    address, seen = order.get_absolute_url(), {"digest": order.content.digest, "revision": "1", "comment": " "}
    chinese.force_login(omar)
    assert left_in_english(page(chinese, address)) == []
    assert left_in_english(page(chinese, f"{address}reject/", 422, **seen)) == []
    assert left_in_english(page(chinese, f"{address}reject/", 409, digest="old")) == []
    chinese.force_login(lin)
    assert left_in_english(page(chinese, f"{address}withdraw/", 422, reason=" ")) == []
    assert left_in_english(page(chinese, "/orders/1/", 404)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("viewer", ["lin", "mei", "noor"])
def test_the_lists_are_chinese(chinese: Client, lin: User, mei: User, omar: User, noor: User, viewer: str) -> None:
    for status in set(Status) - {Status.UNCONFIRMED, Status.SUBMITTING}:
        making.put(making.order(lin, making.certificate(domain_numbers=7)), status)
    making.approve(making.order(lin, making.ca()), mei)
    making.in_status(Status.UNCONFIRMED, lin, mei)
    user = User.objects.get(username=viewer)
    chinese.force_login(user)
    for address in ("/", "/orders/", "/orders/?status=expired&q=x", "/approvals/", "/history/"):
        answer = 200 if user.sees_everything or address != "/history/" else 403
        assert left_in_english(page(chinese, address, answer)) == [], address


@pytest.mark.django_db
def test_empty_lists_are_chinese(chinese: Client, lin: User, noor: User) -> None:
    for user in (lin, noor):
        chinese.force_login(user)
        for address in ("/", "/orders/", "/approvals/"):
            assert left_in_english(page(chinese, address)) == [], address


@pytest.mark.django_db
def test_buying_is_chinese(chinese: Client, lin: User, mei: User, noor: User) -> None:
    def shown() -> list[str]:
        return left_in_english(page(chinese, "/buying/"))

    chinese.force_login(mei)
    assert shown() == []
    stop = stopping.stop(by=mei, product="ca", reason="演练")
    stopping.stop(by=mei, product="", reason="演练")
    assert shown() == []
    chinese.force_login(noor)
    assert shown() == []
    stopping.resume(by=mei, stop=Stop.objects.get(pk=stop.pk), reason="结束")
    assert shown() == []
