"""A signed-in person with a real browser."""

import re

from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.running_stack import Stack


class Visitor:
    """A signed-in person. What the browser complains about is a failure."""

    def __init__(self, browser: Browser, stack: Stack, name: str, **context: object) -> None:
        self.stack = stack
        self.page: Page = browser.new_context(**context).new_page()  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)
        self.visit("/sign-in/")
        self.page.locator(f'form[action="/demo/sign-in/{name}/"] button').click()
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def _hear(self, line: ConsoleMessage) -> None:
        """Who leaves a page while it asks for news breaks that request off: htmx says so, and it is no failure."""
        if line.type == "error" and not line.text.startswith(("htmx:afterRequest", "htmx:sendError", "htmx:sendAbort")):
            self.complaints.append(line.text)

    def visit(self, path: str) -> Page:
        self.page.goto(path if path.startswith("http") else self.stack.address + path)
        return self.page

    def request_certificate(self, purpose: str, domains: int = 5, brand: str = "GLOBALSIGN") -> str:
        """Returns the order's address."""
        page = self.visit("/orders/new/certificate/")
        for name, value in {"cert_brand": brand, "cert_type": "OV_SSL_CERT", "domain_type": "MULTI_DOMAIN"}.items():
            with page.expect_response(lambda response: response.request.method == "POST"):
                page.select_option(f"select[name={name}]", value)
        page.fill("input[name=domain_numbers]", str(domains))
        page.fill("textarea[name=domain_names]", "www.example.com\napi.example.com")
        page.fill("textarea[name=purpose]", purpose)
        page.check("input[name=agree_privacy_protection]")
        return self._asked_for_approval()

    def request_ca(self, purpose: str) -> str:
        page = self.visit("/orders/new/ca/")
        page.fill("textarea[name=purpose]", purpose)
        return self._asked_for_approval()

    def _asked_for_approval(self) -> str:
        self.page.get_by_role("button", name="Ask for approval").click()
        self.page.wait_for_url(re.compile(r"/orders/\d+/$"))
        return self.page.url

    def decide(self, address: str, verb: str, comment: str = "") -> Page:
        page = self.visit(address)
        page.fill("textarea[name=comment]", comment)
        page.locator(f'button[formaction$="/{verb}/"]').click()
        return page
