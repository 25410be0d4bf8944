"""A page in a real browser: whether it is silent, when it is ready, and how well its text can be read."""

from typing import Any


def new_page(browser: Any, uri: str = "", **settings: Any) -> tuple[Any, list[str]]:
    """A page, and what it says: in its console, as an error, or by asking for anything besides itself."""
    page = browser.new_page(**settings)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: request.is_navigation_request() or said.append(request.url))
    if uri:
        page.goto(uri)
    return page, said


def next_frame(page: Any) -> None:
    """What an input, or another theme, brings about is drawn once in a frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


WAIT = """async () => {{
    const end = performance.now() + 30000;
    while (!({condition})) {{
        if (performance.now() > end) throw new Error("timeout");
        await new Promise(requestAnimationFrame);
    }}
}}"""


def wait_until(page: Any, condition: str) -> None:
    """What `wait_for_function` does is forbidden by the page's policy."""
    page.evaluate(WAIT.format(condition=condition))


# Of an element: the least contrast of a visible text with what lies behind it, and the text.
CONTRAST = """(root) => {
    const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const luminance = (colour) => channels(colour).slice(0, 3)
        .map((c) => c / 255)
        .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const isOpaque = (colour) => channels(colour).length === 3 || channels(colour)[3] === 1;
    const behind = (at) => {
        for (; at; at = at.parentElement)
            if (isOpaque(getComputedStyle(at).backgroundColor)) return getComputedStyle(at).backgroundColor;
        return getComputedStyle(document.body).backgroundColor;
    };
    const texts = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement: element, data } = walker.currentNode;
        if (!/[\\p{L}\\p{N}]/u.test(data) || !element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.closest("script, :disabled") || element.closest("option")) continue;
        for (let at = element; at; at = at.parentElement)
            if (getComputedStyle(at).opacity !== "1") return [0, data];
        const style = getComputedStyle(element), colour = element.closest("svg") ? style.fill : style.color;
        const [a, b] = [colour, behind(element)].map(luminance);
        texts.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), data]);
    }
    return texts.sort(([a], [b]) => a - b)[0];
}"""
