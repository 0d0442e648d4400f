// The answer in words and as ten bars. The bars stand in the order of the classes and do not jump about while one
// draws; the best is in colour.

fmnist.mountAnswer = (element, server) => {
  const holder = element.closest("#answer");
  const words = element.querySelector(".words");
  const rows = fmnist.facts.classes.map((name) => {
    const row = document.createElement("li");
    const [label, track, bar, number] = ["span", "span", "i", "b"].map((tag) => document.createElement(tag));
    label.textContent = name;
    track.className = "track";
    track.append(bar);
    row.append(label, track, number);
    element.querySelector(".bars").append(row);
    return { row, bar, number };
  });
  let painted = 0;

  const whose = element.querySelector(".whose select");
  const problem = element.querySelector(".problem");
  const aside = element.querySelector(".aside");
  const meter = element.querySelector("meter");
  const familiar = element.querySelector(".familiar b");
  const offer = (name, words) => {
    const option = document.createElement("option");
    [option.value, option.textContent] = [name, words];
    whose.append(option);
  };
  for (const [name, parameters] of Object.entries(fmnist.facts.networks)) {
    offer(name, `${name}: ${parameters.toLocaleString("en")} parameters`);
  }
  const choose = async (name) => {
    const reply = await fmnist.call(server.choose, { network: name });
    [problem.textContent, problem.hidden] = [reply.error ?? "", !reply.error];
    fmnist.link.set("network", reply.error || name === "yours" ? null : name);
    fmnist.emit("network"); // after an error too: the answer tells who it is that answers
  };
  whose.addEventListener("change", () => choose(whose.value));
  let known = Object.keys(fmnist.facts.networks)[0]; // the network that the page speaks of
  fmnist.on("network", () => (known = null));

  const paint = ({ empty, words: sentence, probabilities, network, own, familiarity = 0, note }) => {
    if (own && !whose.querySelector("[value=yours]")) offer("yours", "the network that you trained");
    if (own === false) whose.querySelector("[value=yours]")?.remove();
    if (network) whose.value = network;
    // Chosen in another tab or before a reload, or forgotten by the server: the other views do not know yet.
    if (network && known && network !== known) fmnist.emit("network");
    if (network) known = network;
    aside.textContent = note ?? "";
    words.textContent = fmnist.unbroken(empty ?? sentence);
    words.classList.toggle("empty", Boolean(empty));
    words.classList.toggle("guess", Boolean(note));
    const best = empty ? -1 : probabilities.indexOf(Math.max(...probabilities));
    rows.forEach(({ row, bar, number }, index) => {
      const part = empty ? 0 : probabilities[index];
      row.classList.toggle("best", index === best);
      bar.style.transform = `scaleX(${part})`;
      number.textContent = empty ? "–" : fmnist.percent(part);
    });
    meter.value = empty ? 0 : familiarity;
    familiar.textContent = empty ? "–" : `${Math.round(100 * familiarity)} %`;
    holder.dataset.answers = String(++painted);
  };
  fmnist.on("answer", paint);

  // The server ends a training that nobody asks about. The view that follows one is made when its tab is first opened,
  // which after a reload may be never: until then it is kept going here.
  const KEEPING = 20_000; // milliseconds from one question to the next
  const keepTraining = async (wasAlive) => {
    if (fmnist.train) return;
    const { alive, error } = await fmnist.call(server.train_state, { seen: 1e6 }); // nothing of what has happened
    if (alive || (error && wasAlive)) setTimeout(keepTraining, KEEPING, true);
    else if (wasAlive) fmnist.emit("network"); // what came out of it
  };
  keepTraining(false);

  const readLink = () => {
    const linked = fmnist.link.get("network");
    if (linked !== fmnist.latest("answer")?.network && Object.hasOwn(fmnist.facts.networks, linked)) choose(linked);
  };
  fmnist.on("link", readLink);
  readLink();
};
