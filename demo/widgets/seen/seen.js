// The 28x28 pixels that the network sees of the current picture, and what it was taken for: the visitor may know better.

fmnist.mountSeen = (element) => {
  const canvas = element.querySelector("canvas");
  const context = canvas.getContext("2d");
  const select = element.querySelector("select");
  const again = element.querySelector("button");
  const how = element.querySelector(".how");
  canvas.width = canvas.height = 28;
  for (const [kind, words] of Object.entries(fmnist.facts.kinds)) {
    const option = document.createElement("option");
    option.value = kind;
    option.textContent = words.split(":")[0];
    select.append(option);
  }
  const paint = ({ pixels, kind, overruled }) => {
    select.value = kind ?? "";
    select.disabled = !kind || kind === "sample" && !overruled;
    again.hidden = !overruled;
    const steps = kind ? fmnist.facts.kinds[kind].split(": ")[1] : "";
    how.textContent = steps && `${steps[0].toUpperCase()}${steps.slice(1)}.`;
    context.fillRect(0, 0, 28, 28);
    if (pixels) context.drawImage(fmnist.greyImage(fmnist.bytes(pixels)), 0, 0);
  };
  select.addEventListener("change", () => fmnist.emit("kind", select.value));
  again.addEventListener("click", () => fmnist.emit("kind", null));
  paint({});
  fmnist.on("answer", paint);
};
