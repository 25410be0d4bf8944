// The form above: a number is judged as the package judges it.
(form => {
  const {right, because, mistakes, within} = JSON.parse(form.dataset.question);
  const near = (a, b) => Math.abs(a - b) <= Math.max(within * Math.max(Math.abs(a), Math.abs(b)), 1e-12);
  const plain = text => text.replace(/\s/g, "").replace("−", "-")
    .replace(/(?<!^-?0),(?=\d{3}(?!\d))/g, "").replace(",", "."); // 60,000 and 0,5
  const number = text => plain(text).split("/").map(Number).reduce((a, b) => a / b);
  form.addEventListener("submit", event => {
    event.preventDefault();
    const given = number(form.answer.value);
    const [first] = mistakes.filter(([wrong]) => near(given, wrong))
      .sort(([a], [b]) => Math.abs(given - a) - Math.abs(given - b));
    form.said.value = near(given, right) ? `Right. ${because}`
      : first ? `Not ${form.answer.value}: ${first[1]}`
      : `That is too ${given > right ? "large" : "small"}. ${because}`;
  });
})(document.currentScript.previousElementSibling);
