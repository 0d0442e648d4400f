// The current picture among the test images: its place, on its way when the layout changes, the trail of its last
// places, and the images most like it.

fmnist.makeMapPicture = (row, framed, light) => {
  const { samples } = fmnist;
  const TRAIL = 40; // last places that are kept
  let you = null; // the answer about it, with {spots, nearest, kind}; null while it has no place
  let layout = null;
  let start = null; // where it began to travel, and the part of the way that it has made; null while it is at rest
  let trail = []; // the latest last

  // Where it belongs; outside the map: at its edge.
  const goal = () => {
    const place = you && framed(layout, you.spots[layout]);
    return place && place.map((part) => Math.max(-0.015, Math.min(1.015, part)));
  };
  const place = () => {
    const end = goal();
    if (!end || !start) return end;
    return end.map((part, i) => start.place[i] + start.part * (part - start.place[i]));
  };

  const card = ({ index, distance }) => {
    const item = document.createElement("li");
    const [name, far] = [document.createElement("span"), document.createElement("span")];
    const button = samples.button(index, 56);
    name.textContent = samples.name(index);
    far.textContent = distance < 100 ? distance.toPrecision(3) : distance.toFixed(0);
    far.className = "distance";
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => light(index));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => light(-1));
    item.append(button, name, far);
    return item;
  };

  const take = (answer) => {
    const isAnother = answer.kind === "sample" || answer.kind !== you?.kind;
    you = answer.spots ? answer : null;
    if (!you || isAnother) trail = [];
    // Made anew only when they change: a button that has the focus keeps it.
    const nearest = JSON.stringify(you?.nearest ?? []);
    if (row.dataset.nearest !== nearest) {
      const hadFocus = row.contains(document.activeElement);
      row.replaceChildren(...(you?.nearest ?? []).map(card));
      if (hadFocus) row.querySelector("button")?.focus({ preventScroll: true });
    }
    row.dataset.nearest = nearest;
    const now = !start && place();
    if (now) trail = [...trail, now].slice(-TRAIL);
  };

  // The way to another layout.
  const depart = (name) => {
    const from = place();
    layout = name;
    trail = [];
    start = from && goal() ? { place: from, part: 0 } : null;
  };
  const travelled = (part, isThere) => {
    if (start) start.part = part;
    if (!isThere) return;
    start = null;
    const end = place();
    if (end) trail = [end];
  };

  return {
    take, depart, travelled, place,
    get trail() {
      return trail;
    },
    get alike() {
      return you ? you.nearest.map(({ index }) => index) : [];
    },
  };
};
