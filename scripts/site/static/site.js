// What follows a prediction, up to the next one or the next heading, is folded until the reader has answered
// or opens it. Answered ones stay open, on this device, when the page is opened again.
addEventListener("DOMContentLoaded", () => {
  const cellOf = element => element.closest(".cell");
  const cells = [...document.querySelectorAll(".mb-prediction")].map(cellOf);
  const folds = cells.map(cell => {
    const fold = document.createElement("details");
    fold.className = "answer";
    fold.append(Object.assign(document.createElement("summary"), {textContent: "See what happens"}));
    const asks = element => element.textContent.startsWith("Predict:");
    let next = cell.nextElementSibling;
    while (next && next.tagName !== "SECTION" && !cells.includes(next) && !asks(next)) {
      const following = next.nextElementSibling;
      fold.append(next);
      next = following;
    }
    cell.after(fold);
    const key = location.pathname + cell.querySelector(".mb-question").getAttribute("aria-label");
    const open = () => { fold.open = true; };
    cell.addEventListener("toggle", open, true);
    cell.addEventListener("submit", open);
    fold.addEventListener("toggle", event => event.target === fold && localStorage.setItem(key, fold.open));
    fold.open = localStorage.getItem(key) === "true";
    return fold;
  });
  const openAll = () => folds.forEach(fold => { fold.open = true; });
  addEventListener("beforeprint", openAll);
  const links = document.querySelector(".notebook");
  if (folds.length && links) {
    const button = Object.assign(document.createElement("button"), {textContent: "Open all answers"});
    button.addEventListener("click", openAll);
    links.append(button);
  }
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView(); // folding has moved it
});

// A recorded step in a tutorial is as high as what it shows; that of the front page scrolls within itself.
addEventListener("message", ({source, data}) => {
  for (const frame of document.querySelectorAll(".laboratory:not(.front) iframe"))
    if (frame.contentWindow === source) Object.assign(frame.style, {height: `${data.height + 2}px`, maxHeight: "none"});
});
