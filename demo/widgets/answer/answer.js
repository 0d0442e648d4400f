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
  const aside = element.querySelector(".aside");
  const meter = element.querySelector("meter");
  const familiar = element.querySelector(".familiar b");
  for (const [name, parameters] of Object.entries(fmnist.facts.networks)) {
    whose.append(new Option(`${name}: ${parameters.toLocaleString("en")} parameters`, name));
  }
  const choose = async (name) => {
    const reply = await fmnist.call(server.choose, { network: name });
    fmnist.showProblem(element, reply.error);
    fmnist.link.set("network", reply.error || name === "yours" ? null : name);
    fmnist.emit("network"); // after an error too: the answer tells who it is that answers
  };
  whose.addEventListener("change", () => choose(whose.value));
  let known = fmnist.facts.session; // number of the network that the page speaks of; null: another one, not heard of yet
  let isRestored = false; // the visitor has given the trained network back
  const showWhose = ({ network, session, own }) => {
    if (session === undefined) return; // of a page that asked nobody
    const yours = whose.querySelector("[value=yours]");
    if (own && !yours) {
      whose.append(new Option("the network that you trained", "yours"));
      fmnist.showProblem(element); // that the one before was forgotten
    }
    if (!own && yours) {
      yours.remove();
      if (!isRestored) fmnist.showProblem(element, "The server has forgotten the network that you trained.");
    }
    isRestored = false;
    whose.value = network;
    if (network === "yours") fmnist.link.set("network", null); // it is no other page's
    // Chosen or trained in another tab or before a reload, or forgotten by the server: the other views do not know yet.
    const isNews = known !== null && session !== known;
    known = session;
    if (isNews) fmnist.emit("network");
  };
  fmnist.on("restored", () => (isRestored = true));
  fmnist.on("network", async () => {
    known = null;
    if (fmnist.latest("answer")?.empty) showWhose(await fmnist.call(server.who, {})); // the pad will not ask
  });

  const paint = ({ empty, words: sentence, probabilities, familiarity = 0, note, ...who }) => {
    showWhose(who);
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

  // A sample that is chosen in a view far below changes what is up here: what is said of it is told there, too.
  const elsewhere = element.querySelector(".elsewhere");
  let isChosenBelow = false;
  fmnist.on("sample", () => (isChosenBelow = words.getBoundingClientRect().bottom < 0));
  fmnist.on("answer", ({ empty, words: sentence, probabilities }) => {
    elsewhere.hidden = !isChosenBelow || Boolean(empty);
    if (!elsewhere.hidden) elsewhere.textContent = `${sentence}, ${fmnist.percent(Math.max(...probabilities))}  ↑`;
  });
  fmnist.whenVisible(words, (isVisible) => {
    if (!isVisible) return;
    isChosenBelow = false;
    elsewhere.hidden = true;
  });
  elsewhere.addEventListener("click", () => fmnist.bringIntoView(document.querySelector("#pad")));

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
