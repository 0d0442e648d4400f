// What the visitor chooses about the marks: what places them, what they show, and one class alone; told in the note
// above the map and in the page's address.

fmnist.makeMapChoices = (element, { marks, layoutAsked, styleChanged }) => {
  const { samples, facts, link } = fmnist;
  const find = (selector) => element.querySelector(selector);
  const holder = element.closest("#map");
  const legend = find(".legend");
  const LAYOUTS = {
    pca:
      "Seen from the two directions in which the embeddings differ most (principal components). Your place is exact.",
    tsne:
      "Arranged so that neighbours stay neighbours; distances between far groups mean nothing. Your place is an " +
      "estimate from the five nearest images.",
    pixels:
      "Without any network: seen from the two directions in which the pixels themselves differ most (principal " +
      "components). Your place is exact.",
  };
  const COLOURS = {
    true: "Each mark shows what the image is.",
    predicted: "Each mark shows what the network takes the image for.",
    mistakes: "Only images that the network gets wrong are in colour; the mark shows what it takes them for.",
  };
  const asked = (key, words, usual) => (Object.hasOwn(words, link.get(key)) ? link.get(key) : usual);
  let [layout, colour] = [null, null];
  let wanted = null; // the layout that the visitor chose, which this network may not have
  let alone = null; // the class that is not faded, when one is chosen

  const press = (name, value) => {
    element.querySelectorAll(`[data-${name}]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    });
  };
  const setLayout = (name) => {
    layout = name;
    press("layout", name);
    holder.dataset.layout = name;
  };
  const setColour = (name) => {
    colour = name;
    press("colour", name);
    holder.dataset.colour = name;
  };

  const describe = ({ answers, tsne }) => {
    const few = facts.samples.count.toLocaleString("en");
    const isMore = samples.count > facts.samples.count && layout === "tsne";
    const wrong = answers.reduce((sum, answer, index) => sum + (answer !== samples.labels[index]), 0);
    const these = `These are ${wrong.toLocaleString("en")} of ${samples.count.toLocaleString("en")}.`;
    find(".note").textContent = [
      LAYOUTS[layout],
      isMore ? `So are the places of all images but the ${few} shipped ones.` : "",
      tsne ? "" : "t-SNE is not ready for this network.",
      COLOURS[colour],
      colour === "mistakes" ? these : "",
    ].filter(Boolean).join(" ");
  };

  // Gives each image the mark of a class, faded if the visitor wants to see others.
  const style = ({ answers }) => {
    const labels = colour === "true" ? samples.labels : answers;
    const isRight = (index) => answers[index] === samples.labels[index];
    marks.style(
      labels,
      (index) => (colour === "mistakes" && isRight(index)) || (alone !== null && labels[index] !== alone),
    );
    holder.dataset.plain = String(marks.plain().length);
  };

  const isolate = (label) => {
    alone = alone === label ? null : label;
    legend.querySelectorAll("button").forEach((button, each) => {
      button.setAttribute("aria-pressed", String(each === alone));
    });
    styleChanged();
  };
  const repaintLegend = () => {
    legend.querySelectorAll("button").forEach((button, label) => {
      button.firstChild.replaceWith(marks.single(label, fmnist.isDark()));
    });
  };

  facts.classes.forEach((name, label) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(marks.single(label, fmnist.isDark()), name);
    button.addEventListener("click", () => isolate(label));
    item.append(button);
    legend.append(item);
  });
  element.querySelectorAll("[data-layout]").forEach((button) => {
    button.addEventListener("click", () => {
      wanted = button.dataset.layout;
      link.set("layout", wanted);
      layoutAsked(wanted);
    });
  });
  element.querySelectorAll("[data-colour]").forEach((button) => {
    button.addEventListener("click", () => {
      link.set("colour", button.dataset.colour);
      setColour(button.dataset.colour);
      styleChanged();
    });
  });
  const readLink = () => {
    layout = wanted = asked("layout", LAYOUTS, "pca");
    setColour(asked("colour", COLOURS, "true"));
  };
  fmnist.on("link", () => {
    readLink();
    styleChanged();
    layoutAsked(layout);
  });
  readLink();

  return {
    setLayout, describe, style, repaintLegend,
    get layout() {
      return layout;
    },
    get wanted() {
      return wanted;
    },
  };
};
