"""A real Chromium, and the page in it as a person meets it: by what is visible, and by the keyboard."""

import contextlib

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait


@contextlib.contextmanager
def chromium():
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def browser():
    with chromium() as driver:
        yield driver


class Page:
    def __init__(self, browser, system):
        self.browser, self.system = browser, system
        self.wait = WebDriverWait(browser, 60, poll_frequency=0.05)

    def find(self, css: str, text: str = ""):
        """The first visible element that fits, as soon as there is one."""
        def visible(browser):
            # One step inside the page: its lists change while they are read.
            return browser.execute_script(
                "return [...document.querySelectorAll(arguments[0])].find((node) =>"
                " node.checkVisibility() && node.textContent.includes(arguments[1]))", css, text)
        return self.wait.until(visible, f"{css} with “{text}”")

    def gone(self, css: str, text: str = ""):
        """Waits until nothing visible fits."""
        def absent(browser):
            return browser.execute_script(
                "return ![...document.querySelectorAll(arguments[0])].some((node) =>"
                " node.checkVisibility() && node.textContent.includes(arguments[1]))", css, text)
        self.wait.until(absent, f"no {css} with “{text}”")

    def click(self, css: str, text: str = ""):
        """Clicks inside the page, where no update can come between finding and clicking."""
        self.find(css, text)
        self.wait.until(lambda browser: browser.execute_script(
            "const node = [...document.querySelectorAll(arguments[0])].find((node) =>"
            " node.checkVisibility() && node.textContent.includes(arguments[1])); node?.click(); return Boolean(node)", css, text))

    def script(self, text: str, *arguments):
        return self.browser.execute_script(text, *arguments)

    def open(self, path: str = "/"):
        self.browser.get(self.system.url(path))

    def sign_in(self, user: str = "", password: str = ""):
        self.open()
        self.find("#user").send_keys(user or self.system.ready["user"])
        self.find("#password").send_keys(password or self.system.ready["password"], Keys.ENTER)
        self.find("#library-title")

    def is_a_phone(self):
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})

    def colours(self, scheme: str):
        self.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def problems(self) -> list[str]:
        """What the browser's console complains of."""
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
