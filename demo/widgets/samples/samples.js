// Ten test samples, one of each class, a click away.

fmnist.mountSamples = (element) => {
  const { samples, facts } = fmnist;
  const row = element.querySelector(".row");
  const byClass = facts.classes.map(() => []);
  samples.labels.forEach((label, index) => byClass[label].push(index));
  let round = 0;
  const fill = () => {
    row.replaceChildren(...byClass.map((members) => samples.button(members[round % members.length], 48)));
    round += 1;
  };
  element.querySelector(".quiet").addEventListener("click", fill);
  fill();
};
