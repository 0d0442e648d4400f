// A link to what is open: the tab and the test sample. (Other widgets keep what is theirs in it by themselves, and hear
// "link" when another one is opened.)

fmnist.mountLink = (element) => {
  const find = (selector) => element.querySelector(selector);
  const field = find("input");

  // --- tabs: of Gradio, which on a narrow screen keeps the last ones in a menu ----------------------------------

  const TABS = "#tabs [role=tab], #tabs .overflow-dropdown button";
  const tabs = () => [...document.querySelectorAll(TABS)];
  const nameOf = (tab) => tab.textContent.trim().toLowerCase().replaceAll(" ", "-");
  const open = (name) => tabs().find((tab) => nameOf(tab) === name)?.click();

  document.addEventListener("click", (event) => {
    const tab = event.target.closest?.(TABS);
    if (tab) fmnist.link.set("tab", nameOf(tab));
  });
  fmnist.on("tab", open);

  // --- from a link: the sample at the start is the pad's, which shows it first of all ---------------------------

  const restoreTab = () => fmnist.link.get("tab") && open(fmnist.link.get("tab"));
  // The views are below the pad, on a phone far below. With the first answer, all above them is there.
  const bringIntoView = () => {
    const views = document.querySelector("#tabs");
    if (!fmnist.link.get("tab") || !views || !fmnist.latest("answer")) return;
    if (views.getBoundingClientRect().top > innerHeight / 2) views.scrollIntoView();
  };
  const whenBuilt = new MutationObserver(() => {
    if (!tabs().length) return;
    whenBuilt.disconnect();
    restoreTab();
    bringIntoView();
  });
  whenBuilt.observe(document.body, { childList: true, subtree: true });

  window.addEventListener("hashchange", () => {
    fmnist.emit("link");
    restoreTab();
    bringIntoView();
    const index = fmnist.samples.numbered(fmnist.link.get("sample"));
    if (index >= 0) fmnist.emit("sample", index);
  });

  // --- to a link -------------------------------------------------------------------------------------------------

  let copied = ""; // what is said below the button is about this link

  const copy = async () => {
    const isSample = fmnist.link.get("sample") !== null;
    const isYours = fmnist.latest("answer")?.network === "yours";
    const opens = `It opens this view${isSample ? " with this test image" : ", without your picture"}`
      + `${isYours ? ", answered by a shipped network" : ""}.`;
    copied = location.href;
    try {
      await navigator.clipboard.writeText(copied);
      find(".said").textContent = `Link copied. ${opens}`;
      field.hidden = true;
    } catch {
      // No clipboard on plain http pages, or it is forbidden.
      find(".said").textContent = `Copy this link. ${opens}`;
      field.hidden = false;
      field.value = copied;
      field.focus();
      field.select();
    }
  };
  find("button").addEventListener("click", copy);
  let isFirst = true;
  fmnist.on("answer", () => {
    if (isFirst) bringIntoView();
    isFirst = false;
    if (copied === location.href) return;
    find(".said").textContent = "";
    field.hidden = true;
  });
};
