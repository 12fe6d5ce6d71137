// What can be measured in a page; visit.py calls these functions there.

// An element in a few words.
const words = (element) => {
  const text = element.ariaLabel || element.labels?.[0]?.innerText || element.textContent;
  return `${element.localName} ${text.trim().replace(/\s+/g, " ").slice(0, 40)}`.trim();
};

const flat = (element) => element.innerText.trim().replace(/\s+/g, " ");

const panes = () => Object.fromEntries(
  [...document.querySelectorAll("main section")].map((pane) => [pane.id, flat(pane)]));

// What changes while somebody watches.
const news = () => ({
  event: flat(document.querySelector("#event-list li")),
  headline: flat(document.getElementById("headline")),
});

const differs = (before) => news().event !== before.event && news().headline !== before.headline;

// Waits until a condition holds; asks whenever something has changed.
const until = (holds) => new Promise((done) => {
  const look = () => holds() && done(true);
  new MutationObserver(look).observe(
    document, { subtree: true, childList: true, characterData: true });
  look();
});

// Whatever could run, or fetch, but the one script.
const active = () => [...document.querySelectorAll("*")].filter((element) =>
  (element.localName === "script" && element.getAttribute("src") !== "/page.js")
    || ["iframe", "object", "embed", "img", "base"].includes(element.localName)
    || element.getAttributeNames().some((name) => name.startsWith("on"))
    || /^\s*javascript:/i.test(element.getAttribute("href") ?? "")).map(words);

const parsed = (color) => {
  const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
  return { light: [red, green, blue], alpha };
};

const laid = (above, below) =>
  above.light.map((part, at) => part * above.alpha + below[at] * (1 - above.alpha));

// The colour behind an element: its own and its ancestors' backgrounds, one over the other.
const ground = (element) => {
  const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
  return laid(parsed(getComputedStyle(element).backgroundColor), below);
};

// WCAG 2.1, relative luminance.
const luminance = (light) => {
  const [red, green, blue] = light.map((part) => part / 255).map((part) =>
    part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

// WCAG 2.1, contrast ratio of a colour to what is behind an element.
const contrast = (color, element) => {
  const below = ground(element);
  const [dark, bright] = [luminance(laid(parsed(color), below)), luminance(below)]
    .sort((one, other) => one - other);
  return (bright + 0.05) / (dark + 0.05);
};

// Each element that shows text of its own, with that text's colour.
const texts = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNode(walker.currentNode);
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() && range.getClientRects().length)
      found.push([element, getComputedStyle(element).color]);
  }
  for (const field of document.querySelectorAll("[placeholder]"))
    found.push([field, getComputedStyle(field, "::placeholder").color]);
  return found;
};

const scrolls = (element) =>
  element && (["auto", "scroll"].includes(getComputedStyle(element).overflowX)
    || scrolls(element.parentElement));

const look = () => ({
  ground: luminance(ground(document.body)),
  texts: texts().length,
  faint: texts().map(([element, color]) => [words(element), contrast(color, element)])
    .filter(([, ratio]) => ratio < 4.5).map(([name, ratio]) => `${ratio.toFixed(2)}: ${name}`),
  overflow: document.documentElement.scrollWidth - innerWidth,
  sticking: [...document.body.querySelectorAll("*")].filter((element) =>
    element.getBoundingClientRect().right > innerWidth + 0.5
      && !scrolls(element.parentElement)).map(words),
});

// What a keyboard has to reach, in the order in which the page is read.
const controls = () => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex='0']")].map(words);

// What has the keyboard, and whether a person can see that; null at the end of the page.
const focused = () => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const style = getComputedStyle(element);
  const place = element.getBoundingClientRect();
  const isInside = place.width > 0 && place.height > 0 && place.bottom > 0 && place.right > 0
    && place.top < innerHeight && place.left < innerWidth;
  const isMarked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    && contrast(style.outlineColor, element.parentElement) >= 3;
  return { name: words(element), isSeen: isInside && isMarked };
};
