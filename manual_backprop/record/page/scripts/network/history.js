// What was done to a network, so that any step of it can be gone back to: the learning rate of each step and what was
// changed by hand between the steps. Some states are kept; those between are computed again, to the same numbers.
const MOST_KEPT = 100;  // states, of 0.5 MB each for a network of 784-128-10

export class History {
  constructor(network) {
    this.network = network;
    this.rates = [];
    this.edits = [[]];
    this.losses = [network.loss.output.numbers[0]];
    this.kept = new Map([[0, this.state()]]);
    this.now = 0;
    this.apart = 10;  // steps from one state that is kept to the next
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

  state() {
    return this.sources().map((numbers) => numbers.slice());
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
    this.losses.push(this.network.loss.output.numbers[0]);
    this.now += 1;
    if (this.now % this.apart === 0) this.keep();
  }

  // Of a long training, every other state is let go.
  keep() {
    this.kept.set(this.now, this.state());
    if (this.kept.size <= MOST_KEPT) return;
    this.apart *= 2;
    for (const number of this.kept.keys()) if (number % this.apart) this.kept.delete(number);
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
    this.losses[this.now] = this.network.loss.output.numbers[0];
  }

  goTo(step) {
    const start = Math.max(...[...this.kept.keys()].filter((number) => number <= step));
    this.sources().forEach((numbers, i) => numbers.set(this.kept.get(start)[i]));
    this.redo(start);
    for (let number = start; number < step; number++) {
      this.network.step(this.rates[number]);
      this.redo(number + 1);
    }
    this.now = step;
  }

  // What was changed by hand at this step. A state is kept as the step made it.
  redo(number) {
    const sources = this.sources();
    for (const { index, place, numbers } of this.edits[number]) sources[index].set(numbers, place);
    this.network.compute();
  }
}
