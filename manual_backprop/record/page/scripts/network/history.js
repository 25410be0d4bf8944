// What was done to a network, so that any step of it can be gone back to: the learning rate of each step and what was
// changed by hand between the steps. Some states are kept; those between are computed again, to the same numbers.
const MOST_KEPT = 100;  // states, of 0.5 MB each for a network of 784-128-10

export class History {
  constructor(network) {
    this.network = network;
    this.start = network.copy();
    this.rates = [];
    this.edits = [[]];
    this.losses = [network.currentLoss()];
    this.kept = new Map();
    this.apart = 20;  // steps from one state that is kept to the next
    this.now = 0;
  }

  isAtStart() {
    return this.now === 0 && this.edits[0].length === 0;
  }

  // All that a state is made of.
  sources() {
    const { layers, loss, included } = this.network;
    const parameters = layers.flatMap(({ weight, bias }) => [weight, bias]).filter(Boolean);
    return [...parameters, layers[0].input, loss.target].map((tensor) => tensor.numbers).concat([included]);
  }

  forgetWhatComesAfter() {
    this.rates.length = this.now;
    this.edits.length = this.losses.length = this.now + 1;
    for (const number of this.kept.keys()) if (number > this.now) this.kept.delete(number);
  }

  step(lr) {
    this.forgetWhatComesAfter();
    this.network.step(lr);
    this.rates.push(lr);
    this.edits.push([]);
    this.losses.push(this.network.currentLoss());
    this.now += 1;
    if (this.now % this.apart === 0) this.keep();
  }

  // A state is kept as the step made it. Of many, every second one is enough.
  keep() {
    this.kept.set(this.now, this.sources().map((numbers) => numbers.slice()));
    if (this.kept.size <= MOST_KEPT) return;
    this.apart *= 2;
    for (const number of this.kept.keys()) if (number % this.apart !== 0) this.kept.delete(number);
  }

  // Put numbers into one of the sources, from a place on.
  edit(source, place, numbers) {
    this.forgetWhatComesAfter();
    const index = this.sources().indexOf(source), last = this.edits[this.now].at(-1);
    if (last && last.index === index && last.place === place && last.numbers.length === numbers.length)
      this.edits[this.now].pop();
    this.edits[this.now].push({ index, place, numbers });
    source.set(numbers, place);
    this.network.compute();
    this.losses[this.now] = this.network.currentLoss();
  }

  goTo(step) {
    const from = Math.max(0, ...[...this.kept.keys()].filter((number) => number <= step));
    this.takeState(from);
    for (let number = from; number < step; number++) {
      this.network.step(this.rates[number]);
      this.redo(number + 1);
    }
    this.now = step;
  }

  // At the start the gradients are those that were there, which may be another's to the last bit: not computed again.
  takeState(number) {
    if (number === 0) this.network.takeFrom(this.start);
    else {
      this.sources().forEach((numbers, i) => numbers.set(this.kept.get(number)[i]));
      this.network.compute();
    }
    this.redo(number);
  }

  // What was changed by hand at this step.
  redo(number) {
    if (!this.edits[number].length) return;
    const sources = this.sources();
    for (const { index, place, numbers } of this.edits[number]) sources[index].set(numbers, place);
    this.network.compute();
  }
}
