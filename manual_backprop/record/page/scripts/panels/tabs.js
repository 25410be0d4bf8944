// The panels, one at a time, and the tabs that choose which.
import { $, make } from "../dom.js";
import { data, shown, watch } from "../step.js";

const panels = [...document.querySelectorAll("main > section")], drawn = new Map();
const named = (name) => panels.find((panel) => panel.dataset.panel === name);
const ofAddress = () => (named(location.hash.slice(1)) ? location.hash.slice(1) : null);  // step.html#train
const tabOf = (panel) => $(`tab-${panel.dataset.panel}`);
const isThere = (panel) => !tabOf(panel).hidden;

// Draw a panel when what it depends on has changed: at once if it is open, else when it is opened.
export function panel(name, depends, show) {
  const shows = drawn.get(name) || [], own = { show, isStale: true };
  drawn.set(name, [...shows, own]);
  watch(depends, () => {
    own.isStale = true;
    if (!named(name).hidden) draw(own);
  });
}

function draw(own) {
  own.isStale = false;
  own.show();
}

export function open(name) {
  const wanted = named(name) && isThere(named(name)) ? named(name) : panels.find(isThere);
  for (const panel of panels) {
    panel.hidden = panel !== wanted;
    tabOf(panel).setAttribute("aria-selected", panel === wanted);
    tabOf(panel).tabIndex = panel === wanted ? 0 : -1;
  }
  for (const own of drawn.get(wanted.dataset.panel) || []) if (own.isStale) draw(own);
}

// Which panels there are: some need a network that the page can compute.
function limitTabs() {
  const { laboratory, values } = shown.step, isLaboratory = laboratory !== null;
  const isImage = isLaboratory && values[laboratory.layers[0].input].image > 0;
  const there = { "": true, network: isLaboratory, image: isImage };
  for (const each of panels) {
    tabOf(each).hidden = !there[each.dataset.needs || ""] || each.dataset.empty === "true";
    tabOf(each).textContent = (!isLaboratory && each.dataset.recorded) || each.dataset.title;
  }
  const opened = panels.find((each) => !each.hidden && isThere(each));
  open(opened ? opened.dataset.panel : ofAddress() || data.panel);
}

for (const each of panels) {
  const tab = make("button", each.dataset.title, $("tabs"));
  tab.id = `tab-${each.dataset.panel}`;
  each.id = `panel-${each.dataset.panel}`;
  each.hidden = true;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", each.id);
  each.setAttribute("role", "tabpanel");
  each.setAttribute("aria-labelledby", tab.id);
  tab.addEventListener("click", () => open(each.dataset.panel));
}
$("tabs").addEventListener("keydown", (event) => {
  const there = panels.filter(isThere), now = there.findIndex((each) => !each.hidden), last = there.length - 1;
  const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = there[(to + there.length) % there.length];
  open(next.dataset.panel);
  tabOf(next).focus();
});
window.addEventListener("hashchange", () => { if (ofAddress()) open(ofAddress()); });
watch("step", limitTabs);
