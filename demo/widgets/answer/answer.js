// The answer in words and as ten bars. The bars stand in the order of the classes and do not jump about while one
// draws; the best is in colour.

fmnist.mountAnswer = (element) => {
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

  const whose = element.querySelector(".whose");
  const aside = element.querySelector(".aside");
  const meter = element.querySelector("meter");
  const familiar = element.querySelector(".familiar b");
  let isOwn = false;
  const paint = ({ empty, words: sentence, probabilities, own, familiarity = 0, note }) => {
    if (own !== undefined) isOwn = own;
    aside.textContent = note ?? "";
    whose.textContent = isOwn ? "Answered by the network that you trained." : "";
    words.textContent = (empty ?? sentence).replace("T-shirt", "T\u2011shirt"); // never broken at its hyphen
    words.classList.toggle("empty", Boolean(empty));
    words.classList.toggle("guess", Boolean(note));
    const best = empty ? -1 : probabilities.indexOf(Math.max(...probabilities));
    rows.forEach(({ row, bar, number }, index) => {
      const part = empty ? 0 : probabilities[index];
      row.classList.toggle("best", index === best);
      bar.style.transform = `scaleX(${part})`;
      number.textContent = empty ? "–" : part > 0 && part < 0.005 ? "<1 %" : `${Math.round(100 * part)} %`;
    });
    meter.value = empty ? 0 : familiarity;
    familiar.textContent = empty ? "–" : `${Math.round(100 * familiarity)} %`;
    holder.dataset.answers = String(++painted);
  };
  fmnist.on("answer", paint);
};
