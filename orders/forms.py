"""The form of an order, built from the catalogue: it parses what was typed, the catalogue judges it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders import catalogue
from orders.actions.moves import visible
from orders.actions.ordering import Content
from orders.catalogue import MULTI, Offer, Product
from orders.models import Order
from portal.models import User

TEXT_MAX = 2000
NAMES_MAX = 20_000


class OrderForm(forms.Form):
    purpose = forms.CharField(
        label=_("Purpose"),
        help_text=_("What it is for. Approvers decide by this, auditors read it years later."),
        required=False,
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "required": True}),
    )
    team = forms.CharField(label=_("Team"), help_text=_("Who looks after it."), required=False, max_length=100)
    domain_names = forms.CharField(
        label=_("Domain names"),
        help_text=_("One a line. They are not sent with the purchase; the cloud asks for them when it issues."),
        required=False,
        max_length=NAMES_MAX,
        widget=forms.Textarea(attrs={"rows": 4, "required": True, "spellcheck": "false", "autocapitalize": "off"}),
    )
    token = forms.UUIDField(widget=forms.HiddenInput, required=False)
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, offer: Offer, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial={"token": uuid.uuid4()} | initial)
        self.offer = offer
        own = {name: self.fields.pop(name) for name in list(self.fields)}
        self.fields.update({each.name: _form_field(each) for each in offer.fields})
        self.fields.update(own)
        if offer.product == Product.CA:
            del self.fields["domain_names"]
        else:
            self._offer_what_is_sold()

    def _current(self, name: str) -> str:
        return str(
            self.data.get(name, "") if self.is_bound else self.get_initial_for_field(self.fields[name], name) or ""
        )

    def _offer_what_is_sold(self) -> None:
        """Show only what the chosen brand and type sell; what is chosen now stays visible, with its error."""
        brand, cert_type, domain_type = map(self._current, ("cert_brand", "cert_type", "domain_type"))
        sold = catalogue.SOLD.get(brand, {})
        _narrow(self.fields["cert_type"], set(sold) | {cert_type} if sold else None)
        types = catalogue.domain_types_sold(brand, cert_type)
        _narrow(self.fields["domain_type"], {*types, domain_type} if types else None)
        number = self.fields["domain_numbers"].widget.attrs
        if domain_type == MULTI:
            number["min"] = 2
        elif domain_type:
            number.update(readonly=True, min=1, max=1)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "domain_names" in self.fields:
            cleaned["domain_names"] = self._normal_names(cleaned.get("domain_names", ""))
        values = {each.name: cleaned.get(each.name) for each in self.offer.fields if each.name not in self.errors}
        for name, texts in catalogue.problems(self.offer, self._sent(values)).items():
            if name not in self.errors:
                self.add_error(name, list(map(str, texts)))
        if not visible(cleaned.get("purpose", "")) and "purpose" not in self.errors:
            self.add_error("purpose", _("Say what it is for: approvers decide by it."))
        return cleaned

    def _normal_names(self, typed: str) -> list[str]:
        names: list[str] = []
        wrong: list[str] = []
        for name in re.split(r"[\s,;，；、]+", typed.strip()):
            try:
                names += [catalogue.normal_name(name)] if name else []
            except ValueError as error:
                wrong.append(str(error))
        values = {name: self.cleaned_data.get(name) for name in ("domain_numbers", "domain_type")}
        wrong += map(str, catalogue.domain_name_problems(names, values) if not wrong else [])
        if wrong and "domain_names" not in self.errors:
            self.add_error("domain_names", wrong)
        return names

    @staticmethod
    def _sent(values: dict[str, Any]) -> dict[str, Any]:
        """Without the optional fields that were left empty: they are not sent."""
        return {name: value for name, value in values.items() if value not in (None, "")}

    @property
    def content(self) -> Content:
        cleaned = self.cleaned_data
        return Content(
            values=self._sent({each.name: cleaned.get(each.name) for each in self.offer.fields}),
            purpose=cleaned["purpose"],
            team=cleaned["team"],
            domain_names=cleaned.get("domain_names", []),
        )

    @property
    def token_value(self) -> uuid.UUID:
        return self.cleaned_data.get("token") or uuid.uuid4()


def initial_from(offer: Offer, order: Order | None, user: User) -> dict[str, Any]:
    """What an empty form, or a form made from an earlier order, starts with."""
    if order is None:
        return {each.name: each.initial for each in offer.fields} | {"team": user.team}
    content = order.content
    return {
        **content.values,
        "purpose": content.purpose,
        "team": content.team,
        "domain_names": "\n".join(content.shown_names),
        "revision": content.number,
    }


def initial_from_other(offer: Offer, order: Order, user: User) -> dict[str, Any]:
    """What a new order starts with that is made from an earlier one: consent is given anew."""
    consents = {each.name: each.initial for each in offer.fields if each.kind == "consent"}
    return initial_from(offer, order, user) | consents


def initial_from_typed(offer: Offer, form_data: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed so far, for a form whose choices are brought up to date without judging it."""
    unticked = {each.name: "" for each in offer.fields if each.kind in ("flag", "switch", "consent")}
    typed = unticked | {name: form_data.get(name, "") for name in form_data}
    if typed.get("domain_type") in (catalogue.SINGLE, catalogue.WILDCARD):
        typed["domain_numbers"] = "1"
    elif typed.get("domain_type") == MULTI and typed.get("domain_numbers") in ("", "1"):
        typed["domain_numbers"] = "2"
    return typed


def _form_field(each: catalogue.Field) -> forms.Field:
    common: dict[str, Any] = {
        "label": each.label,
        "help_text": each.help,
        "required": False,
        "initial": each.initial,
    }
    needed = {"required": True} if each.required else {}
    match each.kind:
        case "choice":
            blank = [] if each.initial is not None else [("", _("Choose…"))]
            return forms.TypedChoiceField(
                choices=[*blank, *each.choices],
                coerce=type(each.choices[0][0]),
                empty_value=None,
                widget=forms.Select(attrs=needed),
                **common,
            )
        case "integer":
            bounds = {} if each.range is None else {"min": each.range.low, "max": each.range.high()}
            return _WholeNumberField(
                widget=forms.NumberInput(attrs=needed | bounds | {"inputmode": "numeric"}), **common
            )
        case "flag":
            return _FlagField(**common)
        case "switch":
            return forms.BooleanField(**common)
        case "consent":
            return forms.BooleanField(widget=forms.CheckboxInput(attrs=needed), **common)
        case "text":
            return forms.CharField(**common)


class _WholeNumberField(forms.IntegerField):
    """Python reads `5_0` as 50; people do not write so."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and "_" in value:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class _FlagField(forms.BooleanField):
    """A tick box whose value is the integer that the API wants."""

    def clean(self, value: Any) -> Any:
        return int(super().clean(value))

    def prepare_value(self, value: Any) -> Any:
        """Django draws the box ticked for 0."""
        return value not in (0, "0", "", None, False)


def _narrow(field: forms.Field, allowed: set[str] | None) -> None:
    if allowed is not None and isinstance(field.widget, forms.Select):
        field.widget.choices = [each for each in field.widget.choices if each[0] in allowed or each[0] == ""]
