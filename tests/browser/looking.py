"""What a person would see at once on a page: text over text, text cut off, a page wider than the
screen."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Of each visible plot: labels that meet each other, or leave it.
_PLOTS = """() => {
  const wrong = [];
  for (const plot of document.querySelectorAll("svg.plot")) {
    const frame = plot.getBoundingClientRect();
    if (!frame.width) continue;
    const texts = [...plot.querySelectorAll("text")].filter((text) => text.textContent.trim());
    const boxes = texts.map((text) => [text.textContent.trim(), text.getBoundingClientRect()]);
    boxes.forEach(([name, box], at) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
          || box.bottom > frame.bottom + 1) wrong.push(`${name} leaves the plot`);
      for (const [other, next] of boxes.slice(at + 1)) {
        const across = Math.min(box.right, next.right) - Math.max(box.left, next.left);
        const down = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
        if (across > 1 && down > 3) wrong.push(`${name} over ${other}`);
      }
    });
  }
  return wrong;
}"""
# Text that a neighbor covers: cells and grid items whose content is wider than they are.
_CUT = """() => [...document.querySelectorAll("td, th, dd, dt, h1, h2, h3, .row > span, p")]
  .filter((box) => box.offsetWidth && box.scrollWidth > box.clientWidth + 2
    && !box.matches(".hidden-visually, .stack :is(.who, .payer, .why, .owner)")
    && getComputedStyle(box).display !== "inline")
  .map((box) => `${box.tagName} ${box.className}: ${box.textContent.trim().slice(0, 60)}`)"""


def overlaps(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_PLOTS)
    return found


def cut_off(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_CUT)
    return found


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - innerWidth"))


def axe(page: Page) -> list[str]:
    """Every finding, of whatever weight."""
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in Axe().run(page).response["violations"]
    ]


def wrong(page: Page) -> list[str]:
    wide = too_wide(page)
    return [*overlaps(page), *cut_off(page), *([f"{wide} px too wide"] if wide > 0 else [])]
